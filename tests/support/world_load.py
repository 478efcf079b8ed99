"""The world that figures measure: a field of sleepers with the whole kernel, real rebuilds.

Run in a process of its own: world_load.py '{"agents": 1000, …}' prints what it cost as JSON.
"""

import cProfile
import json
import resource
import subprocess
import sys
import time
from pathlib import Path, PurePath
from typing import Any

SEED = 1
RANGE_M = 17  # at 100 m² for each agent: eight to nine in reach
REBUILT_MIN = 0.7  # of the wakes that are due: who talks sleeps but lightly
HERE = Path(__file__)


def reporting(period_s: int) -> Any:
    """Return the setup of an application that reports what a sensor shows, once in a window."""

    def setup(agent: Any) -> None:
        soil = agent.sensor("soil")

        @agent.every(period_s * 1000)
        def sample() -> None:
            agent.publish("moisture", soil.read())

    return setup


def make(agents: int, period_s: int) -> Any:
    """Return the world before its first event."""
    from cma_toolkit.sim.world.fleet import Fleet

    return Fleet(
        reporting(period_s),
        agents,
        SEED,
        sensors={"soil": 120},
        settings={"wake_period_ms": period_s * 1000},
        range_m=RANGE_M,
        keep=False,
    )


def run(plan: dict[str, Any]) -> dict[str, Any]:
    """Build the world, let it settle, and measure a span.

    Shape of `plan`: agents, period_s, settle_s, span_s, compiled, perhaps profiled. CPU time is
    this process's own.
    Raises: RuntimeError if applications raised or agents did not wake: such a world is a fast one.
    """
    if plan["compiled"]:
        from cma_toolkit.sim.world import compiled

        compiled.use(lambda: print("making machine code of the kernel", file=sys.stderr))
    began_s = time.process_time()
    fleet = make(plan["agents"], plan["period_s"])
    fleet.run(plan["settle_s"], progress("settles"))
    settled_s = time.process_time()
    boots, events = boots_of(fleet), fleet.clock.scheduled
    profile = cProfile.Profile()
    if plan.get("profiled"):
        profile.enable()
    fleet.run(plan["span_s"], progress("runs"))
    profile.disable()
    cpu_s = time.process_time() - settled_s
    rebuilds = boots_of(fleet) - boots
    due = plan["agents"] * plan["span_s"] / plan["period_s"]
    if fleet.log.error_count or rebuilds < REBUILT_MIN * due:
        raise RuntimeError(f"{fleet.log.error_count} errors, {rebuilds} rebuilds of {due:.0f}")
    in_reach = [len(fleet.radio.in_reach(index)) for index in range(plan["agents"])]
    return {
        "cpu_s": cpu_s,
        "settle_cpu_s": settled_s - began_s,
        "speed": plan["span_s"] / cpu_s,
        "rebuilds": rebuilds,
        "events": fleet.clock.scheduled - events,
        "in_reach": sum(in_reach) / len(in_reach),
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "digest": fleet.digest(),
        "shares": shares_of(profile),
    }


def shares_of(profile: cProfile.Profile) -> dict[str, float]:
    """Return which part of the time each part of the world took, {} if nothing was profiled."""
    spent: dict[str, float] = {}
    for entry in profile.getstats():
        is_ours = not isinstance(entry.code, str)
        name = part_of(PurePath(entry.code.co_filename)) if is_ours else "built-in functions"
        spent[name] = spent.get(name, 0) + entry.inlinetime
    total = sum(spent.values())
    return {name: seconds / total for name, seconds in spent.items()}


def part_of(path: PurePath) -> str:
    """Return the name of the part of the world that a file belongs to."""
    for room in ("kernel", "world"):
        if room in path.parts:
            inner = path.parts[path.parts.index(room) + 1 :]
            return f"{room}/{inner[0].removesuffix('.py')}"
    return "other"


def boots_of(fleet: Any) -> int:
    """Return how often agents were built so far."""
    return sum(board.sleep()["wakes"] for board in fleet.boards)


def progress(what: str) -> Any:
    """Return what tells a person, on standard error, how far a run is."""

    def tell(done_s: int, all_s: int, events: int) -> None:
        if done_s * 10 // all_s != (done_s - max(1, all_s // 100)) * 10 // all_s:
            print(f"  {what}: {done_s} of {all_s} s, {events} events", file=sys.stderr, flush=True)

    return tell


def measure(**plan: Any) -> dict[str, Any]:
    """Run a plan in a fresh process and return what it says."""
    ended = subprocess.run(
        [sys.executable, str(HERE), json.dumps(plan)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    print(json.dumps(run(json.loads(sys.argv[1]))))
