"""Faults are the same on both runtimes: one seed is one run, whatever goes wrong in it."""

from pathlib import Path

import pytest

from cma_toolkit.sim.world import driver, micropython
from cma_toolkit.sim.world.faults import menu
from cma_toolkit.sim.world.faults.draw import draw

LEDGER = Path(__file__).parents[1] / "world" / "apps" / "ledger.py"
AGENTS, SECONDS = 4, 120


@pytest.mark.parametrize("period_ms", [0, 5_000], ids=["awake", "asleep"])
def test_a_world_with_every_fault_runs_alike(period_ms: int) -> None:
    planned = []
    for seed in range(3):
        planned += draw(seed, AGENTS, SECONDS * 1000)
    drawn = {plain["kind"] for plain in planned}
    planned += [
        {"kind": name, "start_ms": 20_000, "end_ms": 60_000, "agent": 1}
        if any(row[0] == "agent" for row in menu.KINDS[name].PARAMETERS)
        else {"kind": name, "start_ms": 20_000, "end_ms": 60_000}
        for name in menu.NAMES
        if name not in drawn
    ]
    described = {
        "app": str(LEDGER),
        "agents": AGENTS,
        "seconds": SECONDS,
        "seed": 5,
        "loss_permille": 0,
        "range_m": 0,
        "sensors": {},
        "settings": {"wake_period_ms": period_ms, "deep_sleep_ms": 1_000} if period_ms else {},
        "faults": planned,
    }
    here, there = driver.run(described), micropython.run(described)
    for result in (here, there):
        for error in result["errors"]:
            error.pop()  # a traceback's text differs, its place and time do not
    assert here == there
    assert here["happened"] > 800
