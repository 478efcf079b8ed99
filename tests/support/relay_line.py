"""A line of agents of which each hears two, and says at once what it hears.

Most are some hops away from where shards meet: what a shard promises the others depends on how
fast something can come from inside to its border, which where all hear all is never asked.
"""

from pathlib import Path
from typing import Any

from cma_toolkit.sim.world import driver
from cma_toolkit.sim.world.faults.draw import draw
from cma_toolkit.sim.world.shards import near

AGENTS, SECONDS = 20, 12
STEP_M, RANGE_M = 10, 12
_APP = Path(__file__).parents[1] / "world" / "apps" / "relay.py"


def line(seed: int, *, is_troubled: bool = False) -> dict[str, Any]:
    """Return the description of a line, with faults that the seed draws or without any."""
    return {
        "app": str(_APP),
        "agents": AGENTS,
        "seconds": SECONDS,
        "seed": seed,
        "sensors": {},
        "range_m": RANGE_M,
        "loss_permille": 0,
        "keep": False,
        "places": {"kind": "grid", "columns": AGENTS, "step_m": STEP_M},
        "radio": {"range_m": RANGE_M, "edge_loss_permille": 0},
        "faults": draw(seed, AGENTS, SECONDS * 1000) if is_troubled else [],
    }


def digest(described: dict[str, Any], shards: int = 0) -> str:
    """Return how a line ends in so many shards, 0: as one fleet."""
    result = near.run(described, shards) if shards else driver.run(described)
    return str(result["digest"])
