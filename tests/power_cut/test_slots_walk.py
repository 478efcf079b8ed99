"""Whatever happens to a board's slots: it runs a release or says none, and takes the next one."""

import pytest

from support.slot_walk import Walk

WALKS, STEPS = 30, 25


@pytest.mark.parametrize("part", range(4))
def test_whatever_happens_the_next_good_release_is_taken(part: int) -> None:
    for seed in range(part * WALKS, (part + 1) * WALKS):
        walk = Walk(seed)
        happened = [walk.step() for _ in range(STEPS)]
        try:
            walk.reach_the_newest()
        except AssertionError:
            print(seed, happened)
            raise
