"""What all checkers have in common. CPython only, as all of this folder."""

from cma_toolkit.sim.world.fleet import Fleet
from cma_toolkit.sim.world.watcher import Watcher


class Checker(Watcher):
    """Look for one kind of mistake; the first one found ends the run."""

    NAME = ""

    def violated(self, fleet: Fleet, index: int, text: str) -> None:
        """Say what is wrong with an agent."""
        name, now_ms = fleet.names[index], fleet.clock.now_ms
        fleet.violated(f"{self.NAME}: {name} at {now_ms} ms: {text}", index)
