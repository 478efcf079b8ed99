"""Which slot a boot starts, and its image in the loader's place."""

import sys

import machine
import vfs
from loader import mark

from kernel.release import layout

_PLACE = "/rom"  # where MicroPython mounted this loader
_PATHS = (_PLACE, _PLACE + "/lib")


def mount_slot():
    """Put the image of the slot that is to run at /rom; without one the loader stays there."""
    partition = vfs.rom_ioctl(2, 0)
    if isinstance(partition, int):
        print("cma: this board has no partition 'romfs'; run: cma flash")
        return
    flash = memoryview(partition)
    sector_count = len(flash) // layout.SECTOR_BYTES
    rtc = machine.RTC()
    slot = 0
    begin = layout.slot_at(slot, sector_count) * layout.SECTOR_BYTES
    image = vfs.VfsRom(flash[begin : begin + layout.image_bytes(sector_count)])
    vfs.umount(_PLACE)
    vfs.mount(image, _PLACE)
    for path in _PATHS:
        if path not in sys.path:
            sys.path.append(path)
    rtc.memory(mark.write(rtc.memory(), mark.SLOT_B * slot))
