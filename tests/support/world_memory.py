"""What the memory of a world is made of. Tracing is for a whole process: each has its own."""

import gc
import tracemalloc
from pathlib import PurePath
from typing import Any

from support import world_load

HOUR_S, DAY_S = 3_600, 86_400


def parts(agents: int, period_s: int, at_s: int) -> dict[str, int]:
    """Return the bytes that stand in memory after some time, by the folder that asked for them."""
    tracemalloc.start(1)
    fleet = world_load.make(agents, period_s)
    fleet.run(at_s)
    gc.collect()
    found: dict[str, int] = {"awake": sum(board.agent is not None for board in fleet.boards)}
    for statistic in tracemalloc.take_snapshot().statistics("filename"):
        name = world_load.part_of(PurePath(statistic.traceback[0].filename))
        found[name] = found.get(name, 0) + statistic.size
    return found


def least_each_day(agents: int, period_s: int, days: int) -> list[int]:
    """Return the least bytes that stand in memory at the full hours of each simulated day."""

    def setup(agent: Any) -> None:
        @agent.every(period_s * 1000)
        def sample() -> None:
            agent.state["count"] = agent.state.get("count", 0) + 1
            agent.publish("count", agent.state["count"])

    tracemalloc.start(1)
    fleet = world_load.make(agents, period_s)
    fleet.setup = setup
    found = []
    for _ in range(days):
        hours = []
        for _ in range(DAY_S // HOUR_S):
            fleet.run(HOUR_S)
            gc.collect()
            hours.append(tracemalloc.get_traced_memory()[0])
        found.append(min(hours))
    return found


def slope(values: list[int]) -> float:
    """Return by how much values grow from one to the next, by least squares."""
    middle = (len(values) - 1) / 2
    mean = sum(values) / len(values)
    return sum((at - middle) * (value - mean) for at, value in enumerate(values)) / sum(
        (at - middle) ** 2 for at in range(len(values))
    )
