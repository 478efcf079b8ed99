"""The user's filesystem, and a watchdog that an earlier run left: what a boot does for any image.

Nothing here may stop a boot: without its filesystem an agent still runs, and says so.
"""

import os
import sys

import esp32
import machine
import vfs
from loader import mark

_NAMESPACE = "cma"
_FORMATTING = "formatting"  # set while a format runs: one that lost power is begun again


def mount_user():
    """Mount the partition `user` and let imports find it; format it only if it is blank."""
    for path in ("/user", "/user/lib"):
        if path not in sys.path:
            sys.path.append(path)
    if "user" in os.listdir("/"):
        return
    parts = esp32.Partition.find(esp32.Partition.TYPE_DATA, label="user")
    if not parts:
        print("cma: no partition 'user'; run: cma flash")
        return
    try:
        vfs.mount(_open_or_make(parts[0], esp32.NVS(_NAMESPACE)), "/user")
    except OSError as error:
        print("cma: /user cannot be mounted (%s) and was left as it is;" % error)
        print("cma: save it with esptool read-flash, then run: cma flash --erase")


def _open_or_make(part, nvs):
    """Return the filesystem of a partition, made if it is blank or its making lost power."""
    unfinished = _is_format_unfinished(nvs)
    try:
        filesystem = vfs.VfsLfs2(part)  # whole, and so kept, whatever the mark says
    except OSError:
        if not unfinished and not _is_blank(part):
            raise
    else:
        if unfinished:
            _forget_format(nvs)
        return filesystem
    print("cma: making the filesystem at /user")
    nvs.set_i32(_FORMATTING, 1)
    nvs.commit()
    vfs.VfsLfs2.mkfs(part)
    _forget_format(nvs)
    return vfs.VfsLfs2(part)


def _is_blank(part):
    """Tell whether the first two blocks, littlefs's superblocks, were never written."""
    block = bytearray(512)
    for offset in range(0, 8192, 512):
        part.readblocks(offset // 4096, block, offset % 4096)
        if any(byte != 0xFF for byte in block):
            return False
    return True


def _is_format_unfinished(nvs):
    """Tell whether the last format lost power."""
    try:
        return nvs.get_i32(_FORMATTING) == 1
    except OSError:
        return False


def _forget_format(nvs):
    """Take the mark away: from now on what does not mount is damaged, and left alone."""
    nvs.erase_key(_FORMATTING)
    nvs.commit()


def feed_watchdog():
    """Feed a watchdog that an earlier run of the loop has started, until a loop takes over."""
    found = mark.read(machine.RTC().memory())
    is_first = found and found[0] >> mark.CAUSE_SHIFT and not found[1] & mark.WATCHED
    if machine.reset_cause() == machine.SOFT_RESET and not is_first:
        from device.settings import Settings
        from device.watchdog import DEFAULT_MS, Watchdog

        watchdog = Watchdog(Settings(bytes(6)).whole("watchdog_ms", DEFAULT_MS))
        watchdog.feed()
        watchdog.keep_fed()
