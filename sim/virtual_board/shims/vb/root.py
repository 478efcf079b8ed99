"""The root filesystem, mounted as the firmware's `_boot.py` and `inisetup.py` do it.

A blank partition is formatted; one that is not blank and cannot be mounted is somebody's data, so
the board says so for ever.
"""

import time

import vfs
from vb import board_flash, littlefs

_BOOT_PY = """\
# This file is executed on every boot (including wake-boot from deepsleep)
"""
_CORRUPTED = """\
The filesystem appears to be corrupted. If you had important data there, you
may want to make a flash snapshot to try to recover it. Otherwise, perform
factory reprogramming of MicroPython firmware (completely erase flash, followed
by firmware programming).
"""
_ERASED = 0xFF


def mount():
    """Mount the partition `vfs`, or `ffat` on boards that have that instead.

    Returns: False if somebody's data is there that cannot be read.
    """
    row = board_flash.find("vfs")
    block_bytes = 4096
    if row is None:
        row = board_flash.find("ffat")
        block_bytes = 512
    if row is None:
        return True
    device = board_flash.blocks(row[3], row[4], block_bytes)
    try:
        littlefs.mount(device, "/")
        return True
    except OSError:
        if not _is_blank(device):
            return False
    _set_up(device, littlefs.VfsLfs2 if row[0] == "vfs" else vfs.VfsFat)
    return True


def complain_for_ever():
    """Say that the filesystem is damaged, until Ctrl-C.

    Raises: KeyboardInterrupt.
    """
    while True:
        print(_CORRUPTED)
        time.sleep(3)


def _set_up(device, filesystem):
    print("Performing initial setup")
    filesystem.mkfs(device)
    vfs.mount(filesystem(device), "/")
    with open("boot.py", "w") as file:
        file.write(_BOOT_PY)


def _is_blank(device):
    block = bytearray(device.ioctl(5, 0))
    device.readblocks(0, block)
    return all([byte == _ERASED for byte in block])
