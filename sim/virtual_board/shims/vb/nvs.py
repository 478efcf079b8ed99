"""`esp32.NVS` on the real pages of the flash image."""

from vb import board_flash, control, guard
from vb.nvs_page import NvsError
from vb.nvs_pages import BLOB, I32, NvsPages

# ESP-IDF's numbers, negative, as MicroPython raises them.
_ERRORS = {
    "ESP_ERR_NVS_NOT_INITIALIZED": -0x1101,
    "ESP_ERR_NVS_NOT_FOUND": -0x1102,
    "ESP_ERR_NVS_NOT_ENOUGH_SPACE": -0x1105,
    "ESP_ERR_NVS_INVALID_NAME": -0x1106,
    "ESP_ERR_NVS_KEY_TOO_LONG": -0x1109,
    "ESP_ERR_NVS_INVALID_LENGTH": -0x110C,
    "ESP_ERR_NVS_NO_FREE_PAGES": -0x110D,
    "ESP_ERR_NVS_VALUE_TOO_LONG": -0x110E,
    "ESP_ERR_NVS_PART_NOT_FOUND": -0x110F,
}
_pages = None


def _load():
    """Open the partition once, as the firmware does when it starts; erase it if it is unusable."""
    global _pages
    if _pages is None:
        row = board_flash.find("nvs")
        if row is None:
            raise NvsError("ESP_ERR_NVS_PART_NOT_FOUND")
        region = board_flash.region(row[3], row[4])
        pages = NvsPages(region, row[4])
        try:
            pages.load()
        except NvsError:
            region.erase(0, row[4])
            pages.load()
        _pages = pages
    return _pages


def _attempt(function, arguments):
    control.hear()
    return function(_load(), *arguments)


def _do(function, *arguments):
    """Run one operation as a whole.

    Raises: OSError with ESP-IDF's number and name.
    """
    try:
        return guard.run(_attempt, function, arguments)
    except NvsError as error:
        name = error.args[0]
        raise OSError(_ERRORS.get(name, -1), name)


class NVS:
    """One namespace."""

    def __init__(self, namespace):
        self._namespace = namespace
        _do(NvsPages.open_namespace, namespace)

    def set_i32(self, key, value):
        """Set a number."""
        _do(NvsPages.set, self._namespace, key, I32, value)

    def get_i32(self, key):
        """Return a number."""
        return _do(NvsPages.get, self._namespace, key, I32)

    def set_blob(self, key, value):
        """Set bytes."""
        _do(NvsPages.set, self._namespace, key, BLOB, value)

    def get_blob(self, key, buffer):
        """Fill a buffer; return the size of the value."""
        value = _do(NvsPages.get, self._namespace, key, BLOB)
        if len(value) > len(buffer):
            raise OSError(_ERRORS["ESP_ERR_NVS_INVALID_LENGTH"], "ESP_ERR_NVS_INVALID_LENGTH")
        buffer[: len(value)] = value
        return len(value)

    def erase_key(self, key):
        """Forget a key."""
        _do(NvsPages.erase_key, self._namespace, key)

    def commit(self):
        """Do nothing: every operation is in flash when it returns."""
