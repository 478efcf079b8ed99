"""When an offer is for a board, and when it is offered on."""

from kernel.prng import Prng
from kernel.release.manifest import Board
from kernel.release.offering import DOUBLINGS_MAX, INTERVAL_MS_MIN, REDUNDANCY, Offering
from kernel.release.talk import NODES_MAX

NODE, RUNS = 7, 4
CLASS = 0x00010203
BOARD = Board((bytes(range(16)),), 1 << 17, 1539)


class Held:
    """A release that is here."""

    is_whole = True
    bases = [1, 2, 3, 4]  # noqa: RUF012 - as a list comes


def offer(  # noqa: PLR0917 - as they stand in a frame
    generation=1, sequence=5, nodes=(), kind=CLASS, digest=b"12345678", bases=()
):
    return [generation, sequence, digest, kind, 1, list(bases), list(nodes)]


def offering() -> Offering:
    return Offering(Prng(3), NODE, BOARD)


def said(made: Offering, until_ms: int):
    """Return when it offered what it holds."""
    at_ms = []
    while 0 <= made.next_at_ms <= until_ms:
        now_ms = made.next_at_ms
        if made.on_time(now_ms, Held()) is not None:
            at_ms.append(now_ms)
    return at_ms


def test_an_offer_is_for_who_is_named_or_for_all_who_run_something_older() -> None:
    for fields, is_for_us in (
        (offer(), True),
        (offer(nodes=[1, NODE]), True),
        (offer(nodes=[1]), False),
        (offer(sequence=RUNS), False),
        (offer(sequence=RUNS - 1), False),
        (offer(kind=CLASS + 1), False),
    ):
        made = offering()
        made.on_offer(0, fields, RUNS)
        assert made.is_for_us == is_for_us


def test_frames_of_one_generation_add_up_and_a_later_one_takes_back() -> None:
    made = offering()
    assert made.on_offer(0, offer(2, nodes=[1]), RUNS) and not made.is_for_us
    assert made.on_offer(1, offer(2, nodes=[NODE], bases=[9]), RUNS) and made.is_for_us
    assert made.fields is not None and made.fields[6] == [1, NODE] and made.fields[5] == [9]
    assert not made.on_offer(2, offer(1, nodes=[1]), RUNS) and made.is_for_us  # an older one
    assert not made.on_offer(3, offer(2, digest=b"x" * 8), RUNS) and made.is_for_us
    assert made.on_offer(4, offer(3, nodes=[1]), RUNS) and not made.is_for_us
    assert made.on_offer(5, offer(4), RUNS) and made.is_for_us


def test_it_is_offered_on_more_and_more_seldom_unless_others_do() -> None:
    made = offering()
    made.on_offer(0, offer(), RUNS)
    at_ms = said(made, 60_000)
    assert at_ms[0] < INTERVAL_MS_MIN
    assert at_ms[-1] - at_ms[-2] <= 2 * (INTERVAL_MS_MIN << DOUBLINGS_MAX)
    assert len(at_ms) < 60_000 // (INTERVAL_MS_MIN << DOUBLINGS_MAX) + DOUBLINGS_MAX + 2
    crowd = offering()
    crowd.on_offer(0, offer(), RUNS)
    for _ in range(REDUNDANCY):
        crowd.on_offer(10, offer(), RUNS)
    assert min(said(crowd, 2_000)) > INTERVAL_MS_MIN


def test_news_and_who_is_behind_bring_it_up_at_once() -> None:
    for fields in (offer(9), offer(0)):
        made = offering()
        made.on_offer(0, offer(1), RUNS)
        said(made, 30_000)
        made.on_offer(30_000, fields, RUNS)
        assert min(said(made, 40_000)) <= 30_000 + INTERVAL_MS_MIN


def test_what_a_whole_release_has_of_deltas_is_offered() -> None:
    made = offering()
    made.on_offer(0, offer(bases=[8]), RUNS)
    fields = made.on_time(made.next_at_ms, Held())
    assert fields is not None and fields[5] == [1, 2, 3] and fields[:5] == offer()[:5]
    made = offering()
    made.on_offer(0, offer(), RUNS)
    assert made.on_time(made.next_at_ms, None) is None  # nothing is here yet


def test_who_alone_is_meant_offers_nothing_on() -> None:
    for nodes, is_said in (([NODE], False), ([NODE, 8], True), ([8], True), ([], True)):
        made = offering()
        made.on_offer(0, offer(nodes=nodes), RUNS)
        assert bool(said(made, 5_000)) == is_said, nodes


def test_no_more_nodes_are_named_than_an_offer_has_room_for() -> None:
    made = offering()
    for first in range(100, 100 + NODES_MAX + 4, 4):
        made.on_offer(0, offer(2, nodes=list(range(first, first + 4))), RUNS)
    assert made.fields is not None and len(made.fields[6]) == NODES_MAX
