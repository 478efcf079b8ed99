"""Who misbehaves, in points that fade, and who is put aside for it.

Nobody is put aside for what somebody else can do in his name. So there are three counts of each
node: of frames that do not prove who sent them, which are told of and no more; of handshakes asked
for in its name, which are then not answered for a while, sessions and resumption go on; and of
what it was proven to have done, for which nothing of it is heard, each time twice as long.

Input    blame(now, node, what, out); is_aside(now, node, kind)
Effects  out.aside(node, what, span_ms), once for each time that a node is put aside
Bounds   SUSPECTS_MAX counts of 10 B; a flood of nodes takes the place of the least suspect, never
         of one that is aside, or of what is proven
Source   SPEC.md, "Quarantine"

    row: word: node, 0 for none, + kind * 2**30; word: when points were counted last, or until when
    it is aside; byte: points; byte: how often it was put aside, + 128 while it is
"""

from ..fields import read_word, write_word
from ..ticks import ticks_add, ticks_diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .shapes import CallSink

# What is counted, two of each kind.
FORGED, REPLAYED, CALLED, FAILED, FLOODED, COPIED = range(6)
KIND_FRAMES, KIND_CALLS, KIND_PROVEN = range(3)

SUSPECTS_MAX = 8
POINTS_MAX = 60  # then it is put aside
FADE_MS = 1_000  # for each point
ASIDE_MS = 60_000
DOUBLINGS_MAX = 6  # of what is proven: 64 minutes

_POINTS = b"\x04\x01\x0c\x0c\x01\x3c"  # 15 forged frames, five handshakes, a copy at once
_ROW_BYTES = 10
_ASIDE = 0x80


class Quarantine:
    """The suspects of one node."""

    SNAPSHOT_BYTES = SUSPECTS_MAX * _ROW_BYTES

    def __init__(self) -> None:
        self.unnoted = 0  # what found no row
        self._cells = bytearray(self.SNAPSHOT_BYTES)

    def blame(self, now_ms: int, node: int, what: int, out: "CallSink") -> None:
        """Count what a node did, or somebody in its name."""
        kind = what >> 1
        at = self._find(node, kind)
        if at < 0:
            at = self._take(now_ms, node, kind)
        if at < 0:
            self.unnoted += 1
            return
        cells = self._cells
        points = self._points_of(now_ms, at)
        if points > POINTS_MAX:
            return
        points += _POINTS[what]
        times = cells[at + 9] & ~_ASIDE
        if ticks_diff(now_ms, read_word(cells, at + 4)) > ASIDE_MS << DOUBLINGS_MAX:
            times = 0
        if points >= POINTS_MAX:
            span_ms = ASIDE_MS << (min(times, DOUBLINGS_MAX) if kind == KIND_PROVEN else 0)
            now_ms, points = ticks_add(now_ms, span_ms), 0
            times = min(times + 1, _ASIDE - 1) | _ASIDE
            out.aside(node, what, span_ms)
        write_word(cells, at + 4, now_ms)
        cells[at + 8], cells[at + 9] = points, times

    def is_aside(self, now_ms: int, node: int, kind: int) -> bool:
        """Tell whether what a node does is not heard at present, as far as it is of this kind."""
        at = self._find(node, kind)
        return at >= 0 and self._points_of(now_ms, at) > POINTS_MAX

    def _find(self, node: int, kind: int) -> int:
        cells = self._cells
        for at in range(0, len(cells), _ROW_BYTES):
            if cells[at] >> 6 == kind and read_word(cells, at) == node:
                return at
        return -1

    def _points_of(self, now_ms: int, at: int) -> int:
        # How suspect a row is: more than POINTS_MAX while it is aside.
        cells = self._cells
        passed_ms = ticks_diff(now_ms, read_word(cells, at + 4))
        if cells[at + 9] & _ASIDE:
            if 0 > passed_ms >= -ASIDE_MS << DOUBLINGS_MAX:
                return POINTS_MAX + 1
            cells[at + 9] &= ~_ASIDE
            cells[at + 8] = 0
        # A clock that was set back, or three days, forgive all.
        return max(0, cells[at + 8] - passed_ms // FADE_MS) if passed_ms >= 0 else 0

    def _take(self, now_ms: int, node: int, kind: int) -> int:
        # The row of the least suspect; what is proven takes that of any that is not.
        cells = self._cells
        found, least = -1, POINTS_MAX + 1
        for at in range(0, len(cells), _ROW_BYTES):
            points = self._points_of(now_ms, at) + 1 if read_word(cells, at) else 0
            its_kind = cells[at] >> 6
            if points and its_kind == KIND_PROVEN != kind:
                continue
            if points > POINTS_MAX and its_kind < KIND_PROVEN == kind:
                points = POINTS_MAX
            if points < least:
                found, least = at, points
        if found >= 0:
            write_word(cells, found, node)
            cells[found] |= kind << 6
            cells[found + 8] = cells[found + 9] = 0
        return found

    def save_into(self, buffer: bytearray, offset: int) -> int:
        """Write what a deep sleep must not forget."""
        end = offset + self.SNAPSHOT_BYTES
        buffer[offset:end] = self._cells
        return end

    def load_from(self, buffer: "bytes | bytearray", offset: int) -> int:
        """Take it back."""
        end = offset + self.SNAPSHOT_BYTES
        self._cells[:] = buffer[offset:end]
        return end
