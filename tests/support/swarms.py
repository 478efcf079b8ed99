"""The scenarios that the swarm runs, and how a figure runs many seeds of all of them."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cma_toolkit.sim.scenario.describe import describe
from cma_toolkit.sim.scenario.load import load
from cma_toolkit.sim.scenario.records import Must
from cma_toolkit.sim.scenario.replay import failure_line
from cma_toolkit.sim.scenario.run import Outcome
from cma_toolkit.sim.scenario.swarm import swarm

ROOT = Path(__file__).parents[2]
SCENARIOS = sorted(
    [
        *ROOT.glob("sim/scenario/examples/*.toml"),
        *ROOT.glob("tests/world/scenarios/*.toml"),
    ]
)
SEEDS = 200  # of `make test`, over all scenarios


def seeds_of(place: int, count: int, first: int = 1) -> range:
    """Return the seeds that one scenario of all has its turn with."""
    return range(first + place, first + count, len(SCENARIOS))


def described(path: Path) -> tuple[dict[str, Any], Must]:
    """Return what a swarm runs of a scenario."""
    scenario = load(path)
    return describe(scenario, path, {}, None), scenario.must


def all_outcomes(count: int, jobs: int, say: Callable[[str], None]) -> Iterator[Outcome]:
    """Run so many seeds, each with the scenario whose turn it is; tell of each failure."""
    first = 1 + 1_000_000 * int(os.environ.get("CMA_SEED", "0"))  # `make soak`: others each round
    for place, path in enumerate(SCENARIOS):
        seeds = seeds_of(place, count, first)
        for outcome in swarm(*described(path), seeds, jobs):
            if outcome.failure:
                say(failure_line(outcome, path.relative_to(ROOT), ()))
            yield outcome
        say(f"{path.stem}: {len(seeds)} seeds")
