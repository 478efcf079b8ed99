"""Run a described scenario once, with one seed, and say whether all that must hold did."""

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from cma_toolkit.sim.scenario.hang import HangError, HangWatch
from cma_toolkit.sim.scenario.must import broken
from cma_toolkit.sim.scenario.records import Must
from cma_toolkit.sim.world import driver, phases
from cma_toolkit.sim.world.app_loader import AppError
from cma_toolkit.sim.world.checkers import menu as checkers
from cma_toolkit.sim.world.faults.draw import draw
from cma_toolkit.sim.world.shards.processes import ShardLostError
from cma_toolkit.sim.world.shards.processes import run as run_in_shards
from cma_toolkit.sim.world.watcher import Violation, Watcher

Plain = dict[str, Any]
OnProgress = Callable[[int, int, int], object]  # seconds done, seconds in all, events so far


@dataclass(frozen=True)
class Outcome:
    """How one run ended; `failure` is "" if all held, `result` the driver's, if it ended.

    `faults` are those that were planned, as the world was given them.
    """

    seed: int
    failure: str
    seconds: int
    events: int = 0
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
) -> Outcome:
    """Run to the end, or to the first checker that finds something.

    In several `shards` there are no `watchers` and no calm.
    Raises: AppError if the application cannot be loaded, ShardLostError: no seed's fault.
    """
    faults = faults_of(plain, seed)
    seconds = plain["seconds"] + plain["calm_seconds"]
    hang = HangWatch(plain["app"])
    try:
        with hang:
            result = _run(
                {**plain, "seed": seed, "faults": faults}, must, on_progress, watchers, shards
            )
    except (AppError, ShardLostError):
        raise
    except HangError as error:
        told = _lines_of(plain["app"], error)
        return Outcome(seed, hang.problem, seconds, faults=faults, traceback=told)
    except Violation as violation:
        return Outcome(seed, str(violation), seconds, faults=faults)
    except Exception as error:  # noqa: BLE001 - a crash of the code under test is what we look for
        told = "".join(traceback.format_exception(error))
        return Outcome(seed, _crash(error), seconds, faults=faults, traceback=told)
    failure = broken(must, result)
    return Outcome(
        seed, failure, seconds, result["happened"], result["digest"], faults, result=result
    )


def faults_of(plain: Plain, seed: int) -> list[Plain]:
    """Return the faults of one run: those put by hand, and those that its seed draws."""
    drawn = draw(seed, plain["agents"], plain["seconds"] * 1000, plain["draw"])
    return [*plain["faults"], *drawn]


def _run(
    spec: Plain,
    must: Must,
    on_progress: OnProgress | None,
    watchers: Sequence[Watcher],
    shards: int,
) -> Plain:
    names = checkers.NAMES if must.checkers is None else must.checkers
    if shards > 1:
        return run_in_shards({**spec, "keep": False, "checkers": names}, shards, on_progress)
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


def _lines_of(app: str, error: BaseException) -> str:
    lines = traceback.extract_tb(error.__traceback__)
    return "".join(traceback.format_list([line for line in lines if line.filename == app]))


def _crash(error: Exception) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    file = "/".join(last.filename.split("/")[-2:])
    text = str(error)
    return f"{type(error).__name__}{': ' + text if text else ''} in {file}:{last.lineno}"
