"""The hardware watchdog, for boards whose setting `watchdog_ms` asks for one.

It cannot be stopped once it runs. At the prompt nobody feeds it, so a timer takes over there: a
person at the prompt must not be reset away from under their hands.
"""

import machine

_MS_MIN = 2_000


class Watchdog:
    """Reset the board if the loop hangs; do nothing if no time is set."""

    def __init__(self, timeout_ms):
        self._wdt = None
        if timeout_ms:
            self._period_ms = max(timeout_ms, _MS_MIN) // 4
            self._wdt = machine.WDT(timeout=max(timeout_ms, _MS_MIN))

    def feed(self):
        """Say that the loop still turns."""
        if self._wdt is not None:
            self._wdt.feed()

    def keep_fed(self):
        """Feed by a timer from now on: the loop has ended and the prompt begins."""
        if self._wdt is not None:
            timer = machine.Timer(0)
            timer.init(period=self._period_ms, callback=lambda _: self._wdt.feed())
