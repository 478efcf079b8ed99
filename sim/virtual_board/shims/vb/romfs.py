"""The ROM filesystem: found by its partition's label, mounted at /rom if it holds an image.

Source   MicroPython ports/esp32/vfs_rom_ioctl.c, extmod/vfs_rom.c (header and size)
"""

import sys

import vfs
from vb import board_flash

_MAGIC = b"\xd2\xcd1"
_HEAD_BYTES = 16
_SECTOR_BYTES = 4096
_EINVAL = 22


def rom_ioctl(operation, segment=0, *_):
    """Answer operation 1, how many segments there are, and 2, the partition itself."""
    from esp32 import Partition

    found = Partition.find(Partition.TYPE_DATA, label="romfs")
    if found and operation == 1:
        return 1
    if found and operation == 2 and segment == 0:
        return _Mapped(found[0])
    return -_EINVAL


class _Mapped(bytearray):
    """The partition as a board gives it: with its methods, and mapped into memory.

    A board maps all of it; here a copy of the image, or of one sector without one, must do.
    """

    def __init__(self, partition):
        row = board_flash.find("romfs")
        super().__init__(_image(row) or _read(row, _SECTOR_BYTES))
        self.readblocks = partition.readblocks
        self.writeblocks = partition.writeblocks
        self.ioctl = partition.ioctl
        self.info = partition.info


def mount():
    """Mount the image that the partition holds, if it holds one, and let imports find it."""
    row = board_flash.find("romfs")
    image = row and _image(row)
    if not image:
        return
    try:
        vfs.mount(vfs.VfsRom(image), "/rom")
    except OSError:
        return
    sys.path += ["/rom", "/rom/lib"]


def _image(row):
    """Return a copy of the image that a partition holds, None without one.

    A board reads it in place from flash; here it costs as much of the heap.
    """
    size = _size_bytes(_read(row, _HEAD_BYTES))
    return _read(row, size) if 0 < size <= row[4] else None


def _read(row, size):
    data = bytearray(size)
    board_flash.region(row[3], row[4]).read(0, data)
    return data


def _size_bytes(head):
    if head[:3] != _MAGIC:
        return 0
    size = 0
    for at in range(3, _HEAD_BYTES):
        size = size << 7 | head[at] & 0x7F
        if not head[at] & 0x80:
            return at + 1 + size
    return 0
