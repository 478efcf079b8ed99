"""How one seed of the swarm ends, in as many shards as asked for."""

from pathlib import Path

from cma_toolkit.sim.scenario.run import faults_of
from cma_toolkit.sim.world import phases
from cma_toolkit.sim.world.shards import near
from cma_toolkit.sim.world.watcher import Violation
from support.swarms import described


def ending_of(path: Path, seed: int, shards: int = 0) -> str:
    """Return digest and instant of recovery of a world in so many shards, 0: as one fleet.

    Of one that fails, why.
    """
    plain, must = described(path)
    spec = {**plain, "seed": seed, "faults": faults_of(plain, seed), "keep": False, "checkers": []}
    spans = plain["seconds"], plain["calm_seconds"]
    try:
        if shards:
            result = near.run(phases.for_shards(spec, *spans, must.agree), shards)
        else:
            result = phases.run(spec, *spans, agree=must.agree, checkers=(), keep=False)
    except Violation as violation:
        return str(violation)
    return f"{result['digest']} {result['converged_ms']}"


def endings_of(path: Path, seed: int, counts: tuple[int, ...]) -> list[str]:
    """Return one for each count of shards."""
    return [ending_of(path, seed, count) for count in counts]
