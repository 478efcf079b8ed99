"""Who is in reach: a bounded table of the agents heard lately.

Input    hear(now, id, link), accept(slot, sequence, broadcast), expire(now), announcements
Effects  none; `joined` and `left` tell what the last call did
Bounds   NEIGHBOURS_MAX rows; nothing is allocated after construction
Source   the window is that of RFC 4303, section 3.4.3 (anti-replay), kept for two casts
"""

from ..limits import (
    NEIGHBOUR_SILENT_MS_MAX,
    NEIGHBOURS_MAX,
    SEQUENCE_JUMP_MAX,
    SEQUENCE_WINDOW,
    STALE_FRAMES_MAX,
)
from ..ticks import ticks_diff

NOBODY = -1


class Neighbours:
    """The table, and the frames lost on the way from each of its rows."""

    def __init__(self, count_max: int = NEIGHBOURS_MAX) -> None:
        self.count = 0
        self.lost = 0  # of all, those forgotten too
        self.ids = [0] * count_max  # 0: the row is free
        self.links = [0] * count_max
        self.names = [""] * count_max
        self.boots = [0] * count_max
        self._heard_at_ms = [0] * count_max
        # Two of each per row: frames for this node only, and broadcasts.
        self._sequence = [0] * (2 * count_max)
        self._seen = [0] * (2 * count_max)  # bit n: the frame n before the newest; 0: none yet
        self._stale = [0] * (2 * count_max)

    def find(self, source: int) -> int:
        """Return the row of a node, NOBODY if it was not heard lately."""
        try:
            return self.ids.index(source)
        except ValueError:
            return NOBODY

    def find_name(self, name: str) -> int:
        """Return the row of the node that announced this name, NOBODY if none did."""
        try:
            return self.names.index(name) if name else NOBODY
        except ValueError:
            return NOBODY

    def hear(self, now_ms: int, source: int, link: int) -> int:
        """Note that a node was heard on a link; return its row."""
        row = self.find(source)
        if row == NOBODY:
            row = self._admit(now_ms, source)
        self.links[row] = link
        self._heard_at_ms[row] = now_ms
        return row

    def _admit(self, now_ms: int, source: int) -> int:
        row = self.find(0)
        if row == NOBODY:
            row = self._longest_silent(now_ms)
        else:
            self.count += 1
        self.ids[row] = source
        self.names[row] = ""
        self.boots[row] = 0
        for cast in (2 * row, 2 * row + 1):
            self._seen[cast] = 0
            self._stale[cast] = 0
        return row

    def _longest_silent(self, now_ms: int) -> int:
        longest, silent_ms = 0, -1
        for row in range(len(self.ids)):
            span_ms = ticks_diff(now_ms, self._heard_at_ms[row])
            if span_ms > silent_ms:
                longest, silent_ms = row, span_ms
        return longest

    def accept(self, row: int, sequence: int, broadcast: bool) -> bool:
        """Tell whether this frame is new; count the gaps before it as lost.

        A frame that comes late, but within the window, is new and no longer lost.
        """
        cast = 2 * row + (1 if broadcast else 0)
        seen = self._seen[cast]
        ahead = (sequence - self._sequence[cast]) & 0xFFFF
        behind = -ahead & 0xFFFF
        if seen and behind < SEQUENCE_WINDOW:
            if seen >> behind & 1:
                return False
            self._seen[cast] = seen | 1 << behind
            self.lost -= 1 if self.lost else 0
            return True
        if seen and behind <= SEQUENCE_JUMP_MAX:
            self._stale[cast] += 1
            if self._stale[cast] < STALE_FRAMES_MAX:
                return False
            seen = 0  # it goes on from there: the sender restarted
        if seen and ahead <= SEQUENCE_JUMP_MAX:
            self.lost += ahead - 1
            short = ahead < SEQUENCE_WINDOW
            self._seen[cast] = (seen << ahead | 1) & 0xFFFF if short else 1
        else:
            self._seen[cast] = 1
        self._sequence[cast] = sequence
        self._stale[cast] = 0
        return True

    def expire(self, now_ms: int) -> int:
        """Forget one node that was silent for too long; return its id, 0 if there is none."""
        for row in range(len(self.ids)):
            node = self.ids[row]
            if not node:
                continue
            if ticks_diff(now_ms, self._heard_at_ms[row]) > NEIGHBOUR_SILENT_MS_MAX:
                self.ids[row] = 0
                self.names[row] = ""
                self.count -= 1
                return node
        return 0
