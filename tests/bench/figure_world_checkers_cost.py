"""What all checkers add to the CPU time of a world of 20 agents: two minutes awake, two
hours asleep.

Each form of the run is measured three times in turn; the least of each counts.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cma_toolkit.sim.world import driver
from cma_toolkit.sim.world.checkers import menu
from cma_toolkit.sim.world.checkers.convergence import Convergence
from cma_toolkit.sim.world.watcher import Watcher
from support.fault_world import CURRENTS_UA

UNIT = "% of run time"
AT_MOST = 60.0

LEDGER = Path(__file__).parents[1] / "world" / "apps" / "ledger.py"
AGENTS, ROUNDS = 20, 3
RUNS = {"awake": (0, 120), "asleep": (60_000, 7_200)}  # wake period (ms), seconds


def measure(say: Callable[[str], object]) -> float:
    """Return how much longer the watched runs take."""
    shares = []
    for name, (period_ms, seconds) in RUNS.items():
        bare_s, watched_s = [], []
        for _ in range(ROUNDS):
            bare_s.append(_time(period_ms, seconds, ()))
            checkers = [*menu.make(), Convergence(0, seconds * 1000)]
            watched_s.append(_time(period_ms, seconds, checkers))
        shares.append(100 * (min(watched_s) / min(bare_s) - 1))
        say(f"{name}: {min(bare_s):.2f} s bare, {min(watched_s):.2f} s watched")
    return max(shares)


def _time(period_ms: int, seconds: int, watchers: Sequence[Watcher]) -> float:
    spec: dict[str, Any] = {
        "app": str(LEDGER),
        "agents": AGENTS,
        "seconds": seconds,
        "seed": 1,
        "loss_permille": 0,
        "range_m": 0,
        "sensors": {},
        "settings": {"wake_period_ms": period_ms} if period_ms else {},
        "currents": CURRENTS_UA,
    }
    start_s = time.process_time()
    driver.run(spec, keep=False, watchers=watchers)
    return time.process_time() - start_s
