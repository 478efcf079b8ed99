"""Run a described scenario once, with one seed, and say whether all that must hold did."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from cma_toolkit.sim.scenario.must import broken
from cma_toolkit.sim.scenario.records import Must
from cma_toolkit.sim.world import driver, failure, phases
from cma_toolkit.sim.world.app_loader import AppError
from cma_toolkit.sim.world.checkers import menu as checkers
from cma_toolkit.sim.world.faults.draw import draw
from cma_toolkit.sim.world.hang import HangError, HangWatch
from cma_toolkit.sim.world.shards import machines, processes
from cma_toolkit.sim.world.shards.coordinator import ShardLostError
from cma_toolkit.sim.world.watcher import Violation, Watcher

Plain = dict[str, Any]
OnProgress = Callable[[int, int, int], object]  # seconds done, seconds in all, events so far


@dataclass(frozen=True)
class Outcome:
    """How one run ended; `failure` is "" if all held, `result` the driver's, if it ended.

    `faults` are those that were planned, as the world was given them; `attended` counts the agents
    that a person led out of safe mode, once the faults were over.
    """

    seed: int
    failure: str
    seconds: int
    events: int = 0
    attended: int = 0
    digest: str = ""
    faults: list[Plain] = field(default_factory=list)
    traceback: str = ""  # of a crash of the world itself
    result: Plain | None = None


def run(
    plain: Plain,
    must: Must,
    seed: int,
    on_progress: OnProgress | None = None,
    watchers: Sequence[Watcher] = (),
    *,
    shards: int = 1,
    dask: str = "",
) -> Outcome:
    """Run to the end, or to the first checker that finds something.

    In several `shards` there are no `watchers`; with `dask` they are in the workers of that
    scheduler, see shards/machines.py.
    Raises: AppError, ShardLostError, ClusterError: no seed's fault.
    """
    faults = faults_of(plain, seed)
    seconds = plain["seconds"] + plain["calm_seconds"]
    hang = HangWatch(plain["app"])
    try:
        spec = {**plain, "seed": seed, "faults": faults}
        if shards > 1:
            result = _run_in_shards(spec, must, on_progress, shards, dask)
        else:
            with hang:
                result = _run(spec, must, on_progress, watchers)
    except (AppError, ShardLostError, machines.ClusterError):
        raise
    except Violation as violation:
        return Outcome(seed, str(violation), seconds, faults=faults)
    except HangError as error:
        failed = failure.hang(hang.problem, plain["app"], error)
    except failure.FailedError as error:
        failed = error
    except Exception as error:  # noqa: BLE001 - a crash of the code under test is what we look for
        failed = failure.crash(error)
    else:
        problem, events = broken(must, result), result["happened"]
        attended = len(result["attended"])
        return Outcome(
            seed, problem, seconds, events, attended, result["digest"], faults, result=result
        )
    return Outcome(seed, str(failed), seconds, faults=faults, traceback=failed.traceback)


def faults_of(plain: Plain, seed: int) -> list[Plain]:
    """Return the faults of one run: those put by hand, and those that its seed draws."""
    drawn = draw(seed, plain["agents"], plain["seconds"] * 1000, plain["draw"])
    return [*plain["faults"], *drawn]


def _run(
    spec: Plain,
    must: Must,
    on_progress: OnProgress | None,
    watchers: Sequence[Watcher],
) -> Plain:
    names = _checkers(must)
    if not spec["calm_seconds"]:
        return driver.run(
            spec, keep=False, on_progress=on_progress, watchers=[*checkers.make(names), *watchers]
        )
    return phases.run(
        spec,
        spec["seconds"],
        spec["calm_seconds"],
        agree=must.agree,
        checkers=names,
        watchers=watchers,
        keep=False,
        on_progress=on_progress,
    )


def _run_in_shards(
    spec: Plain, must: Must, on_progress: OnProgress | None, shards: int, dask: str
) -> Plain:
    spec = {**spec, "keep": False, "checkers": _checkers(must)}
    if spec["calm_seconds"]:
        spec = phases.for_shards(spec, spec["seconds"], spec["calm_seconds"], must.agree)
    if dask:
        return machines.run(spec, shards, dask, on_progress)
    return processes.run(spec, shards, on_progress)


def _checkers(must: Must) -> Sequence[str]:
    return checkers.NAMES if must.checkers is None else must.checkers
