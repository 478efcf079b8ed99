"""So much at once, and a unit more each while: what others can make us do is paid from it.

Input    take(now, amount), level(now)
Effects  none
Bounds   two integers; forgotten in a deep sleep: `quarantine` keeps what must not be
"""

from ..ticks import ticks_add, ticks_diff


class Budget:
    """Units, at most `most` of them (255), one more each `every_ms`; full at first."""

    def __init__(self, most: int, every_ms: int) -> None:
        self._most, self._every_ms = most, every_ms
        self._level, self._at_ms = most, 0

    def level(self, now_ms: int) -> int:
        """Return how much there is."""
        passed_ms = ticks_diff(now_ms, self._at_ms)
        gain = passed_ms // self._every_ms
        if passed_ms < 0 or self._level + gain >= self._most:
            # A clock that was set back, or three days of sleep, give nothing.
            self._level = self._most if gain >= 0 else self._level
            self._at_ms = now_ms
        else:
            self._level += gain
            self._at_ms = ticks_add(self._at_ms, gain * self._every_ms)
        return self._level

    def take(self, now_ms: int, amount: int) -> bool:
        """Take an amount, all of it or nothing."""
        if self.level(now_ms) < amount:
            return False
        self._level -= amount
        return True
