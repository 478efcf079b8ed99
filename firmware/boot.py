"""Before anything else: mount the user's filesystem and tell Python where the kernel is.

Nothing here may stop a boot: without its filesystem an agent still runs, and says so.
"""

import sys

import esp32
import vfs

NAMESPACE = "cma"
FORMATTING = "formatting"  # set while a format runs: one that lost power is begun again


def is_blank(part):
    """Tell whether the first two blocks, littlefs's superblocks, were never written."""
    block = bytearray(512)
    for offset in range(0, 8192, 512):
        part.readblocks(offset // 4096, block, offset % 4096)
        if any(byte != 0xFF for byte in block):
            return False
    return True


def is_format_unfinished(nvs):
    """Tell whether the last format lost power."""
    try:
        return nvs.get_i32(FORMATTING) == 1
    except OSError:
        return False


def format_user(part, nvs):
    """Make the filesystem; a power cut in the middle is noticed at the next boot."""
    nvs.set_i32(FORMATTING, 1)
    nvs.commit()
    vfs.VfsLfs2.mkfs(part)
    forget_format(nvs)


def forget_format(nvs):
    """Take the mark away: from now on what does not mount is damaged, and left alone."""
    nvs.erase_key(FORMATTING)
    nvs.commit()


def mount_user():
    """Mount the partition `user` at /user; format it only if it is blank."""
    parts = esp32.Partition.find(esp32.Partition.TYPE_DATA, label="user")
    if not parts:
        print("cma: this board has no partition 'user'; run: cma flash")
        return
    part = parts[0]
    try:
        filesystem = open_or_make(part, esp32.NVS(NAMESPACE))
        vfs.mount(filesystem, "/user")
    except OSError as error:
        print("cma: /user cannot be mounted (%s) and was left as it is;" % error)
        print("cma: save it with esptool read-flash, then run: cma flash --erase")


def open_or_make(part, nvs):
    """Return the filesystem of a partition, made if it is blank or its making lost power."""
    unfinished = is_format_unfinished(nvs)
    if not is_blank(part):
        try:
            filesystem = vfs.VfsLfs2(part)  # whole, and so kept, whatever the mark says
        except OSError:
            if not unfinished:
                raise
        else:
            if unfinished:
                forget_format(nvs)
            return filesystem
    print("cma: making the filesystem at /user")
    format_user(part, nvs)
    return vfs.VfsLfs2(part)


def add_paths():
    """Let `import` find the kernel in the ROM filesystem and the user's files after it."""
    for path in ("/rom", "/user", "/user/lib"):
        if path not in sys.path:
            sys.path.append(path)


def feed_watchdog():
    """Keep a watchdog that still runs from biting at the prompt."""
    try:
        from device.watchdog import keep_fed_after_soft_reset
    except ImportError:  # no kernel on this board: main.py says so
        return
    keep_fed_after_soft_reset()


mount_user()
add_paths()
feed_watchdog()
