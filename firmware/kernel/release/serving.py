"""Handing on what others lack: each piece once, whoever sends it.

What somebody wants is answered after a short draw, so that one of many who have it begins; what
is overheard needs not be sent again.

Input    on_want(now, sources, fields, is_for_us), on_piece(now, fields), on_time(now)
Effects  none; `on_time` returns the fields of a piece to send
Bounds   ASKED_MAX parts that are asked for
"""

from ..ticks import ticks_add, ticks_diff
from .talk import PART_INDEX, PIECES_MAX, piece_count, piece_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ..prng import Prng
    from ..shapes import PartSource

ASKED_MAX = 64
GAP_MS = 8  # from one piece to the next: what a board takes to put one away
_ALL = (1 << PIECES_MAX) - 1
_NEVER = -1


class Asked:
    """A part that somebody asks for, and which pieces of it are to be sent yet."""

    def __init__(self, source: "PartSource", base: int, part: int) -> None:
        self.source = source
        self.base = base
        self.part = part
        self.bits = 0
        self.is_for_us = False  # we are asked alone: what others send is no answer


class Serving:
    """The pieces that are to be sent. It waits `lead_ms` with them, and up to `draw_ms` more."""

    def __init__(self, rng: "Prng", lead_ms: int, draw_ms: int) -> None:
        self._rng = rng
        self._lead_ms = lead_ms
        self._draw_ms = draw_ms
        self._asked: "list[Asked]" = []  # documents first, then in the order of parts
        self._coded: "tuple[PartSource, int, int, tuple[int, bytes]] | None" = None
        self.next_at_ms = _NEVER

    def on_want(
        self,
        now_ms: int,
        sources: "Sequence[PartSource]",
        fields: "list[Any]",
        is_for_us: bool = False,
    ) -> bool:
        """Take in what somebody wants; tell whether any of it is here.

        Raises: OSError when the medium fails that it comes from.
        """
        tag, base, pairs = fields
        is_here = False
        for source in sources:
            if source.tag != tag:
                continue
            for place in range(0, len(pairs), 2):
                asked = self._find(source, base, pairs[place])
                if asked is not None:
                    asked.bits |= pairs[place + 1] or _ALL
                    asked.is_for_us = asked.is_for_us or is_for_us
                    is_here = True
        if is_here and self.next_at_ms == _NEVER:
            self.next_at_ms = self._later(now_ms)
        return is_here

    def on_piece(self, now_ms: int, fields: "list[Any]") -> None:
        """Leave out what somebody else sends, and let them go on with it.

        Only what is what we would send: else who lies would silence those who do not.
        Raises: OSError when the medium fails that it comes from.
        """
        tag, form, part, size, index, data = fields
        for asked in self._asked:
            is_meant = asked.source.tag == tag and asked.part == part and not asked.is_for_us
            if not is_meant or not asked.bits >> index & 1:
                continue
            coded = self._code(asked)
            if coded is None or coded[0] != form or len(coded[1]) != size:
                continue
            if piece_of(coded[1], index) == data:
                asked.bits &= ~(1 << index)
                self.next_at_ms = self._later(ticks_add(now_ms, GAP_MS))

    def on_time(self, now_ms: int) -> "list[Any] | None":
        """Return the next piece, if it is time for one.

        Raises: OSError when the medium fails that it comes from.
        """
        if self.next_at_ms == _NEVER or ticks_diff(self.next_at_ms, now_ms) > 0:
            return None
        while self._asked:
            asked = self._asked[0]
            coded = self._code(asked)
            if coded is not None:
                asked.bits &= (1 << piece_count(len(coded[1]))) - 1
            if coded is None or not asked.bits:
                self._asked.pop(0)
                continue
            index = 0
            while not asked.bits >> index & 1:
                index += 1
            asked.bits &= ~(1 << index)
            self.next_at_ms = ticks_add(now_ms, GAP_MS)
            form, data = coded
            return [asked.source.tag, form, asked.part, len(data), index, piece_of(data, index)]
        self.next_at_ms = _NEVER
        self._coded = None
        return None

    def _find(self, source: "PartSource", base: int, part: int) -> "Asked | None":
        place = 0
        for asked in self._asked:
            if asked.source is source and asked.base == base and asked.part == part:
                return asked
            place += _rank(asked.part) <= _rank(part)
        made = Asked(source, base, part)
        if len(self._asked) >= ASKED_MAX or self._code(made) is None:
            return None
        self._asked.insert(place, made)
        return made

    def _code(self, asked: Asked) -> "tuple[int, bytes] | None":
        source, base, part = asked.source, asked.base, asked.part
        held = self._coded
        if held is not None and held[0] is source and held[1] == base and held[2] == part:
            return held[3]
        coded = source.coded(part, base)
        self._coded = None if coded is None else (source, base, part, coded)
        return coded

    def _later(self, now_ms: int) -> int:
        return ticks_add(now_ms, self._lead_ms + self._rng.below(self._draw_ms))


def _rank(part: int) -> "tuple[bool, int]":
    # Documents first: who lacks them can do nothing with blocks.
    return part < PART_INDEX, part
