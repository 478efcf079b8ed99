"""The ROM filesystem: found by its partition's label, mounted at /rom if it holds an image.

Source   MicroPython ports/esp32/vfs_rom_ioctl.c, extmod/vfs_rom.c (header and size)
"""

import sys

import uctypes
import vfs
from vb import board_flash, config

_MAPS = "/proc/self/maps"
_LABEL = "romfs"
_EINVAL = 22


def _find_mapped():
    """Return where the partition lies in this process's memory, 0 if it does not.

    Source: proc(5).
    """
    with open(_MAPS) as file:
        for line in file:
            if line.rstrip("\n").endswith(" " + config.get("image")):
                return int(line.split("-")[0], 16)
    return 0


_MAPPED_AT = _find_mapped()


def rom_ioctl(operation, segment=0, *_):
    """Answer operation 1, how many segments there are, and 2, the partition itself."""
    from esp32 import Partition

    found = Partition.find(Partition.TYPE_DATA, label=_LABEL)
    if found and operation == 1:
        return 1
    if found and operation == 2 and segment == 0:
        return _Mapped(found[0])
    return -_EINVAL


class _Mapped(memoryview):
    """The partition as a board gives it: with its methods, and mapped into memory."""

    def __init__(self, partition):
        super().__init__(_memory(board_flash.find(_LABEL)))
        self.readblocks = partition.readblocks
        self.writeblocks = partition.writeblocks
        self.ioctl = partition.ioctl
        self.info = partition.info


def mount():
    """Mount the image that the partition holds, if it holds one, and let imports find it."""
    row = board_flash.find(_LABEL)
    if not row:
        return
    try:
        vfs.mount(vfs.VfsRom(_memory(row)), "/rom")
    except OSError:
        return
    sys.path += ["/rom", "/rom/lib"]


def _memory(row):
    """Return what a partition holds; an interpreter that maps no flash has a copy of it."""
    if _MAPPED_AT:
        return uctypes.bytearray_at(_MAPPED_AT, row[4])
    data = bytearray(row[4])
    board_flash.region(row[3], row[4]).read(0, data)
    return data
