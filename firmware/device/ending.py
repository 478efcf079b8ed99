"""How an agent ends: in order, or by a crash of which the next boot tells."""

import sys

import machine

from device import crash, knock
from device.recorder import STOP
from device.rtc import UPDATE
from device.start import text_of
from kernel.errors import REBOOT_UPDATE
from kernel.limits import TRACEBACK_BYTES_MAX

_FEED_MS = 500  # a quarter of the shortest watchdog


def stop(loop):
    """End in order: commit everything; the next boot is no crash."""
    now_ms = loop.rtc.now_ms()
    loop.recorder.note(STOP, now_ms)
    loop.agent.stop(now_ms, loop.sink)
    crash.mark_orderly(loop.rtc.memory)
    loop.rtc.save()
    _forget_tasks()
    loop.sink.radio(False)


def reboot(loop):
    """Commit everything and start the hardware anew."""
    loop.sink.note("reboot", loop.sink.reboot_reason)
    if loop.sink.reboot_reason == REBOOT_UPDATE:
        loop.rtc.tell_loader(UPDATE)
    stop(loop)
    machine.reset()


def tell(error, loop):
    """Keep what happened over the reset, say so, and listen for a while.

    `loop` is None if there is none, as when the agent could not be loaded: this needs none of it.
    Raises: KeyboardInterrupt if somebody knocks.
    """
    _forget_tasks()  # and what they hold
    pause_ms = crash.record(text_of("agent", error, TRACEBACK_BYTES_MAX))
    print("cma: the agent crashed; it starts anew in %d s, Ctrl-C stops it" % (pause_ms // 1000))
    if loop:
        loop.sink.radio(False)
    for _ in range(pause_ms // _FEED_MS):
        if loop:
            loop.watchdog.feed()
        knock.listen(_FEED_MS)


def _forget_tasks():
    asyncio = sys.modules.get("asyncio")
    if asyncio:
        asyncio.new_event_loop().set_exception_handler(None)  # a handler of ours holds the loop
