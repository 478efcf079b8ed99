"""Faults of frames and links: each does what it says while it is on, and nothing afterwards."""

from itertools import permutations
from typing import Any

import pytest

from support.fault_world import ALL_S, END_S, START_S, fault, run

ALL_PAIRS = set(permutations(range(4), 2))
HELD_S = 1  # by which what was under way at the end may still come


def numbers(notes: Any, source: int, target: int, from_s: float, to_s: float) -> list[int]:
    """Return the numbers of the broadcasts that one heard of another, in the order they came."""
    return [
        data[12] << 8 | data[13]
        for _at, a, b, data in notes.arrivals(from_s, to_s)
        if (a, b) == (source, target) and data[8:12] == b"\x3f\xff\xff\xff"
    ]


def test_nothing_is_wrong_without_faults() -> None:
    _made, notes = run()
    assert notes.pairs(START_S, END_S) == ALL_PAIRS
    heard = numbers(notes, 0, 1, START_S, END_S)
    assert heard == sorted(heard) and len(set(heard)) == len(heard) > 10


def test_lost_frames_do_not_arrive_until_the_fault_is_over() -> None:
    _made, notes = run(fault("loss", permille=1000))
    assert notes.pairs(START_S + HELD_S, END_S) == set()
    assert notes.pairs(END_S, ALL_S) == ALL_PAIRS


def test_a_part_of_the_frames_is_lost() -> None:
    kept = len(run()[1].arrivals(START_S, END_S))
    left = len(run(fault("loss", permille=300))[1].arrivals(START_S, END_S))
    assert 0.5 < left / kept < 0.9


def test_delayed_frames_come_later_and_in_order() -> None:
    _made, notes = run(fault("delay", delay_ms=400))
    sent = {data: at_ms for at_ms, _source, data in notes.sent_at_ms}
    took = [at - sent[data] for at, _a, _b, data in notes.arrivals(START_S + HELD_S, END_S)]
    assert took and min(took) >= 400
    after = [at - sent[data] for at, _a, _b, data in notes.arrivals(END_S + HELD_S, ALL_S)]
    assert after and max(after) < 400
    heard = numbers(notes, 0, 1, START_S, END_S)
    assert heard == sorted(heard)


@pytest.mark.parametrize("kind", ["delay", "reorder", "duplicate"])
def test_no_frame_is_held_beyond_the_end(kind: str) -> None:
    span = "delay_ms" if kind == "delay" else "span_ms"
    more = {} if kind == "delay" else {"permille": 1000}
    _made, notes = run(fault(kind, **{span: 60_000}, **more))
    sent = {data: at_ms for at_ms, _source, data in notes.sent_at_ms}
    ends = [at - sent[data] for at, _a, _b, data in notes.arrivals(END_S + HELD_S, ALL_S)]
    assert ends and max(ends) < 1_000


def test_reordered_frames_overtake_each_other() -> None:
    _made, notes = run(fault("reorder", permille=500, span_ms=5_000))
    during, after = (
        numbers(notes, 0, 1, *span) for span in ((START_S, END_S), (END_S + 6, ALL_S))
    )
    assert during != sorted(during)
    assert after == sorted(after)


def test_duplicates_arrive_and_have_no_effect() -> None:
    made, notes = run(fault("duplicate", permille=1000, span_ms=200))
    during, after = (
        numbers(notes, 0, 1, *span) for span in ((START_S, END_S), (END_S + HELD_S, ALL_S))
    )
    assert len(during) > 1.9 * len(set(during))
    assert len(after) == len(set(after))
    assert sum(status["dropped"].get("duplicate", 0) for status in made.statuses()) > 50


def test_frames_from_the_past_come_back() -> None:
    _made, notes = run(fault("replay", permille=1000, age=30))
    sent = {data: at_ms for at_ms, _source, data in notes.sent_at_ms}
    old = [at for at, _a, _b, data in notes.arrived_at_ms if at - sent[data] > 2_000]
    assert len(old) > 20
    assert min(old) >= START_S * 1000 and max(old) <= (END_S + HELD_S) * 1000


def test_corrupted_frames_were_never_sent() -> None:
    _made, notes = run(fault("corrupt", permille=500, bits=4))
    sent = {data for _at, _source, data in notes.sent_at_ms}
    wrong = [row for row in notes.arrived_at_ms if row[3] not in sent]
    assert len(wrong) > 20
    assert any(len(row[3]) < 15 for row in wrong)
    assert all(START_S * 1000 <= row[0] <= (END_S + HELD_S) * 1000 for row in wrong)


def test_an_asymmetric_link_works_in_one_direction() -> None:
    _made, notes = run(fault("asymmetric", permille=1000))
    heard = notes.pairs(START_S + HELD_S, END_S)
    assert len(heard) == 6 and not any((b, a) in heard for a, b in heard)
    assert notes.pairs(END_S, ALL_S) == ALL_PAIRS


def test_clogged_frames_come_all_at_once() -> None:
    _made, notes = run(fault("clog", permille=1000, span_ms=8_000, period_ms=10_000))
    sent = {data: at_ms for at_ms, _source, data in notes.sent_at_ms}
    took = [at - sent[data] for at, _a, _b, data in notes.arrived_at_ms]
    assert 7_000 < max(took) < 8_200
    assert any(span_ms < 100 for span_ms in took)
    late = [at for at, _a, _b, data in notes.arrived_at_ms if at - sent[data] > 1_000]
    assert max(late) <= (END_S + HELD_S) * 1000


@pytest.mark.parametrize("shape", [0, 1, 2])
@pytest.mark.parametrize("one_way", [0, 1])
def test_a_partition_divides_the_fleet(shape: int, one_way: int) -> None:
    planned = fault("partition", shape=shape, is_one_way=one_way)
    _made, notes = run(planned, agents=6)
    sides = planned[2]._sides
    heard = notes.pairs(START_S + HELD_S, END_S)
    assert {0, 1} == set(sides)
    crossing = {(sides[a], sides[b]) for a, b in heard if sides[a] != sides[b]}
    assert crossing == ({(1, 0)} if one_way else set())
    assert all((a, b) in heard for a, b in permutations(range(6), 2) if sides[a] == sides[b])
    assert notes.pairs(END_S, ALL_S) == set(permutations(range(6), 2))


@pytest.mark.parametrize("one_way", [0, 1])
def test_an_isolated_agent_is_alone(one_way: int) -> None:
    _made, notes = run(fault("isolate", agent=2, is_one_way=one_way))
    heard = notes.pairs(START_S + HELD_S, END_S)
    assert not any(a == 2 for a, _b in heard)
    assert any(b == 2 for _a, b in heard) == bool(one_way)
    assert notes.pairs(END_S, ALL_S) == ALL_PAIRS


def test_swizzle_clog_stops_all_one_by_one_and_frees_them_in_another_order() -> None:
    planned = fault("swizzle-clog", permille=1000)
    _made, notes = run(planned)
    stops, frees = planned[2]._from_ms, planned[2]._until_ms
    assert len(set(stops)) == len(set(frees)) == 4
    assert [stops.index(at) for at in sorted(stops)] != [frees.index(at) for at in sorted(frees)]
    sent = {data: at_ms for at_ms, _source, data in notes.sent_at_ms}
    held = [row for row in notes.arrived_at_ms if row[0] - sent[row[3]] > 5_000]
    assert held and max(row[0] for row in held) <= (END_S + HELD_S) * 1000
