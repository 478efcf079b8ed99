"""Virtual time: a queue of what happens when, and the clocks that agents see.

An agent's own clock starts half a minute before its ticks wrap: what cannot stand that fails in
every run, and not after three days in a field.
"""

import heapq

from cma_toolkit.firmware.kernel.ticks import TICKS_PERIOD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cma_toolkit.sim.world.medium.border import Border

_BEFORE_WRAP_MS = 30_000


def ticks_at(now_ms: int, offset_ms: int = 0) -> int:
    """Return what an agent's clock shows."""
    return (TICKS_PERIOD - _BEFORE_WRAP_MS + now_ms + offset_ms) % TICKS_PERIOD


class Clock:
    """The queue; events at one instant come out in the order in which they went in."""

    def __init__(self) -> None:
        self.now_ms = 0
        self._queue: list[tuple[int, int, int, int, Any]] = []
        self._order = 0
        self.border: Border | None = None  # of a part of a world, which has to know what comes

    @property
    def scheduled(self) -> int:
        """Return how many events were made to happen so far, turns of the air left out."""
        return self._order

    def schedule(self, at_ms: int, kind: int, agent: int, data: "Any" = b"") -> None:
        """Make something happen at an instant, now at the earliest."""
        self._order += 1
        at_ms = max(at_ms, self.now_ms)
        if self.border is not None:
            self.border.on_event(at_ms, kind, agent)
        heapq.heappush(self._queue, (at_ms, self._order, kind, agent, data))

    def schedule_first(self, at_ms: int, kind: int, agent: int) -> None:
        """Make something happen before all else at a later instant, at most once at each."""
        heapq.heappush(self._queue, (at_ms, 0, kind, agent, b""))

    def tell_border(self) -> None:
        """Tell the border what is to happen already."""
        if self.border is not None:
            for at_ms, _order, kind, agent, _data in self._queue:
                self.border.on_event(at_ms, kind, agent)

    def next_ms(self) -> int:
        """Return the instant of the next event, or the present one if there is none."""
        return self._queue[0][0] if self._queue else self.now_ms

    def take(self, until_ms: int) -> "tuple[int, int, Any] | None":
        """Return kind, agent and data of the next event and let time pass to it.

        None when nothing happens before `until_ms`; time has then passed to there.
        """
        if not self._queue or self._queue[0][0] >= until_ms:
            self.now_ms = until_ms
            return None
        at_ms, _order, kind, agent, data = heapq.heappop(self._queue)
        self.now_ms = at_ms
        return kind, agent, data
