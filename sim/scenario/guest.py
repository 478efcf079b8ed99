"""Run a described scenario again with one of its agents in a real MicroPython.

Checkers look into agents, and so they watch the run before: its digest is what counts here.
"""

from cma_toolkit.sim.scenario.run import OnProgress, Outcome, Plain, faults_of
from cma_toolkit.sim.world import driver, phases


def difference_in_micropython(
    plain: Plain, outcome: Outcome, name: str, number: int, on_progress: OnProgress | None = None
) -> str:
    """Return what differs once the agent of that name and number lives in MicroPython, "" if none.

    Raises: micropython.RuntimeMissingError, WorldCrashError.
    """
    seed = outcome.seed
    spec = {**plain, "seed": seed, "faults": faults_of(plain, seed), "in_micropython": number}
    if plain["calm_seconds"]:
        spec = phases.in_two_phases(spec, plain["seconds"], plain["calm_seconds"])
    digest = driver.run(spec, keep=False, on_progress=on_progress)["digest"]
    if digest == outcome.digest:
        return ""
    return f"with {name} in MicroPython the digest is {digest}, without {outcome.digest}"
