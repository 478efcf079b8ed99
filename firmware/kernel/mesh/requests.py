"""Who is still owed an answer: requests that were sent, each until its deadline.

Input    open(now, target, deadline, callback), take(source, correlation), take_expired(now)
Effects  none; the agent calls what is returned
Bounds   REQUESTS_MAX; nothing is allocated after construction
"""

from array import array

from ..limits import DEADLINE_MS_MAX, REQUESTS_MAX
from ..ticks import ticks_add, ticks_diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..shapes import Handler


class Requests:
    """A table of callbacks by correlation id; `latest` is the id before the first, below 2**16."""

    def __init__(self, latest: int) -> None:
        self.count = 0
        self._latest = latest
        self._correlations = [0] * REQUESTS_MAX  # 0: the row is free
        self._targets = array("I", self._correlations)
        self._due_at_ms = array("I", self._correlations)
        self._spans_ms = array("I", self._correlations)
        self._fresh = bytearray(REQUESTS_MAX)  # opened since the last `begin`
        self._callbacks: "list[Handler | None]" = [None] * REQUESTS_MAX

    def open(self, now_ms: int, target: int, deadline_ms: int, callback: "Handler") -> int:
        """Wait for an answer; return the request's correlation id, 0 if too many wait already.

        Raises: ValueError for a deadline out of bounds (application).
        """
        if not 0 < deadline_ms <= DEADLINE_MS_MAX:
            raise ValueError("a request's deadline is 1 to %d ms" % DEADLINE_MS_MAX)
        if self.count == REQUESTS_MAX:
            return 0
        row = self._correlations.index(0)
        while True:
            self._latest = self._latest % 0xFFFF + 1
            if self._latest not in self._correlations:
                break
        self._correlations[row] = self._latest
        self._fresh[row] = 1
        self._targets[row] = target
        self._due_at_ms[row] = ticks_add(now_ms, deadline_ms)
        self._spans_ms[row] = deadline_ms
        self._callbacks[row] = callback
        self.count += 1
        return self._latest

    def begin(self, now_ms: int) -> None:
        """Let the deadlines of what was opened since the last call run from now."""
        for row in range(REQUESTS_MAX):
            if self._fresh[row]:
                self._fresh[row] = 0
                self._due_at_ms[row] = ticks_add(now_ms, self._spans_ms[row])

    def cancel(self, correlation: int) -> None:
        """Wait no longer: the request was never sent."""
        self._free(self._correlations.index(correlation))

    def expects(self, source: int, correlation: int) -> bool:
        """Tell whether an answer of a node comes in time and was asked for."""
        if not correlation or correlation not in self._correlations:
            return False
        return self._targets[self._correlations.index(correlation)] == source

    def take(self, source: int, correlation: int) -> "Handler | None":
        """Return what to call with the answer of a node, None if it comes late or unasked."""
        if not self.expects(source, correlation):
            return None
        return self._free(self._correlations.index(correlation))

    def has_expired(self, now_ms: int) -> bool:
        """Tell whether the deadline of any request has passed."""
        row = self._first(now_ms)
        return row >= 0 and ticks_diff(self._due_at_ms[row], now_ms) <= 0

    def take_expired(self, now_ms: int) -> "Handler | None":
        """Return what to call for one request whose deadline has passed, None if there is none."""
        return self._free(self._first(now_ms)) if self.has_expired(now_ms) else None

    def next_at_ms(self, now_ms: int) -> int:
        """Return the earliest deadline, -1 if nothing waits."""
        row = self._first(now_ms)
        return self._due_at_ms[row] if row >= 0 else -1

    def _first(self, now_ms: int) -> int:
        first, first_ms = -1, 0
        for row in range(REQUESTS_MAX):
            if self._correlations[row]:
                span_ms = ticks_diff(self._due_at_ms[row], now_ms)
                if first < 0 or span_ms < first_ms:
                    first, first_ms = row, span_ms
        return first

    def _free(self, row: int) -> "Handler | None":
        self._correlations[row] = self._fresh[row] = 0
        self.count -= 1
        callback = self._callbacks[row]
        self._callbacks[row] = None
        return callback
