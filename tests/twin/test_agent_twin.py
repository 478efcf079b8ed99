"""One generated trace, one agent, two runtimes: the same effects to the byte."""

import pytest

from support.twins import ROOT, Outcome, compare, first_difference, import_root, missing

TRACES, EVENTS = 60, 220
pytestmark = pytest.mark.xdist_group("agent-twin")  # its traces are made once


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    with import_root() as root:
        found = compare(root, 1, TRACES, EVENTS)
        told = [first_difference(root, seed, EVENTS) for seed in found.differing[:1]]
    assert not told, told[0]
    return found


def test_traces_are_equal_on_both_runtimes(outcome: Outcome) -> None:
    assert (outcome.traces, outcome.events_min, outcome.differing) == (TRACES, EVENTS, [])


def test_traces_cover_every_effect_every_frame_and_every_start(outcome: Outcome) -> None:
    assert missing(outcome.seen) == []
    assert outcome.effects > outcome.traces * EVENTS


def test_a_kernel_that_differs_is_found_and_the_first_difference_shown() -> None:
    ticks = "kernel/ticks.py"
    source = (ROOT / "firmware" / ticks).read_bytes()
    assert source.count(b"_HALF = 1 << 28") == 1
    with import_root({ticks: source.replace(b"_HALF = 1 << 28", b"_HALF = 1 << 27")}) as root:
        found = compare(root, 1, 4, EVENTS)
        assert found.differing
        told = first_difference(root, found.differing[0], EVENTS)
    assert told.startswith(f"trace {found.differing[0]}: after event ")
    assert f"replay.py {found.differing[0]} {EVENTS}" in told
    here, there = told.splitlines()[1:3]
    assert here.split(maxsplit=1)[1] != there.split(maxsplit=1)[1]
