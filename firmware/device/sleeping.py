"""How a board sleeps.

A user's asyncio tasks: light sleep ends when the next of them is due; deep sleep forgets them, so
an application that has one running calls `agent.stay_awake(ms)`. ESP-IDF itself waits, before
either sleep, until the UART has sent what was printed.
"""

import os
import sys
import time

import machine

from device.watchdog import SLICE_MS
from kernel.effects import SLEEP_DEEP

# A chip that is its own USB device vanishes from its host when it sleeps. These registers count
# the frames that a host sends, one each millisecond: of USB-Serial-JTAG, on the S3 of USB-OTG.
_FRAME_COUNTERS = (("C3", 0x60043024), ("C6", 0x6000F024), ("S3", 0x60080808))
_FRAMES_MS = 3


def sleep(depth, span_ms, loop):
    """Sleep so long, radio off; return after a light sleep, never after a deep one.

    Raises: KeyboardInterrupt if somebody knocks before a deep sleep.
    """
    loop.sink.radio(False)
    if depth == SLEEP_DEEP:
        from device import hibernating

        hibernating.sleep_deep(loop)
        return
    asyncio = sys.modules.get("asyncio")
    task = asyncio and asyncio.core._task_queue.peek()  # ours runs now, so it is none of these
    if task:
        span_ms = min(span_ms, time.ticks_diff(task.ph_key, time.ticks_ms()))
    while span_ms > 0:
        loop.watchdog.feed()
        machine.lightsleep(min(span_ms, SLICE_MS))
        span_ms -= SLICE_MS


def is_watched():
    """Tell whether a computer listens on the chip's own USB, which sleep would take away."""
    chip = os.uname().machine
    for family, counter in _FRAME_COUNTERS:
        if chip.endswith("ESP32" + family):
            before = machine.mem32[counter]
            time.sleep_ms(_FRAMES_MS)
            return machine.mem32[counter] != before
    return False
