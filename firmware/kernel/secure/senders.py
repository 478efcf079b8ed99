"""Which frames to all have come, of each sender: under one key they all share, so a table apart.

A frame is *fresh* if it cannot have been accepted before. That is not known of a sender whose
window a power cut or another sender took: what it said may be said again by anybody, once. Such a
sender counts as fresh again when it told its number where only it can, or under a new key.

Input    find, is_new, accept; confirm, begin
Effects  none
Bounds   SENDERS_MAX rows of 10 B, SENDERS_KEPT of them through a deep sleep
Source   SPEC.md, "Protected frames"

    row: word: node id, + 2**31 fresh; word: newest number; short: which of 16 were seen
"""

from ..codec.spans import read_short, write_short
from ..fields import read_word, write_word
from .replay import after, is_new, touch

SENDERS_MAX = 32
SENDERS_KEPT = 8
ROW_BYTES = 10
NOBODY = -1
SEEN_BITS = 16

_FRESH = 0x80  # in a row's first byte
_NEWEST_AT, _SEEN_AT = 4, 8


class Senders:
    """The windows of those who sent to all, the one heard last in front."""

    SNAPSHOT_BYTES = SENDERS_KEPT * ROW_BYTES

    def __init__(self) -> None:
        # Whether all whom we heard under the present key have a row: then no row means no frame.
        self.is_complete = False
        self._rows = bytearray(SENDERS_MAX * ROW_BYTES)
        self._order = bytearray(range(SENDERS_MAX))

    def begin(self) -> None:
        """Note that a key begins under which nobody has sent: whoever comes now is fresh."""
        self.is_complete = True
        for at in range(0, len(self._rows), ROW_BYTES):
            if read_word(self._rows, at):
                self._rows[at] |= _FRESH

    def forget_all(self) -> None:
        """Forget all: numbers begin anew, with keys that nobody had."""
        for index in range(len(self._rows)):
            self._rows[index] = 0

    def find(self, source: int) -> int:
        """Return the row of a sender, NOBODY if it has none."""
        rows, low = self._rows, source & 0xFF
        for row in self._order:
            at = row * ROW_BYTES
            if rows[at + 3] == low and read_word(rows, at) == source:
                return row
        return NOBODY

    def is_new(self, row: int, number: int) -> bool:
        """Tell whether we know of no frame of this number that was accepted before."""
        if row == NOBODY:
            return True
        at = row * ROW_BYTES
        seen = read_short(self._rows, at + _SEEN_AT)
        return is_new(read_word(self._rows, at + _NEWEST_AT), seen, number, SEEN_BITS)

    def accept(self, row: int, source: int, number: int) -> bool:
        """Note a frame that proved genuine and is new.

        Returns: whether it is fresh, if it came under the present key.
        """
        if row == NOBODY:
            row = self._take(source)
        at = row * ROW_BYTES
        newest = read_word(self._rows, at + _NEWEST_AT)
        seen = after(newest, read_short(self._rows, at + _SEEN_AT), number, SEEN_BITS)
        write_short(self._rows, at + _SEEN_AT, seen)
        write_word(self._rows, at + _NEWEST_AT, max(newest, number))
        touch(self._order, row)
        return self._rows[at] & _FRESH > 0

    def confirm(self, source: int, number: int) -> None:
        """Note what a sender said, where only it can, of the number that it gives next to all."""
        row = self.find(source)
        if row == NOBODY:
            row = self._take(source)
        at = row * ROW_BYTES
        newest = read_word(self._rows, at + _NEWEST_AT)
        if number > newest + 1 or not read_short(self._rows, at + _SEEN_AT):
            # All before it count as seen: one that is still on its way is lost.
            write_word(self._rows, at + _NEWEST_AT, max(number - 1, 0))
            write_short(self._rows, at + _SEEN_AT, (1 << SEEN_BITS) - 1 if number else 0)
        self._rows[at] |= _FRESH
        touch(self._order, row)

    def _take(self, source: int) -> int:
        """Give a sender the row of the one that was silent longest."""
        row = self._order[SENDERS_MAX - 1]
        at = row * ROW_BYTES
        is_fresh = self.is_complete
        if read_word(self._rows, at):
            self.is_complete = False  # from now on
        for index in range(at, at + ROW_BYTES):
            self._rows[index] = 0
        write_word(self._rows, at, source)
        if is_fresh:
            self._rows[at] |= _FRESH
        return row

    def is_whole(self) -> bool:
        """Tell whether a snapshot of now has all that `is_complete` says."""
        hidden = self._order[SENDERS_KEPT] * ROW_BYTES
        return self.is_complete and not read_word(self._rows, hidden)

    def save_into(self, buffer: bytearray, offset: int) -> int:
        """Write the rows of those heard last."""
        for row in range(SENDERS_KEPT):
            at = self._order[row] * ROW_BYTES
            for index in range(at, at + ROW_BYTES):
                buffer[offset] = self._rows[index]
                offset += 1
        return offset

    def load_from(self, buffer: "bytes | bytearray", offset: int) -> int:
        """Take back what `save_into` wrote."""
        for index in range(SENDERS_KEPT * ROW_BYTES):
            self._rows[index] = buffer[offset + index]
        return offset + SENDERS_KEPT * ROW_BYTES
