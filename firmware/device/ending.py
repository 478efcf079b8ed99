"""How an agent ends: in order, or by a crash of which the next boot tells."""

import sys

import machine

from device import crash, knock
from device.rtc import Rtc

_FEED_MS = 500  # a quarter of the shortest watchdog


def stop(loop):
    """End in order: commit everything; the next boot is no crash."""
    loop.agent.stop(loop.rtc.now_ms(), loop.sink)
    crash.mark_orderly(loop.rtc.memory)
    loop.rtc.save()
    _close(loop)


def reboot(loop):
    """Commit everything and start the hardware anew."""
    loop.sink.note("reboot", loop.sink.reboot_reason)
    stop(loop)
    machine.reset()


def tell(error, loop):
    """Print what happened, keep it over the reset, and listen for a while.

    Raises: KeyboardInterrupt if somebody knocks.
    """
    if loop:
        _close(loop)
    rtc = loop.rtc if loop else Rtc()
    sys.print_exception(error)
    pause_ms = crash.record(rtc, crash.text_of("agent", error))
    print("cma: the agent crashed; it starts anew in %d s, Ctrl-C stops it" % (pause_ms // 1000))
    for _ in range(pause_ms // _FEED_MS):
        if loop:
            loop.watchdog.feed()
        knock.listen(_FEED_MS)


def _close(loop):
    """Let go of the links and forget the tasks, however the loop ended."""
    loop.sink.radio(False)
    asyncio = sys.modules.get("asyncio")
    if asyncio:
        asyncio.new_event_loop()
