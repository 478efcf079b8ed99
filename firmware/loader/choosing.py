"""Which slot a boot starts, and its image in the loader's place.

A cold boot looks at the slots; a wake from deep sleep and a soft reset take the mark's word.
"""

import sys

import machine
import vfs
from loader import mark

from kernel.release import layout

_PLACE = "/rom"  # where MicroPython mounted this loader
_PATHS = (_PLACE, _PLACE + "/lib")
_ASKED = mark.UPDATE | mark.HEALTHY | mark.GIVEN_UP
# Of a trial: that many starts cost what a power loss does, whatever they were.
STARTS_MAX = 16
to_update = []  # the installation, where the updater is to run instead of an image


def look_if_due():
    """Have the slots looked at, unless the mark of an earlier look is enough.

    Raises: SystemExit when it is done: a soft reset, whose boot finds the new mark. An agent would
    have less heap otherwise, as MicroPython never forgets a name.
    """
    rtc = machine.RTC()
    found = mark.read(rtc.memory())
    if found is not None and _is_enough(found):
        return
    from loader import looking

    found, installation = looking.look(found)
    if found is not None:
        bits = found[0] | machine.reset_cause() << mark.CAUSE_SHIFT
        rtc.memory(mark.write(rtc.memory(), (bits,) + found[1:]))
        if installation is None:
            raise SystemExit
    to_update.append(installation)


def mount_slot():
    """Put the image that is to run at /rom; return the mark's bits, None if there is none."""
    partition = vfs.rom_ioctl(2, 0)
    if isinstance(partition, int):
        print("cma: no partition 'romfs'; run: cma flash")
        return None
    rtc = machine.RTC()
    found = mark.read(rtc.memory())
    if found is None or to_update:
        return None
    bits, starts = found[:2]
    if bits & mark.TRIAL:
        rtc.memory(
            mark.write(rtc.memory(), (bits, (starts & ~mark.WATCHED) + 1 & 0x7F) + found[2:])
        )
    flash = memoryview(partition)
    sector_count = len(flash) // layout.SECTOR_BYTES
    begin = layout.slot_at(bits & mark.SLOT_B, sector_count) * layout.SECTOR_BYTES
    image = vfs.VfsRom(flash[begin : begin + layout.image_bytes(sector_count)])
    vfs.umount(_PLACE)
    vfs.mount(image, _PLACE)
    for path in _PATHS:
        if path not in sys.path:
            sys.path.append(path)
    return bits


def _is_enough(found):
    """Tell whether nothing but the mark is to be read."""
    cause, bits, starts = machine.reset_cause(), found[0], found[1]
    if cause == machine.SOFT_RESET:
        return True
    is_due = bits & mark.TRIAL and starts & ~mark.WATCHED >= STARTS_MAX
    return cause == machine.DEEPSLEEP_RESET and not bits & _ASKED and not is_due
