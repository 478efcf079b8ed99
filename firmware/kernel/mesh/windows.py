"""Which frames of each neighbour have come: duplicates are found, losses counted.

Input    accept(row, sequence, broadcast), forget(row)
Effects  none
Bounds   10 bytes per row; only more rows are allocated after construction
Source   the window is that of RFC 4303, section 3.4.3 (anti-replay), kept for two casts
"""

from array import array

from ..codec.spans import read_short, write_short
from ..limits import SEQUENCE_JUMP_MAX, SEQUENCE_WINDOW, STALE_FRAMES_MAX

_LOST_MAX = (1 << 29) - 1  # far below what telemetry can say


class Windows:
    """Two windows per row: frames for this node only, and broadcasts."""

    def __init__(self, count: int) -> None:
        self.lost = 0  # of all rows, those forgotten too
        self._sequence = array("H")
        self._seen = array("H")  # bit n: the frame n before the newest; 0: none yet
        self._stale = bytearray()
        Windows.add_rows(self, count)

    def add_rows(self, count: int) -> None:
        """Make room for so many more rows.

        Raises: MemoryError; then the rows there are stay as they were.
        """
        # New ones each time: whoever looks at one that grows would look at freed memory.
        self._sequence = self._sequence + array("H", bytes(4 * count))
        self._seen = self._seen + array("H", bytes(4 * count))
        self._stale = self._stale + bytes(2 * count)

    def forget(self, row: int) -> None:
        """Take whatever comes next as new."""
        for cast in range(2 * row, 2 * row + 2):
            self._seen[cast] = 0
            self._stale[cast] = 0

    def accept(self, row: int, sequence: int, broadcast: bool) -> bool:
        """Tell whether this frame is new; count the gaps before it as lost.

        A frame that comes late, but within the window, is new and no longer lost.
        """
        cast = 2 * row + (1 if broadcast else 0)
        seen = self._seen[cast]
        ahead = (sequence - self._sequence[cast]) & 0xFFFF
        if ahead == 1 and seen:  # as almost always
            self._seen[cast] = (seen << 1 | 1) & 0xFFFF
            self._sequence[cast] = sequence
            self._stale[cast] = 0
            return True
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
            self.lost = min(self.lost + ahead - 1, _LOST_MAX)
            short = ahead < SEQUENCE_WINDOW
            self._seen[cast] = (seen << ahead | 1) & 0xFFFF if short else 1
        else:
            self._seen[cast] = 1
        self._sequence[cast] = sequence
        self._stale[cast] = 0
        return True

    def save_window(self, row: int, buffer: bytearray, offset: int) -> int:
        """Write both windows of a row in 8 bytes; return the offset after them."""
        for cast in (2 * row, 2 * row + 1):
            offset = write_short(buffer, offset, self._sequence[cast])
            offset = write_short(buffer, offset, self._seen[cast])
        return offset

    def load_window(self, row: int, buffer: "bytes | bytearray", offset: int) -> int:
        """Take back what `save_window` wrote."""
        for cast in (2 * row, 2 * row + 1):
            self._sequence[cast] = read_short(buffer, offset)
            self._seen[cast] = read_short(buffer, offset + 2)
            offset += 4
        return offset
