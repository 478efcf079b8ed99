"""What all checkers have in common. CPython only, as all of this folder."""

from cma_toolkit.sim.world.fleet import Fleet
from cma_toolkit.sim.world.watcher import Violation, Watcher


class Checker(Watcher):
    """Look for one kind of mistake; the first one found ends the run after its event."""

    NAME = ""

    def __init__(self) -> None:
        self._problem = ""

    def violated(self, fleet: Fleet, index: int, text: str) -> None:
        """Keep the first mistake: it cannot be raised from within an agent's step."""
        if not self._problem:
            name, now_ms = fleet.names[index], fleet.clock.now_ms
            self._problem = f"{self.NAME}: {name} at {now_ms} ms: {text}"

    def after_event(self, fleet: Fleet, kind: int, index: int) -> None:
        """Raise what was found."""
        if self._problem:
            raise Violation(self._problem)

    def end(self, fleet: Fleet) -> None:
        """Raise what was found since the last event."""
        if self._problem:
            raise Violation(self._problem)
