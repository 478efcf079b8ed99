"""The digests of one seed of the swarm, in as many shards as asked for."""

from pathlib import Path
from typing import Any

from cma_toolkit.sim.scenario.run import faults_of
from cma_toolkit.sim.world import driver, phases
from cma_toolkit.sim.world.shards import coordinator
from cma_toolkit.sim.world.shards.near import NearShard
from support.swarms import described


def spec_of(path: Path, seed: int) -> dict[str, Any]:
    """Return the world of a scenario and a seed, with the faults that the seed draws."""
    plain, _must = described(path)
    spec = {**plain, "seed": seed, "faults": faults_of(plain, seed), "keep": False}
    if plain["calm_seconds"]:
        spec = phases.in_two_phases(spec, plain["seconds"], plain["calm_seconds"])
    return spec


def digest_of(path: Path, seed: int, shards: int = 0) -> str:
    """Return the digest of a world in so many shards, 0: as one fleet."""
    spec = spec_of(path, seed)
    if shards:
        handles = [NearShard(spec, number, shards) for number in range(shards)]
        return str(coordinator.run(handles, spec)["digest"])
    return str(driver.run(spec, keep=False)["digest"])


def digests_of(path: Path, seed: int, counts: tuple[int, ...]) -> list[str]:
    """Return one for each count of shards."""
    return [digest_of(path, seed, count) for count in counts]
