"""One generated trace, one agent, two runtimes: the same effects to the byte."""

import pytest

from support.twins import Outcome, compare, first_difference, import_root, missing

TRACES, EVENTS = 60, 220


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
