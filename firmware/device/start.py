"""From reset to a running agent, and back to the prompt: what boot.py and main.py do.

Nothing here may stop a boot: without its filesystem an agent still runs, and says so. Whatever the
application does, the prompt stays within reach: Ctrl-C ends everything, a board listens before it
starts and before it sleeps, and after repeated crashes the application is left out.
"""

import gc
import sys

import esp32
import machine
import vfs

from device import crash, knock

_NAMESPACE = "cma"
_FORMATTING = "formatting"  # set while a format runs: one that lost power is begun again
_FEED_MS = 500  # a quarter of the shortest watchdog
_INTERRUPTS_MAX = 5  # that an orderly end survives; whoever sends more wants no order
_STOPPED = "cma: agent stopped; Ctrl-D starts it again"


def prepare():
    """Mount the user's filesystem, say where modules are, and keep a watchdog fed."""
    for step in (_mount_user, _add_paths, _feed_watchdog):
        try:
            step()
        except Exception as error:  # noqa: BLE001 - the boot goes on, and the reason is shown
            print("cma: this step of the start-up failed, and is left out:")
            sys.print_exception(error)


def _mount_user():
    """Mount the partition `user` at /user; format it only if it is blank."""
    parts = esp32.Partition.find(esp32.Partition.TYPE_DATA, label="user")
    if not parts:
        print("cma: this board has no partition 'user'; run: cma flash")
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


def _add_paths():
    """Let `import` find the image's files, and the user's after them."""
    for path in ("/rom", "/rom/lib", "/user", "/user/lib"):
        if path not in sys.path:
            sys.path.append(path)


def _feed_watchdog():
    """Keep a watchdog that still runs from biting at the prompt."""
    from device.watchdog import keep_fed_after_soft_reset

    keep_fed_after_soft_reset()


def run():
    """Run the agent of this board; return to the prompt when Ctrl-C comes.

    What the agent itself raises is kept over a reset, and the board starts anew.
    """
    loop = None
    try:
        is_wake = machine.reset_cause() == machine.DEEPSLEEP_RESET
        knock.listen(0 if is_wake else knock.COLD_BOOT_MS)
        from device.board import Board
        from device.loop import Loop

        loop = Loop(Board())
        loop.run("/user")
    except KeyboardInterrupt:
        _end(loop)
    except BaseException as error:  # noqa: BLE001 - SystemExit of an application, too
        _start_anew(error, loop)


def _end(loop):
    """End in order: to the prompt, whoever presses Ctrl-C again meanwhile; tools send it twice."""
    for _ in range(_INTERRUPTS_MAX):
        try:
            if loop:
                loop.watchdog.keep_fed()
                loop.stop()
                loop.close()
            break
        except KeyboardInterrupt:  # the journal stands it at any line: from the beginning again
            pass
    print(_STOPPED)


def _start_anew(error, loop):
    watchdog = loop and loop.watchdog
    try:
        _tell(error, loop, watchdog)
    except KeyboardInterrupt:
        if watchdog:
            watchdog.keep_fed()
        print(_STOPPED)
        return
    except Exception as another:  # noqa: BLE001 - no memory, no RTC: the reset mends it
        sys.print_exception(another)
    machine.reset()


def _tell(error, loop, watchdog):
    """Print what happened, keep it over the reset, and listen for a while."""
    # An application that took all memory gives it back, or nothing could be told.
    sys.modules.pop("app", None)
    if loop:
        loop.agent = None
    gc.collect()
    if loop:
        loop.close()
        rtc = loop.rtc
    else:
        from device.rtc import Rtc

        rtc = Rtc()
    sys.print_exception(error)
    pause_ms = crash.record(rtc.recovery, crash.text_of("agent", error))
    rtc.save()
    print("cma: the agent crashed; it starts anew in %d s, Ctrl-C stops it" % (pause_ms // 1000))
    for _ in range(pause_ms // _FEED_MS):
        if watchdog:
            watchdog.feed()
        knock.listen(_FEED_MS)
