"""What is due when: the one table of timers of an agent.

Input    set(timer_id, at), every(now, period, callback), take_due(now)
Effects  none
Bounds   the agent's own timers and TIMERS_MAX of the application
"""

from .limits import PERIOD_MS_MAX, PERIOD_MS_MIN, TIMERS_MAX
from .ticks import ticks_add, ticks_diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .shapes import Callback

TIMER_ANNOUNCE = 0
TIMER_TELEMETRY = 1
TIMER_EXPIRE = 2
TIMERS_OWN = 3

NONE_DUE = -1


class Timers:
    """Instants by timer id; an application's timers follow the agent's own."""

    def __init__(self) -> None:
        self.count = TIMERS_OWN
        self._at_ms = [0] * (TIMERS_OWN + TIMERS_MAX)
        self._is_set = [False] * (TIMERS_OWN + TIMERS_MAX)
        self._period_ms = [0] * (TIMERS_OWN + TIMERS_MAX)
        self._callbacks: "list[Callback | None]" = [None] * (TIMERS_OWN + TIMERS_MAX)

    def set(self, timer_id: int, at_ms: int) -> None:
        """Make a timer due at an instant."""
        self._at_ms[timer_id] = at_ms
        self._is_set[timer_id] = True

    def every(self, now_ms: int, period_ms: int, callback: "Callback") -> None:
        """Make a callback due each `period_ms`, first one period from now.

        Raises: ValueError for a period out of bounds or one timer too many (application).
        """
        if not PERIOD_MS_MIN <= period_ms <= PERIOD_MS_MAX:
            raise ValueError("agent.every takes %d to %d ms" % (PERIOD_MS_MIN, PERIOD_MS_MAX))
        if self.count == len(self._at_ms):
            raise ValueError("agent.every: at most %d timers" % TIMERS_MAX)
        self._period_ms[self.count] = period_ms
        self._callbacks[self.count] = callback
        self.set(self.count, ticks_add(now_ms, period_ms))
        self.count += 1

    def clear_application(self) -> None:
        """Forget the application's timers."""
        while self.count > TIMERS_OWN:
            self.count -= 1
            self._callbacks[self.count] = None
            self._is_set[self.count] = False

    def callback(self, timer_id: int) -> "Callback":
        """Return what to call for a timer of the application."""
        callback = self._callbacks[timer_id]
        assert callback is not None
        return callback

    def next(self, now_ms: int) -> int:
        """Return the id of the timer that is or will be due first, NONE_DUE if none is set."""
        first, first_ms = NONE_DUE, 0
        for timer_id in range(self.count):
            if self._is_set[timer_id]:
                span_ms = ticks_diff(self._at_ms[timer_id], now_ms)
                if first == NONE_DUE or span_ms < first_ms:
                    first, first_ms = timer_id, span_ms
        return first

    def at_ms(self, timer_id: int) -> int:
        """Return when a timer is due."""
        return self._at_ms[timer_id]

    def take_due(self, now_ms: int) -> int:
        """Return the id of a due timer, the longest overdue first, and unset it; else NONE_DUE."""
        timer_id = self.next(now_ms)
        if timer_id == NONE_DUE or ticks_diff(self._at_ms[timer_id], now_ms) > 0:
            return NONE_DUE
        self._is_set[timer_id] = False
        return timer_id

    def repeat(self, timer_id: int, now_ms: int) -> int:
        """Make a timer of the application due again; return how many periods are missed by now."""
        period_ms = self._period_ms[timer_id]
        late_ms = ticks_diff(now_ms, self._at_ms[timer_id])
        missed = late_ms // period_ms
        self.set(timer_id, ticks_add(self._at_ms[timer_id], (missed + 1) * period_ms))
        return missed
