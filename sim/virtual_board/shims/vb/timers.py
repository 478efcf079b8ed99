"""`machine.Timer`: callbacks while the program waits (see `idle`)."""

import time

from vb import idle


class Timer:
    """A timer of the chip."""

    ONE_SHOT, PERIODIC = 0, 1

    def __init__(self, id=-1, **options):
        self._period_ms = 0
        self._mode = Timer.PERIODIC
        self._callback = None
        self._started_ms = 0
        self.due_at_ms = 0
        if options:
            self.init(**options)

    def init(self, *, mode=PERIODIC, freq=-1, period=-1, callback=None, hard=False):
        """Start it: `period` in milliseconds, or `freq` in hertz."""
        self._period_ms = max(1, int(1000 / freq) if freq > 0 else period)
        self._mode = mode
        self._callback = callback
        self._started_ms = time.ticks_ms()
        self.due_at_ms = time.ticks_add(self._started_ms, self._period_ms)
        idle.add_timer(self)

    def deinit(self):
        """Stop it."""
        idle.remove_timer(self)

    def value(self):
        """Return the milliseconds since its last callback."""
        left_ms = time.ticks_diff(self.due_at_ms, time.ticks_ms())
        return self._period_ms - left_ms

    def expire(self):
        """Call back; a period that was missed is missed."""
        if self._mode == Timer.ONE_SHOT:
            idle.remove_timer(self)
        else:
            self.due_at_ms = time.ticks_add(time.ticks_ms(), self._period_ms)
        if self._callback:
            idle.call(self._callback, self)
