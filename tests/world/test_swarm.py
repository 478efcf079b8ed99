"""200 seeds: every scenario, under the faults that its seeds draw, keeps what it demands."""

from pathlib import Path

import pytest

from cma_toolkit.sim.scenario.replay import failure_line
from cma_toolkit.sim.scenario.swarm import Tally, swarm
from support.swarms import ROOT, SCENARIOS, SEEDS, described, seeds_of


def test_all_seeds_have_their_turn() -> None:
    turns = [seeds_of(place, SEEDS) for place in range(len(SCENARIOS))]
    assert sorted(seed for seeds in turns for seed in seeds) == list(range(1, SEEDS + 1))


@pytest.mark.parametrize("place", range(len(SCENARIOS)), ids=[path.stem for path in SCENARIOS])
def test_no_seed_breaks_a_scenario(place: int) -> None:
    path = SCENARIOS[place]
    tally = Tally()
    for outcome in swarm(*described(path), seeds_of(place, SEEDS)):
        tally.add(outcome)
    lines = [failure_line(outcome, path.relative_to(ROOT), ()) for outcome in tally.failed]
    assert not lines, "\n".join(lines)
    assert tally.faults


@pytest.mark.parametrize("path", SCENARIOS, ids=[path.stem for path in SCENARIOS])
def test_every_checker_has_something_to_look_at(path: Path) -> None:
    plain, must = described(path)
    assert must.checkers is None and plain["currents"]["wifi_rx"] > 0
