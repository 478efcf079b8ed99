"""The ROM filesystem: found by its partition's label, mounted at /rom if it holds an image.

Source   MicroPython ports/esp32/vfs_rom_ioctl.c, extmod/vfs_rom.c (header and size)
"""

import sys

import vfs
from vb import board_flash

_MAGIC = b"\xd2\xcd1"
_HEAD_BYTES = 16
_EINVAL = 22


def rom_ioctl(operation, segment=0, *_):
    """Answer operation 1, how many segments there are, and 2, the partition itself."""
    from esp32 import Partition

    found = Partition.find(Partition.TYPE_DATA, label="romfs")
    if found and operation == 1:
        return 1
    if found and operation == 2 and segment == 0:
        return found[0]
    return -_EINVAL


def mount():
    """Mount the image that the partition holds, if it holds one, and let imports find it."""
    row = board_flash.find("romfs")
    if row is None:
        return
    region = board_flash.region(row[3], row[4])
    size = _size_bytes(region)
    if not size or size > row[4]:
        return
    # A board reads it in place from flash; here it costs as much of the heap.
    image = bytearray(size)
    region.read(0, image)
    try:
        vfs.mount(vfs.VfsRom(image), "/rom")
    except OSError:
        return
    sys.path += ["/rom", "/rom/lib"]


def _size_bytes(region):
    head = bytearray(_HEAD_BYTES)
    region.read(0, head)
    if head[:3] != _MAGIC:
        return 0
    size = 0
    for at in range(3, _HEAD_BYTES):
        size = size << 7 | head[at] & 0x7F
        if not head[at] & 0x80:
            return at + 1 + size
    return 0
