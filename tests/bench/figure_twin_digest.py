"""Generated traces through one agent on CPython and on MicroPython: how many differ."""

import os
from collections.abc import Callable

from support.twins import Outcome, compare, first_difference, import_root, missing

UNIT = "differing traces"
AT_MOST = 0

TRACES, EVENTS = 1_000, 250
_BATCH = 100


def measure(say: Callable[[str], object]) -> int:
    """Return how many of the traces end in another digest; fail if they do not cover the kernel.

    Another CMA_SEED gives other traces.
    """
    first = 1 + TRACES * (int(os.environ.get("CMA_SEED", "1")) - 1)
    outcome = Outcome()
    with import_root() as root:
        for start in range(first, first + TRACES, _BATCH):
            outcome.add(compare(root, start, _BATCH, EVENTS))
            say(f"{outcome.traces} traces, {outcome.effects} effects")
        for seed in outcome.differing[:3]:
            say(first_difference(root, seed, EVENTS))
    assert outcome.traces == TRACES and outcome.events_min == EVENTS >= 200
    uncovered = missing(outcome.seen)
    assert not uncovered, uncovered
    return len(outcome.differing)
