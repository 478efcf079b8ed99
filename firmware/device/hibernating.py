"""How a board goes to deep sleep, from which it only returns by a new boot."""

import gc

import machine

from device import knock
from device.recorder import HIBERNATE
from kernel.ticks import ticks_diff


def sleep_deep(loop):
    """Keep what the agent remembers and sleep; return if that instant is over meanwhile.

    Raises: KeyboardInterrupt if somebody knocks before.
    """
    rtc, until_at_ms = loop.rtc, loop.sink.sleep_until_at_ms
    knock.before_deep_sleep(loop.is_first_sleep)
    loop.is_first_sleep = False
    span_ms = ticks_diff(until_at_ms, rtc.now_ms())
    if span_ms <= 0:
        return  # whoever listened for a knock has overslept: the agent decides anew
    loop.sink.note("asleep", span_ms)
    gc.collect()
    loop.agent.on_heap(gc.mem_free())
    loop.recorder.note(HIBERNATE, rtc.now_ms())
    rtc.save(loop.agent)
    machine.deepsleep(max(1, ticks_diff(until_at_ms, rtc.now_ms())))
