"""Which frames to all have come, of each sender: under one key they all share, so a table apart.

A frame is *fresh* if it cannot have been accepted before. That is not known of a sender whose
window a power cut or another sender took: what it said may be said again by anybody, once. Such a
sender counts as fresh again when it told its number where only it can, or under a new key.

Input    find, is_new, hear; confirm, begin
Effects  none
Bounds   SENDERS_MAX rows of 10 B, SENDERS_KEPT of them through a deep sleep
Source   SPEC.md, "Protected frames"; a marked row is fresh
"""

from .rows import HEAD_BYTES, MARKED, NOBODY, Rows

SENDERS_MAX = 32
SENDERS_KEPT = 8


class Senders(Rows):
    """The windows of those who sent to all."""

    SNAPSHOT_BYTES = SENDERS_KEPT * HEAD_BYTES

    def __init__(self) -> None:
        super().__init__(SENDERS_MAX, SENDERS_KEPT, HEAD_BYTES)
        # Whether all whom we heard under the present key have a row: then no row means no frame.
        self.is_complete = False

    def begin(self) -> None:
        """Note that a key begins under which nobody has sent: whoever comes now is fresh."""
        self.is_complete = True
        for at in range(0, len(self.cells), HEAD_BYTES):
            self.cells[at] |= MARKED

    def hear(self, row: int, source: int, number: int) -> bool:
        """Note a frame that proved genuine and is new, NOBODY's row for a stranger.

        Returns: whether it is fresh, if it came under the present key.
        """
        if row == NOBODY:
            row = self._take(source, self.is_complete)
        self.accept(row, number)
        return self.cells[row * HEAD_BYTES] & MARKED > 0

    def confirm(self, source: int, number: int) -> None:
        """Note what a sender said, where only it can, of the number that it gives next to all."""
        row = self.find(source)
        if row == NOBODY:
            row = self._take(source, True)
        self.cells[row * HEAD_BYTES] |= MARKED
        # All before it count as seen: one that is still on its way is lost.
        for each in range(max(0, number - 16), number):
            if self.is_new(row, each):
                self.accept(row, each)

    def _take(self, source: int, is_fresh: bool) -> int:
        last = self.order[SENDERS_MAX - 1]
        if self.node_of(last):
            self.is_complete = False  # from now on
        row = self.take(source)
        if is_fresh:
            self.cells[row * HEAD_BYTES] |= MARKED
        return row

    def is_whole(self) -> bool:
        """Tell whether a snapshot of now has all that `is_complete` says."""
        return self.is_complete and not self.node_of(self.order[SENDERS_KEPT])
