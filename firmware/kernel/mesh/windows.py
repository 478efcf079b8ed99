"""Which frames of each neighbour have come: duplicates are found, losses counted.

Input    accept(row, sequence, broadcast), forget(row)
Effects  none
Bounds   12 bytes per row; only more rows are allocated after construction
Source   the window is that of RFC 4303, section 3.4.3 (anti-replay), kept for two casts
"""

from array import array

from ..codec.spans import read_short, write_short
from ..limits import SEQUENCE_JUMP_MAX, SEQUENCE_WINDOW, STALE_FRAMES_MAX

# Of each window, in this order: the newest number; what was seen, bit n is the frame n before the
# newest, and 0 none yet; how many frames in a row came from behind the window.
_SEQUENCE, _HEARD, _STALE = range(3)
_CELLS = 3
_CASTS = 2

_LOST_MAX = (1 << 29) - 1  # far below what telemetry can say


class Windows:
    """Two windows per row: frames for this node only, and broadcasts."""

    def __init__(self, count: int) -> None:
        self.lost = 0  # of all rows, those forgotten too
        self._cells = array("H")
        Windows.add_rows(self, count)

    def add_rows(self, count: int) -> None:
        """Make room for so many more rows.

        Raises: MemoryError; then the rows there are stay as they were.
        """
        # A new one each time: whoever looks at one that grows would look at freed memory.
        self._cells = self._cells + array("H", bytes(2 * _CASTS * _CELLS * count))

    def forget(self, row: int) -> None:
        """Take whatever comes next as new."""
        at = _CASTS * _CELLS * row
        for cell in range(at, at + _CASTS * _CELLS):
            self._cells[cell] = 0

    def accept(self, row: int, sequence: int, broadcast: bool) -> bool:
        """Tell whether this frame is new; count the gaps before it as lost.

        A frame that comes late, but within the window, is new and no longer lost.
        """
        cells, at = self._cells, _CELLS * (_CASTS * row + (1 if broadcast else 0))
        seen = cells[at + _HEARD]
        ahead = (sequence - cells[at + _SEQUENCE]) & 0xFFFF
        if ahead == 1 and seen:  # as almost always
            cells[at + _HEARD] = (seen << 1 | 1) & 0xFFFF
            cells[at + _SEQUENCE] = sequence
            cells[at + _STALE] = 0
            return True
        behind = -ahead & 0xFFFF
        if seen and behind < SEQUENCE_WINDOW:
            if seen >> behind & 1:
                return False
            cells[at + _HEARD] = seen | 1 << behind
            cells[at + _STALE] = 0
            self.lost -= 1 if self.lost else 0
            return True
        if seen and behind <= SEQUENCE_JUMP_MAX:
            cells[at + _STALE] += 1
            if cells[at + _STALE] < STALE_FRAMES_MAX:
                return False
            seen = 0  # it goes on from there: the sender restarted
        if seen and ahead <= SEQUENCE_JUMP_MAX:
            self.lost = min(self.lost + ahead - 1, _LOST_MAX)
            short = ahead < SEQUENCE_WINDOW
            cells[at + _HEARD] = (seen << ahead | 1) & 0xFFFF if short else 1
        else:
            cells[at + _HEARD] = 1
        cells[at + _SEQUENCE] = sequence
        cells[at + _STALE] = 0
        return True

    def save_window(self, row: int, buffer: bytearray, offset: int) -> int:
        """Write both windows of a row in 8 bytes; return the offset after them."""
        for cast in range(_CASTS * row, _CASTS * row + _CASTS):
            offset = write_short(buffer, offset, self._cells[_CELLS * cast + _SEQUENCE])
            offset = write_short(buffer, offset, self._cells[_CELLS * cast + _HEARD])
        return offset

    def load_window(self, row: int, buffer: "bytes | bytearray", offset: int) -> int:
        """Take back what `save_window` wrote."""
        for cast in range(_CASTS * row, _CASTS * row + _CASTS):
            self._cells[_CELLS * cast + _SEQUENCE] = read_short(buffer, offset)
            self._cells[_CELLS * cast + _HEARD] = read_short(buffer, offset + 2)
            offset += 4
        return offset
