"""Run a described scenario once, with one seed, and say whether all that must hold did."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cma_toolkit.sim.scenario.must import broken
from cma_toolkit.sim.scenario.records import Must
from cma_toolkit.sim.world import driver
from cma_toolkit.sim.world.app_loader import AppError
from cma_toolkit.sim.world.watcher import Violation

OnProgress = Callable[[int, int, int], object]  # seconds done, seconds in all, events so far


@dataclass(frozen=True)
class Outcome:
    """How one run ended; `failure` is "" if all held, `result` that of the driver, if it ended."""

    seed: int
    failure: str
    seconds: int
    events: int = 0
    digest: str = ""
    faults: list[str] = field(default_factory=list)
    result: dict[str, Any] | None = None


def run(
    plain: dict[str, Any], must: Must, seed: int, on_progress: OnProgress | None = None
) -> Outcome:
    """Run to the end, or to the first checker that finds something.

    Raises: AppError if the application cannot be loaded: that is no seed's fault.
    """
    spec = {**plain, "seed": seed}
    seconds = plain["seconds"]
    try:
        result = driver.run(spec, keep=False, on_progress=on_progress)
    except AppError:
        raise
    except Violation as violation:
        return Outcome(seed, str(violation), seconds)
    except Exception as error:  # noqa: BLE001 - a crash of the code under test is what a swarm looks for
        return Outcome(seed, _crash(error), seconds)
    return Outcome(
        seed, broken(must, result), seconds, result["happened"], result["digest"], result=result
    )


def _crash(error: Exception) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    file = "/".join(last.filename.split("/")[-2:])
    text = str(error)
    return f"{type(error).__name__}{': ' + text if text else ''} in {file}:{last.lineno}"
