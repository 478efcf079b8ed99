"""The agent's clock: milliseconds modulo 2**29 that go on through deep sleep.

A board's `ticks_ms` begins anew at each boot; its RTC goes on while it sleeps, but anybody may set
it. So the RTC is read once, at boot, and what the agent's clock is ahead of it is kept beside the
snapshot when the board goes to sleep:
- setting the RTC while an agent runs changes nothing, not even over the next deep sleep;
- after a power loss both are gone, and with them every instant that somebody could compare;
- set before a reset that is not a deep sleep, the clock may jump: a timer is then due early or up
  to one period late, once.
"""

import time

from kernel.ticks import TICKS_PERIOD

_MASK = TICKS_PERIOD - 1
_NS_PER_MS = 1_000_000


def rtc_ms():
    """Return the RTC's time in milliseconds modulo 2**29."""
    return time.time_ns() // _NS_PER_MS & _MASK


class Clock:
    """Tell the time; `ahead_ms` is what an earlier boot's `ahead_ms()` returned, else 0."""

    def __init__(self, ahead_ms):
        self._base_ms = (rtc_ms() + ahead_ms - (time.ticks_ms() & _MASK)) & _MASK

    def now_ms(self):
        """Return the present instant.

        Allocates: nothing: both summands are below 2**29, so their sum is a small int on boards.
        """
        return (self._base_ms + (time.ticks_ms() & _MASK)) & _MASK

    def ahead_ms(self):
        """Return how far this clock is ahead of the RTC, modulo 2**29."""
        return (self.now_ms() - rtc_ms()) & _MASK
