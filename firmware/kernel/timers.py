"""What is due when: the one table of timers of an agent.

Input    set(timer_id, at), every(now, period, callback), take_due(now)
Effects  none
Bounds   the agent's own timers and TIMERS_MAX of the application; only `every` allocates later

An agent that sleeps between windows serves an application's slower timers in the window in which
they fall due: waking for each of them would cost more than all the rest.
"""

from array import array

from .limits import PERIOD_MS_MAX, PERIOD_MS_MIN, TIMERS_MAX
from .ticks import TICKS_PERIOD, ticks_add, ticks_diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .shapes import Callback

TIMER_ANNOUNCE = 0
TIMER_TELEMETRY = 1
TIMER_EXPIRE = 2
TIMER_STATE = 3  # changes of the state are to be written

TIMERS_OWN = 4

NONE_DUE = -1
_COUNT_MAX = TIMERS_OWN + TIMERS_MAX
_HALF, _MASK = TICKS_PERIOD >> 1, TICKS_PERIOD - 1
_IS_SET = 1 << 29  # of the four bytes in a snapshot: instants are below it


class Timers:
    """Instants by timer id; an application's timers follow the agent's own.

    Units: `window_ms` from one window of the schedule to the next, 0 for none.
    """

    SNAPSHOT_BYTES = 4 * _COUNT_MAX

    def __init__(self, window_ms: int = 0) -> None:
        self.count = TIMERS_OWN
        self.is_window_open = True
        self.has_application = True  # False: its timers wait, as long as it takes
        self._window_ms = window_ms
        self._at_ms = array("I", bytes(4 * _COUNT_MAX))
        self._is_set = bytearray(_COUNT_MAX)
        self._application: "list[tuple[int, Callback]]" = []  # period and what to call

    def set(self, timer_id: int, at_ms: int) -> None:
        """Make a timer due at an instant."""
        self._at_ms[timer_id] = at_ms
        self._is_set[timer_id] = 1

    def unset(self, timer_id: int) -> None:
        """Let a timer not be due any more."""
        self._is_set[timer_id] = 0

    def is_set(self, timer_id: int) -> bool:
        """Tell whether a timer will be due."""
        return self._is_set[timer_id] == 1

    def every(self, now_ms: int, period_ms: int, callback: "Callback") -> None:
        """Make a callback due each `period_ms`, first one period from now.

        After deep sleep a timer goes on where it was, if its place and period can be the same.
        Raises: ValueError for a period out of bounds or one timer too many (application).
        """
        if not PERIOD_MS_MIN <= period_ms <= PERIOD_MS_MAX:
            raise ValueError("agent.every takes %d to %d ms" % (PERIOD_MS_MIN, PERIOD_MS_MAX))
        timer_id = self.count
        if timer_id == _COUNT_MAX:
            raise ValueError("agent.every: at most %d timers" % TIMERS_MAX)
        left_ms = ticks_diff(self._at_ms[timer_id], now_ms)
        if not self._is_set[timer_id] or left_ms > period_ms:
            self.set(timer_id, ticks_add(now_ms, period_ms))
        self._application.append((period_ms, callback))
        self.count += 1

    def clear_application(self) -> None:
        """Forget the application's timers, those of a snapshot too."""
        self.count = TIMERS_OWN
        self._application.clear()
        for timer_id in range(TIMERS_OWN, _COUNT_MAX):
            self._is_set[timer_id] = 0

    def callback(self, timer_id: int) -> "Callback":
        """Return what to call for a timer of the application."""
        return self._application[timer_id - TIMERS_OWN][1]

    def next(self, now_ms: int) -> int:
        """Return the id of the timer that is or will be due first, NONE_DUE if there is none."""
        first, first_ms = NONE_DUE, 0
        at_ms, is_set, is_open = self._at_ms, self._is_set, self.is_window_open
        for timer_id in range(self.count if self.has_application else TIMERS_OWN):
            if is_set[timer_id] and (is_open or not self._waits(timer_id)):
                span_ms = ((at_ms[timer_id] - now_ms + _HALF) & _MASK) - _HALF  # ticks_diff
                if first == NONE_DUE or span_ms < first_ms:
                    first, first_ms = timer_id, span_ms
        return first

    def _waits(self, timer_id: int) -> bool:
        # The agent's own wait for a window too, but for the one that writes to flash.
        if timer_id < TIMERS_OWN:
            return timer_id != TIMER_STATE
        return self._window_ms <= self._application[timer_id - TIMERS_OWN][0]

    def at_ms(self, timer_id: int) -> int:
        """Return when a timer is due."""
        return self._at_ms[timer_id]

    def take_due(self, now_ms: int) -> int:
        """Return the id of a due timer, the longest overdue first, and unset it; else NONE_DUE."""
        timer_id = self.next(now_ms)
        if timer_id == NONE_DUE or ticks_diff(self._at_ms[timer_id], now_ms) > 0:
            return NONE_DUE
        self._is_set[timer_id] = 0
        return timer_id

    def repeat(self, timer_id: int, now_ms: int) -> int:
        """Make a timer of the application due again; return how many periods are missed by now."""
        period_ms = self._application[timer_id - TIMERS_OWN][0]
        late_ms = ticks_diff(now_ms, self._at_ms[timer_id])
        missed = late_ms // period_ms
        self.set(timer_id, ticks_add(self._at_ms[timer_id], (missed + 1) * period_ms))
        return missed

    def save_into(self, buffer: bytearray, offset: int) -> int:
        """Write when each timer is due; return the offset behind it."""
        for timer_id in range(_COUNT_MAX):
            at_ms = self._at_ms[timer_id] | (_IS_SET if self._is_set[timer_id] else 0)
            buffer[offset] = at_ms >> 24
            buffer[offset + 1] = at_ms >> 16 & 0xFF
            buffer[offset + 2] = at_ms >> 8 & 0xFF
            buffer[offset + 3] = at_ms & 0xFF
            offset += 4
        return offset

    def load_from(self, buffer: "bytes | bytearray | memoryview", offset: int) -> int:
        """Take over when each timer is due; an application's own come alive with `every`."""
        for timer_id in range(_COUNT_MAX):
            at_ms = (
                buffer[offset] << 24
                | buffer[offset + 1] << 16
                | buffer[offset + 2] << 8
                | buffer[offset + 3]
            )
            self._at_ms[timer_id] = at_ms & (_IS_SET - 1)
            self._is_set[timer_id] = 1 if at_ms & _IS_SET else 0
            offset += 4
        return offset
