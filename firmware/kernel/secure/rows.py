"""Nodes, and which of their frames came: each counts once. The base of `sessions` and `senders`.

Unlike the router's windows, which only save work, these never begin anew: a number behind the
window is refused for good, since no number of a sender repeats under a key.

Input    find, take; is_new, then, of a frame that proved genuine, accept
Effects  none
Bounds   the rows there are; nothing is allocated after construction
Source   RFC 4303, section 3.4.3; RFC 8613, section 7.4

    row: word: node id, 0 for none, + 2**31 pinned, + 2**30 marked; word: newest number; short: bit
    n: the frame n before the newest came; what a subclass adds
"""

from ..codec.spans import copy, read_short, write_short
from ..fields import read_word, write_word

NOBODY = -1
WINDOW = 16  # frames that may come late
PINNED, MARKED = 0x80, 0x40  # in a row's first byte
HEAD_BYTES = 10

_NEWEST_AT, _SEEN_AT = 4, 8


class Rows:
    """Rows in one buffer, and an order: the one used last in front."""

    def __init__(self, count: int, kept: int, size_bytes: int) -> None:
        self.order = bytearray(range(count))
        self.cells = bytearray(count * size_bytes)
        self._kept = kept  # through a deep sleep
        self._size = size_bytes

    def find(self, node: int) -> int:
        """Return the row of a node, NOBODY if it has none."""
        cells, low = self.cells, node & 0xFF
        for row in self.order:
            at = row * self._size
            if cells[at + 3] == low and read_word(cells, at) == node:
                return row if node else NOBODY
        return NOBODY

    def node_of(self, row: int) -> int:
        """Return whose row it is, 0 for nobody's."""
        return read_word(self.cells, row * self._size)

    def take(self, node: int) -> int:
        """Give a node an empty row, or that used longest ago; NOBODY if all are pinned."""
        found = NOBODY
        for row in self.order:
            if not self.cells[row * self._size] & PINNED and (
                found == NOBODY or self.node_of(found) or not self.node_of(row)
            ):
                found = row
        if found != NOBODY:
            self.clear(found)
            write_word(self.cells, found * self._size, node)
        return found

    def clear(self, row: int) -> None:
        """Forget whose row it was."""
        for at in range(row * self._size, (row + 1) * self._size):
            self.cells[at] = 0

    def touch(self, row: int) -> None:
        """Note that a row was used."""
        order, held = self.order, row
        for index in range(len(order)):
            order[index], held = held, order[index]
            if held == row:
                return

    def is_new(self, row: int, number: int) -> bool:
        """Tell whether no frame of this number was accepted before, as far as the row knows."""
        at = row * self._size
        behind = read_word(self.cells, at + _NEWEST_AT) - number
        seen = read_short(self.cells, at + _SEEN_AT)
        return not seen or behind < 0 or (behind < WINDOW and not seen >> behind & 1)

    def accept(self, row: int, number: int) -> None:
        """Note a frame that proved genuine and is new."""
        at = row * self._size
        seen = read_short(self.cells, at + _SEEN_AT)
        ahead = number - read_word(self.cells, at + _NEWEST_AT)
        if not seen or ahead > 0:
            write_word(self.cells, at + _NEWEST_AT, number)
            seen = (seen << ahead if 0 < ahead < WINDOW else 0) | 1
        else:
            seen |= 1 << -ahead
        write_short(self.cells, at + _SEEN_AT, seen & 0xFFFF)
        self.touch(row)

    def save_into(self, buffer: bytearray, offset: int) -> int:
        """Write the rows used last, that used last first; their secrets, too."""
        for index in range(self._kept):
            at = self.order[index] * self._size
            offset = copy(self.cells, at, buffer, offset, self._size)
        return offset

    def load_from(self, buffer: "bytes | bytearray", offset: int) -> int:
        """Take back what `save_into` wrote."""
        size = self._kept * self._size
        copy(buffer, offset, self.cells, 0, size)
        return offset + size
