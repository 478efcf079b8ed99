"""Two phases of one run: safety while faults are on, then calm, in which the fleet must recover.

CPython only: the checkers are. What they watch runs on both runtimes.

Source: TigerBeetle's simulator (VOPR): safety, then liveness.
"""

from collections.abc import Callable, Sequence
from typing import Any

from cma_toolkit.sim.world import driver
from cma_toolkit.sim.world.checkers import menu
from cma_toolkit.sim.world.checkers.convergence import Convergence
from cma_toolkit.sim.world.faults.power import Attend
from cma_toolkit.sim.world.watcher import Watcher

# A person comes by twice: after crashes that led to safe mode, only the power leads out of it. A
# board that has not booted yet may find only then that it just made the one crash too many, and so
# may one that flash let forget the newest record of its boots.
_AGAIN_MS = 10_000


def run(
    spec: dict[str, Any],
    safety_s: int,
    calm_s: int,
    *,
    agree: Sequence[str] = (),
    checkers: Sequence[str] = menu.NAMES,
    watchers: Sequence[Watcher] = (),
    keep: bool = True,
    on_progress: Callable[..., object] | None = None,
) -> dict[str, Any]:
    """Run a described world in two phases; return what `driver.run` does, and `converged_ms`.

    Units: `calm_s` is the bound within which it must converge; `converged_ms` counts from the end
    of the safety phase, and is -1 if an empty battery stood against it.
    Raises: watcher.Violation; ValueError for a fault that is on beyond the safety phase, or an
    unknown checker.
    """
    convergence = Convergence(safety_s * 1000, calm_s * 1000, agree)
    result = driver.run(
        in_two_phases(spec, safety_s, calm_s),
        keep=keep,
        on_progress=on_progress,
        watchers=[*menu.make(checkers), convergence, *watchers],
    )
    result["converged_ms"] = converged_ms(convergence.converged_at_ms, safety_s * 1000)
    return result


def for_shards(
    spec: dict[str, Any], safety_s: int, calm_s: int, agree: Sequence[str]
) -> dict[str, Any]:
    """Return the description of the same run for shards, which look at their own agents.

    Raises: ValueError for a fault that is on beyond the safety phase.
    """
    calm = {"from_ms": safety_s * 1000, "bound_ms": calm_s * 1000, "agree": list(agree)}
    return {**in_two_phases(spec, safety_s, calm_s), "calm": calm}


def converged_ms(converged_at_ms: int, from_ms: int) -> int:
    """Return how long a fleet took to be whole, -1 if it never was."""
    return converged_at_ms - from_ms if converged_at_ms >= 0 else -1


def in_two_phases(spec: dict[str, Any], safety_s: int, calm_s: int) -> dict[str, Any]:
    """Return the description of a world that goes on after its faults.

    Raises: ValueError for a fault that is on beyond the safety phase.
    """
    faults = list(spec.get("faults", []))
    for plain in faults:
        if plain["end_ms"] > safety_s * 1000:
            raise ValueError(
                f"fault '{plain['kind']}' ends after the {safety_s} s in which faults may be on"
            )
    for at_ms in (safety_s * 1000, safety_s * 1000 + _AGAIN_MS):
        faults.append({"kind": Attend.NAME, "start_ms": at_ms, "end_ms": at_ms + 1})
    return {**spec, "seconds": safety_s + calm_s, "faults": faults}
