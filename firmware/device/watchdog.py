"""The hardware watchdog: a loop that hangs costs a minute, not the board.

It cannot be stopped once it runs, not even by a soft reset. At the prompt nobody feeds it, so a
timer takes over there: a person who copies files must not be reset away from under their hands.
"""

import machine

DEFAULT_MS = 60_000  # longer than any handler that is of use; the setting `watchdog_ms`, 0: none
SLICE_MS = 20_000  # of a light sleep between two feeds
_MS_MIN = 2_000
_TIMER = 0


class Watchdog:
    """Reset the board if the loop hangs; do nothing if no time is set.

    It begins with the first feed: an old program without setup may run in its import for ever.
    """

    def __init__(self, timeout_ms):
        self._timeout_ms = max(timeout_ms, _MS_MIN) if timeout_ms else 0
        self._wdt = None

    def feed(self):
        """Say that the loop still turns."""
        if self._wdt is not None:
            self._wdt.feed()
        elif self._timeout_ms:
            machine.Timer(_TIMER).deinit()  # that of the prompt before a soft reset
            self._wdt = machine.WDT(timeout=self._timeout_ms)

    def keep_fed(self):
        """Feed by a timer from now on: the loop has ended and the prompt begins."""
        if self._wdt is not None:
            timer = machine.Timer(_TIMER)
            timer.init(period=_MS_MIN // 4, callback=lambda _: self._wdt.feed())
