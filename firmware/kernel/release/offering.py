"""What is offered to a board, and when it offers that on: the Trickle timer.

An offer names boards. Of one generation what several frames say adds up; a later generation that
does not name a board takes the offer back.

Input    on_offer(now, fields, sequence), on_time(now, holding), give_up()
Effects  none; `on_time` returns the fields of an offer to send
Bounds   one offer, NODES_MAX of the boards that it names; USELESS_MAX that were given up
Source   RFC 6206, section 4.2
"""

from ..ticks import ticks_add, ticks_diff
from .record import origin_of
from .talk import (
    BASES,
    BASES_MAX,
    CLASS,
    DIGEST,
    GENERATION,
    NODES,
    NODES_MAX,
    ROOT,
    SEQUENCE,
    tag_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..prng import Prng
    from .holding import Holding
    from .installation import Installation
    from .manifest import Board

INTERVAL_MS_MIN = 250
DOUBLINGS_MAX = 4
REDUNDANCY = 2  # as many offers heard in an interval make ours needless
USELESS_MAX = 8
_NEVER = -1


def floor_of(board: "Installation", runs: int, fields: "list[Any]") -> int:
    """Return the number that this offer must not be below, and is for us above.

    That of what runs, unless revoked keys may have made it: a thief has made the highest one there
    is, and the next good one must be heard all the same.
    """
    trust = board.trust
    if fields[SEQUENCE] == runs:
        return runs
    if trust and trust.root.version < fields[ROOT]:
        return 0
    if trust and trust.root.sequence and origin_of(board.record.root) != board.record.origin:
        return min(runs, trust.sequence)
    return runs


class Offering:
    """The newest offer that was heard: `fields`, None before the first.

    Until then `next_at_ms` is when to make oneself heard again, for an edge to answer.
    """

    def __init__(self, rng: "Prng", node: int, board: "Board") -> None:
        self.fields: "list[Any] | None" = None
        self.sequence = 0  # of the release that was offered last
        self.is_for_us = False
        self.next_at_ms = _NEVER
        self._rng = rng
        self._node = node
        self._classes = [tag_of(class_id) for class_id in board.class_ids]
        self._interval_ms = INTERVAL_MS_MIN
        self._is_newer = False
        self._heard = 0
        self._ends_at_ms = 0
        self._has_offered = False
        self._useless: "list[bytes]" = []

    def on_offer(self, now_ms: int, fields: "list[Any]", sequence: int) -> bool:
        """Take in an offer for boards of our kind, of no older release; tell whether it is new."""
        held = self.fields
        if fields[CLASS] not in self._classes or fields[SEQUENCE] < sequence:
            return False
        if fields[DIGEST] in self._useless:
            return False
        self._is_newer = fields[SEQUENCE] > sequence
        is_later = held is None or fields[GENERATION] > held[GENERATION]
        if held is not None and not is_later and fields[GENERATION] < held[GENERATION]:
            self._restart(now_ms)  # somebody is behind
            return False
        if held is None or is_later or fields[DIGEST] != held[DIGEST]:
            if not is_later:
                return False  # two offers of one generation: the first one counts
            if held is None:
                self.next_at_ms = _NEVER
            self.fields = list(fields)
            self.sequence = fields[SEQUENCE]
            self.is_for_us = self._is_named(fields)
            self._restart(now_ms)
            return True
        self._heard += 1
        is_news = not self.is_for_us and self._is_named(fields)
        self.is_for_us = self.is_for_us or is_news
        self._add(held, fields)
        return is_news

    def give_up(self) -> None:
        """Listen to other offers: this one leads to nothing that is signed, or nothing for us.

        Nobody vouches for an offer. One of the highest generation would hide all others.
        """
        fields = self.fields
        if fields is None:
            return
        self._useless = self._useless[1 - USELESS_MAX :] + [fields[DIGEST]]
        self.fields = None
        self.is_for_us = False

    def on_time(self, now_ms: int, holding: "Holding | None") -> "list[Any] | None":
        """Return an offer of what is held here, if it is time for one."""
        if self.next_at_ms == _NEVER or ticks_diff(self.next_at_ms, now_ms) > 0:
            return None
        if self._has_offered:
            self._interval_ms = min(2 * self._interval_ms, INTERVAL_MS_MIN << DOUBLINGS_MAX)
            self._begin(now_ms)
            return None
        self._has_offered = True
        self.next_at_ms = self._ends_at_ms
        if self.fields is None or holding is None or self._heard >= REDUNDANCY:
            return None
        if self.fields[NODES] == [self._node]:  # else it would be taken for one who asks for help
            return None
        offer = list(self.fields)
        if holding.is_whole:  # until then, what others have will soon be here
            offer[BASES] = holding.bases[:BASES_MAX]
        return offer

    def _is_named(self, fields: "list[Any]") -> bool:
        return self._is_newer and (not fields[NODES] or self._node in fields[NODES])

    def _add(self, held: "list[Any]", fields: "list[Any]") -> None:
        for base in fields[BASES]:
            if base not in held[BASES]:
                held[BASES] = (held[BASES] + [base])[-BASES_MAX:]
        if not fields[NODES] or not held[NODES]:
            held[NODES] = []
            return
        for node in fields[NODES]:
            if node not in held[NODES] and len(held[NODES]) < NODES_MAX:
                held[NODES] = held[NODES] + [node]

    def _restart(self, now_ms: int) -> None:
        if self.next_at_ms == _NEVER or self._interval_ms > INTERVAL_MS_MIN:
            self._interval_ms = INTERVAL_MS_MIN
            self._begin(now_ms)

    def _begin(self, now_ms: int) -> None:
        half_ms = self._interval_ms // 2
        self._heard = 0
        self._has_offered = False
        self._ends_at_ms = ticks_add(now_ms, self._interval_ms)
        self.next_at_ms = ticks_add(now_ms, half_ms + self._rng.below(half_ms))
