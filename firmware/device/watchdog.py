"""The hardware watchdog, for boards whose setting `watchdog_ms` asks for one.

It cannot be stopped once it runs, not even by a soft reset. At the prompt nobody feeds it, so a
timer takes over there: a person who copies files must not be reset away from under their hands.
"""

import machine

_MS_MIN = 2_000
_TIMER = 0


class Watchdog:
    """Reset the board if the loop hangs; do nothing if no time is set."""

    def __init__(self, timeout_ms):
        self._wdt = None
        if timeout_ms:
            machine.Timer(_TIMER).deinit()
            self._wdt = machine.WDT(timeout=max(timeout_ms, _MS_MIN))

    def feed(self):
        """Say that the loop still turns."""
        if self._wdt is not None:
            self._wdt.feed()

    def keep_fed(self):
        """Feed by a timer from now on: the loop has ended and the prompt begins."""
        if self._wdt is not None:
            timer = machine.Timer(_TIMER)
            timer.init(period=_MS_MIN // 4, callback=lambda _: self._wdt.feed())


def keep_fed_after_soft_reset():
    """Feed a watchdog that an earlier run of the loop has started, until a loop takes over."""
    if machine.reset_cause() == machine.SOFT_RESET:
        from device.settings import Settings

        Watchdog(Settings(bytes(6)).whole("watchdog_ms", 0)).keep_fed()
