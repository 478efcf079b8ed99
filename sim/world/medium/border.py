"""The border of a part of a world: what its agents do that others hear, and how soon they may.

A frame takes two milliseconds at least from one agent to the next. So an agent that is some hops
away from the border changes nothing beyond it before twice as many milliseconds are over, and one
that sleeps does nothing at all before its next event.

Units    hops: 0 for agents that are heard beyond the border, HOPS_MAX for those far from it
"""

import heapq

from cma_toolkit.sim.world.board import FAULT

HOPS_MAX = 8
MS_PER_HOP = 2
FAR = 1 << 60  # an instant that does not come


class Border:
    """What crosses the border, until it is fetched, and when something may cross it next.

    Shape: `is_own` and `hops` have an entry for each agent of the world.
    """

    def __init__(self, is_own: bytearray, hops: bytearray) -> None:
        self.is_own = is_own
        self.hops = hops
        self.edge = [agent for agent in range(len(hops)) if is_own[agent] and not hops[agent]]
        self.cuts: list[tuple[int, int]] = []  # at, source
        self.outcomes: list[tuple[int, int, int, bool]] = []  # at, source, number, is it there
        self._at_edge: list[tuple[int, int]] = []  # may cross at, event at
        self._inside: list[tuple[int, int]] = []

    def on_event(self, at_ms: int, kind: int, agent: int) -> None:
        """Learn that something will happen to an agent, or to the world."""
        self._expect(at_ms, 0 if kind == FAULT else self.hops[agent])

    def on_asked(self, now_ms: int, source: int) -> None:
        """Learn that an agent asked for the air, which its battery may not stand."""
        hops = self.hops[source]
        if hops == 0:
            self._expect(now_ms + 1, 0)
        elif hops < HOPS_MAX:
            heapq.heappush(self._inside, (now_ms + MS_PER_HOP * hops, now_ms + 1))

    def on_due(self, due_ms: int, source: int) -> None:
        """Learn that a frame ends at an instant; those a hop closer to the border hear it."""
        self._expect(due_ms, max(0, self.hops[source] - 1) if self.is_own[source] else 0)

    def on_post(self, at_ms: int) -> None:
        """Learn that a datagram or what a wire carries is handed over, or that it may be."""
        self._expect(at_ms, 0)

    def _expect(self, at_ms: int, hops: int) -> None:
        if hops == 0:
            heapq.heappush(self._at_edge, (at_ms, at_ms))
        elif hops < HOPS_MAX:
            heapq.heappush(self._inside, (at_ms + MS_PER_HOP * hops, at_ms))

    def edge_promise_ms(self, now_ms: int) -> int:
        """Return the instant before which nothing crosses the border if nobody there listens."""
        return max(self._first(self._at_edge, now_ms), now_ms)

    def inside_promise_ms(self, now_ms: int, next_ms: int) -> int:
        """Return the instant before which nothing from inside is heard at the border.

        `next_ms` is that of the next event of all.
        """
        far_ms = next_ms + MS_PER_HOP * (HOPS_MAX - 1)
        return max(min(far_ms, self._first(self._inside, now_ms)), now_ms)

    def _first(self, queue: "list[tuple[int, int]]", now_ms: int) -> int:
        while queue and queue[0][1] < now_ms:
            heapq.heappop(queue)  # that event is over
        return queue[0][0] if queue else FAR
