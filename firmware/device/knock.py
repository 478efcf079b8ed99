"""Whoever wants the prompt gets it: a look at the console before the agent starts and sleeps.

While Python runs, Ctrl-C interrupts it by itself. What remains are the moments before Python runs,
when a Ctrl-C is kept as a byte, and boards that are awake for too short a time to be met. A tool
that sends Ctrl-C every 40 ms meets each wake.
"""

import select
import sys
import time

import machine

_COLD_BOOT_MS = 200  # about what mpremote needs from opening a port to its first Ctrl-C
_FIRST_SLEEP_MS = 2_000  # after a press of the button; each later sleep costs one look
_SETTLE_MS = 20  # in which a Ctrl-C that arrives as an interrupt is one
_BYTES_MAX = 256  # of a noisy pin: what a port keeps, read once
_KNOCKS = "\x03\x01"  # Ctrl-C, and the Ctrl-A that tools send after it


def listen(span_ms):
    """Wait so long for a knock, or only look whether one has come for 0.

    A pin that never falls silent holds nobody up: once the time is over, only what has come is
    read, at once.
    Raises: KeyboardInterrupt if somebody knocked.
    """
    poller = select.poll()
    poller.register(sys.stdin, select.POLLIN)
    end_at_ms = time.ticks_add(time.ticks_ms(), span_ms)
    for index in range(_BYTES_MAX):
        left_ms = max(0, time.ticks_diff(end_at_ms, time.ticks_ms()))
        if not poller.poll(left_ms):
            return
        if left_ms or not index:
            # Not at once: the byte may follow a Ctrl-C, and then it is for the prompt.
            time.sleep_ms(_SETTLE_MS)
        if sys.stdin.read(1) in _KNOCKS:
            raise KeyboardInterrupt


def at_boot():
    """Listen before an agent starts; a board that wakes only looks.

    Raises: KeyboardInterrupt if somebody knocked.
    """
    listen(0 if machine.reset_cause() == machine.DEEPSLEEP_RESET else _COLD_BOOT_MS)


def before_deep_sleep(is_first):
    """Listen before the board goes out of reach; for longer before its first sleep.

    Raises: KeyboardInterrupt if somebody knocked.
    """
    listen(_FIRST_SLEEP_MS if is_first else 0)
