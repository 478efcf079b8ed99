"""`esp` of an ESP32, as far as tools ask for it."""

from vb import board_flash

LOG_NONE, LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG, LOG_VERBOSE = range(6)


def flash_size():
    """Return the size of the flash chip in bytes."""
    return board_flash.SIZE_BYTES


def flash_user_start():
    """Return where the filesystem begins."""
    row = board_flash.find("vfs") or board_flash.find("ffat")
    return row[3] if row else board_flash.SIZE_BYTES


def flash_read(offset, buffer):
    """Read raw flash."""
    board_flash.region(0, board_flash.SIZE_BYTES).read(offset, buffer)


def flash_write(offset, data):
    """Program raw flash."""
    board_flash.region(0, board_flash.SIZE_BYTES).program(offset, data)


def flash_erase(sector):
    """Erase a sector."""
    board_flash.region(0, board_flash.SIZE_BYTES).erase(sector * 4096, 4096)


def osdebug(uart, level=LOG_ERROR):
    """Do nothing: there is no ESP-IDF to log."""
