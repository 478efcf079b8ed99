"""Attack 86 once more: offers, for which nobody vouches, that hide those of an edge."""

from attacks.air import (
    LIAR,
    NEW,
    OTHER,
    Target,
    good_edge,
    kind_of,
    release,
    said,
    session,
)
from attacks.attack import attack, check, stopped
from attacks.places import OFFERING

from cma_toolkit.firmware.kernel.release import talk
from cma_toolkit.host_tools.release import documents
from cma_toolkit.host_tools.release.published import Published
from support.release_board import FIRST, TIMESTAMP
from support.release_signers import LATER_S, NOW_S, signed
from support.updating import EDGE_NODE, EdgeStation, part_of

GIVEN_UP = check(
    "giving up an offer that leads nowhere",
    OFFERING,
    "        self._useless = self._useless[1 - USELESS_MAX :] + [fields[DIGEST]]",
    "        return",
)
HIGHEST = (1 << 30) - 1


def hidden_by(forged: list[object]) -> None:
    board = Target()

    def forge(source: int, _target: int, frame: bytes) -> list[bytes]:
        is_offer = source == EDGE_NODE and kind_of(frame) == talk.KIND_OFFER
        return [said(talk.KIND_OFFER, forged), frame] if is_offer else [frame]

    for _ in range(3):
        session(board, good_edge(), meddle=forge)
        if board.has():
            break
    stopped(board.has(), "a forged offer hides the good one")


@attack(GIVEN_UP)
def test_attack_86_offer_of_what_there_is_not() -> None:
    """Of the highest generation, so that an edge's offers count for nothing beside it."""
    hidden_by([HIGHEST, 9, b"nothing.", release(NEW, 2).class_tag, 1, [], []])


@attack(GIVEN_UP)
def test_attack_86_offer_with_a_root_that_there_is_not() -> None:
    """A board looks at it, as what runs may be of keys which that root revokes."""
    hidden_by([HIGHEST, 9, b"nothing.", release(NEW, 2).class_tag, HIGHEST, [], []])


@attack(GIVEN_UP)
def test_attack_86_offer_of_what_is_for_others() -> None:
    """A release of the same day, good and current, for another class; its offer says for ours."""
    ours, theirs = part_of(NEW, 2), part_of(OTHER, 2, class_id=bytes(16))
    stamp = documents.timestamp(1, NOW_S, LATER_S, [ours.digest, theirs.digest])
    roots = {1: documents.envelope(FIRST.to_bytes())}
    good, wrong = (Published(one, signed(stamp, [TIMESTAMP]), roots) for one in (ours, theirs))
    wrong.class_tag = good.class_tag
    board, edge, other = Target(), EdgeStation(), EdgeStation(LIAR)
    edge.offer(good)
    other.offer(wrong, generation=HIGHEST)
    for _ in range(3):
        session(board, other, edge)
        if board.has():
            break
    stopped(board.has(), "it hides the release for our class")
