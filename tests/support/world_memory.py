"""What the memory of a world is made of. Tracing is for a whole process: each has its own."""

import gc
import sys
import tracemalloc
from pathlib import PurePath
from typing import Any

from support import world_load

HOUR_S, DAY_S = 3_600, 86_400
OURS = [tracemalloc.Filter(True, f"*/{folder}/*") for folder in ("firmware/kernel", "sim/world")]


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
    """Return the least bytes that kernel and world hold at the full hours of each simulated day.

    The cells of flash are left out: they take what was programmed since the last erase, at most
    128 KiB a board, and rise and fall with the ring.
    """

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
            snapshot = tracemalloc.take_snapshot().filter_traces(OURS)
            held = sum(trace.size for trace in snapshot.traces)
            hours.append(held - cells_bytes(fleet))
        found.append(min(hours))
    return found


def cells_bytes(fleet: Any) -> int:
    """Return what the cells of all flash take."""
    return sum(
        sys.getsizeof(cells) for board in fleet.boards for cells in board.flash._sectors if cells
    )


def slope(values: list[int]) -> float:
    """Return by how much values grow from one to the next, by least squares."""
    middle = (len(values) - 1) / 2
    mean = sum(values) / len(values)
    return sum((at - middle) * (value - mean) for at, value in enumerate(values)) / sum(
        (at - middle) ** 2 for at in range(len(values))
    )
