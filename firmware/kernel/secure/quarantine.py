"""What others may cost: budgets for all together, and points for each, which fade.

Nobody is put aside for what somebody else can do in his name. So there are three counts of each
node: of frames that do not prove who sent them, which are told of and no more; of handshakes asked
for in its name, which are then not answered for a while, sessions and resumption go on; and of
what it was proven to have done, for which nothing of it is heard, each time twice as long.

Input    spend(now, budget, amount), spent(now, budget); blame(now, node, what, out),
         is_aside(now, node, kind)
Effects  out.aside(node, what, span_ms), once for each time that a node is put aside
Bounds   SUSPECTS_MAX counts of 10 B; a flood of nodes takes the place of the least suspect, never
         of one that is aside, or of what is proven; SNAPSHOT_BYTES, as sleeping forgives nothing
Source   SPEC.md, "Quarantine"

    budget: word: when units were counted last; byte: units that are spent
    count: the same of points, or until when it is aside; byte: how often it was put aside, + 128
    while it is; word: node, 0 for none, + kind * 2**30
"""

from ..fields import read_word, write_word
from ..ticks import ticks_add, ticks_diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .shapes import CallSink

OF_OTHERS, OF_OURS, PROVOKED = range(3)  # budgets
AGREEMENTS = 4  # that a handshake costs a side, its ephemeral key included
AGREEMENTS_MAX, AGREEMENT_MS = 24, 5_000  # half a second each on an ESP32: a tenth of its time
PROVOKED_MAX, PROVOKED_MS = 4, 15_000  # calls that a frame which does not open brings about

# What is counted, two of each kind.
FORGED, REPLAYED, CALLED, FAILED, FLOODED, COPIED = range(6)
KIND_FRAMES, KIND_CALLS, KIND_PROVEN = range(3)

SUSPECTS_MAX = 8
POINTS_MAX = 60  # then it is put aside
FADE_MS = 1_000  # for each point
ASIDE_MS = 60_000
DOUBLINGS_MAX = 6  # of what is proven: 64 minutes

_MOST = bytes((AGREEMENTS_MAX, AGREEMENTS_MAX, PROVOKED_MAX))
_POINTS = b"\x04\x01\x0c\x0c\x01\x3c"  # 15 forged frames, five handshakes, a copy at once
_BUDGET_BYTES, _COUNT_BYTES = 5, 10
_FIRST = 3 * _BUDGET_BYTES
_ASIDE = 0x80


class Quarantine:
    """The budgets and the suspects of one node."""

    SNAPSHOT_BYTES = _FIRST + SUSPECTS_MAX * _COUNT_BYTES

    def __init__(self) -> None:
        self.unnoted = 0  # what found no count
        self._cells = bytearray(self.SNAPSHOT_BYTES)

    def spent(self, now_ms: int, budget: int) -> int:
        """Return what of a budget is used up."""
        every_ms = PROVOKED_MS if budget == PROVOKED else AGREEMENT_MS
        return self._fade(now_ms, budget * _BUDGET_BYTES, every_ms)

    def spend(self, now_ms: int, budget: int, amount: int) -> bool:
        """Take an amount from a budget, all of it or nothing."""
        if self.spent(now_ms, budget) + amount > _MOST[budget]:
            return False
        self._add(now_ms, budget * _BUDGET_BYTES, amount)
        return True

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
        if not points and ticks_diff(now_ms, read_word(cells, at)) > ASIDE_MS << DOUBLINGS_MAX:
            cells[at + 5] = 0
        self._add(now_ms, at, _POINTS[what])
        if cells[at + 4] >= POINTS_MAX:
            times = cells[at + 5]
            span_ms = ASIDE_MS << (min(times, DOUBLINGS_MAX) if kind == KIND_PROVEN else 0)
            write_word(cells, at, ticks_add(now_ms, span_ms))
            cells[at + 4], cells[at + 5] = 0, min(times + 1, _ASIDE - 1) | _ASIDE
            out.aside(node, what, span_ms)

    def is_aside(self, now_ms: int, node: int, kind: int) -> bool:
        """Tell whether what a node does is not heard at present, as far as it is of this kind."""
        at = self._find(node, kind)
        return at >= 0 and self._points_of(now_ms, at) > POINTS_MAX

    def _fade(self, now_ms: int, at: int, every_ms: int) -> int:
        # What is left of units or points; a clock that was set back takes none away.
        cells = self._cells
        points, counted_at_ms = cells[at + 4], read_word(cells, at)
        faded = ticks_diff(now_ms, counted_at_ms) // every_ms
        if points and faded:
            if 0 < faded < points:
                now_ms = ticks_add(counted_at_ms, faded * every_ms)
            write_word(cells, at, now_ms)
            points = cells[at + 4] = max(0, points - max(0, faded))
        return points

    def _add(self, now_ms: int, at: int, amount: int) -> None:
        cells = self._cells
        if not cells[at + 4]:
            write_word(cells, at, now_ms)
        cells[at + 4] += amount

    def _find(self, node: int, kind: int) -> int:
        cells = self._cells
        for at in range(_FIRST, len(cells), _COUNT_BYTES):
            if cells[at + 6] >> 6 == kind and read_word(cells, at + 6) == node:
                return at
        return -1

    def _points_of(self, now_ms: int, at: int) -> int:
        # How suspect a count makes its node: more than POINTS_MAX while it is aside.
        cells = self._cells
        if cells[at + 5] & _ASIDE:
            if 0 < ticks_diff(read_word(cells, at), now_ms) <= ASIDE_MS << DOUBLINGS_MAX:
                return POINTS_MAX + 1
            cells[at + 5] &= ~_ASIDE
        return self._fade(now_ms, at, FADE_MS)

    def _take(self, now_ms: int, node: int, kind: int) -> int:
        # The place of the least suspect; what is proven takes that of any that is not.
        cells = self._cells
        found, least = -1, POINTS_MAX + 1
        for at in range(_FIRST, len(cells), _COUNT_BYTES):
            points = self._points_of(now_ms, at) + 1 if read_word(cells, at + 6) else 0
            its_kind = cells[at + 6] >> 6
            if points and its_kind == KIND_PROVEN != kind:
                continue
            if points > POINTS_MAX and its_kind < KIND_PROVEN == kind:
                points = POINTS_MAX
            if points < least:
                found, least = at, points
        if found >= 0:
            write_word(cells, found + 6, node)
            cells[found + 6] |= kind << 6
            cells[found + 4] = cells[found + 5] = 0
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
