"""When to ask for what a board lacks of a release.

Nobody asks while pieces come, or for what another just asked for: all that is sent is sent to
all. Who gets no answer asks again, more and more rarely, and then gives up for this time.

Input    begin(now, offer), on_piece(now, source, fields), on_want(now, fields), on_time(now)
Effects  those of `intake`; `on_time` returns the fields of what to ask for
Bounds   TRIES_MAX wants without an answer, WANTED_MAX parts in one; what is gathered
"""

from ..ticks import ticks_add, ticks_diff
from .intake import Intake
from .talk import BASES, DIGEST, PART_INDEX, piece_count, tag_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..prng import Prng

WANTED_MAX = 18
TRIES_MAX = 8
BASE_TRIES_MAX = 3  # for a delta that is offered; then without one
QUIET_MS = 60  # without a piece, before what still lacks is asked for
DRAW_MS = 60
RETRY_MS = 200  # to the second want, twice as long to each next one
_DOUBLINGS_MAX = 3
_NEVER = -1


class Fetching:
    """What is being fetched, if anything: `tag` names it, 0 for nothing."""

    def __init__(self, rng: "Prng", intake: Intake) -> None:
        self.intake = intake
        self.tag = 0
        self.asked = 0
        self.is_stuck = False  # nobody answers
        self.next_at_ms = _NEVER
        self._rng = rng
        self._base = 0
        self._tries = 0

    def begin(self, now_ms: int, offer: "list[Any]") -> None:
        """Fetch what is offered to us, or go on with it.

        Raises: OSError when the medium fails.
        """
        if offer[DIGEST] != self.intake.digest or not self.tag:
            self.tag = tag_of(offer[DIGEST])
            self._base = self._tries = 0
            self.is_stuck = False
            self.intake.begin(offer)
            self.next_at_ms = ticks_add(now_ms, self._rng.below(DRAW_MS))
        running = self.intake.running
        if running is not None and self._tries < BASE_TRIES_MAX and running.base in offer[BASES]:
            self._base = running.base

    def stop(self) -> None:
        """Ask for nothing more; what is there stays."""
        self.next_at_ms = _NEVER
        self.tag = 0

    def on_time(self, now_ms: int) -> "list[Any] | None":
        """Return what to ask for, if it is time to; `asked` is who, 0 for anybody."""
        if self.next_at_ms == _NEVER or ticks_diff(self.next_at_ms, now_ms) > 0:
            return None
        wanted = self.intake.wanted()
        if not wanted or self._tries >= TRIES_MAX:
            self.is_stuck = bool(wanted)
            self.next_at_ms = _NEVER
            return None
        if self._tries >= BASE_TRIES_MAX or self.intake.running is None:
            self._base = 0
        gathering = self.intake.gathering
        if self._tries:
            gathering.doubt()
        span_ms = RETRY_MS << min(self._tries, _DOUBLINGS_MAX)
        self._tries += 1
        self.next_at_ms = ticks_add(now_ms, span_ms + self._rng.below(span_ms))
        self.asked = gathering.whom(wanted[0])
        pairs: "list[int]" = []
        for part in wanted[:WANTED_MAX]:
            if gathering.whom(part) == self.asked:
                pairs.append(part)
                pairs.append(gathering.missing(part))
        return [self.tag, self._base, pairs]

    def on_want(self, now_ms: int, fields: "list[Any]") -> None:
        """Leave it to another to ask for what we lack, too."""
        tag, base, pairs = fields
        if tag != self.tag or base not in (self._base, 0) or self.next_at_ms == _NEVER:
            return
        wanted = self.intake.wanted()
        if wanted and wanted[0] in pairs[::2]:
            self._wait(now_ms, QUIET_MS + RETRY_MS // 2)

    def on_piece(self, now_ms: int, source: int, fields: "list[Any]") -> bool:
        """Take in a piece; tell whether it was of use.

        Raises: OSError when the medium fails.
        """
        tag, form, part, size, index, data = fields
        intake, gathering = self.intake, self.intake.gathering
        if tag != self.tag or self.next_at_ms == _NEVER:
            return False
        if part not in intake.wanted() or not intake.may_be(form, part, size):
            return False
        before = gathering.missing(part)
        done = gathering.take(source, part, form, size, index, data)
        if done is None and gathering.missing(part) == before:
            return False
        if piece_count(size) > 1 or part >= PART_INDEX:  # a block of one piece is done at once
            intake.keep(part, index)
        self._tries = 0
        self._wait(now_ms, QUIET_MS)
        if done is not None:
            intake.take(done)
        return True

    def _wait(self, now_ms: int, span_ms: int) -> None:
        self.next_at_ms = ticks_add(now_ms, span_ms + self._rng.below(DRAW_MS))
