"""A wide field for a figure, as machine code: shard_load.py WAY '{"agents": …}' prints JSON.

Ways: `one`, a world in one process; `near`, in two shards one after another, with what each step
takes; `far`, in two processes. Each process of it begins with this file, too.
"""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from cma_toolkit.sim.world import compiled

if __name__ in ("__main__", "__mp_main__"):
    compiled.use()  # before anything imports the kernel

from cma_toolkit.sim.world import driver
from cma_toolkit.sim.world.hang import HangWatch
from cma_toolkit.sim.world.shards import coordinator, processes
from cma_toolkit.sim.world.shards.near import NearShard

APP = Path(__file__).parents[1] / "world" / "apps" / "sampler.py"
RANGE_M = 17  # at 100 m² for each agent: eight to nine in reach
SHARDS = 2


class Steps:
    """How long the slowest shard took in each step, in the processor's time."""

    def __init__(self) -> None:
        self.count = 0
        self.slowest_s = 0.0
        self.all_s = 0.0
        self._open: list[float] = []

    def add(self, took_s: float) -> None:
        """Note what one shard took; all before the next `end` belong to one step."""
        self._open.append(took_s)
        self.all_s += took_s

    def end(self) -> None:
        """Have the next one begin another step."""
        if self._open:
            self.slowest_s += max(self._open)
            self.count += 1
            self._open.clear()


class TimedShard(NearShard):
    """A shard that notes how long it takes."""

    steps: Steps

    def start(self, name: str, *arguments: Any) -> None:
        """Do it."""
        before_s = time.process_time()
        super().start(name, *arguments)
        self.steps.add(time.process_time() - before_s)

    def answer(self) -> Any:
        """Return what it said; the others have begun, too."""
        self.steps.end()
        return super().answer()


def run(way: str, plan: dict[str, Any]) -> dict[str, Any]:
    """Run a plan and tell what came of it, and the seconds of the processor that it took.

    Shape of `plan`: agents, period_s, span_s.
    """
    spec = {
        "app": str(APP),
        "agents": plan["agents"],
        "seconds": plan["span_s"],
        "seed": 1,
        "sensors": {},
        "settings": {"wake_period_ms": plan["period_s"] * 1000},
        "range_m": RANGE_M,
        "loss_permille": 0,
        "keep": False,
    }
    steps = Steps()
    if way == "one":
        result = driver.run(spec, keep=False)
    elif way == "far":
        result = processes.run(spec, SHARDS)
    else:
        with HangWatch(spec["app"]) as watch:
            shards = [TimedShard(spec, number, SHARDS, watch) for number in range(SHARDS)]
            for shard in shards:
                shard.steps = steps
            result = coordinator.run(shards, spec)
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    all_s = sum(usage.ru_utime + usage.ru_stime for usage in usages)
    slowest_s = all_s - steps.all_s + steps.slowest_s
    told = {"digest": result["digest"], "all_s": all_s, "slowest_s": slowest_s}
    return {**told, "steps": steps.count}


def measure(way: str, plan: dict[str, Any]) -> dict[str, Any]:
    """Run a plan in a fresh process and return what it says."""
    command = [sys.executable, __file__, way, json.dumps(plan)]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], json.loads(sys.argv[2]))))
