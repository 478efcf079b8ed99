"""What every fault of a world is: middleware that is on from one instant to another."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cma_toolkit.sim.world.fleet import Fleet

    # One frame on one path: its copies, each with delay (ms), strength (dBm) and content.
    Paths = list[tuple[int, int, bytes]]


class Fault:
    """Do nothing; what derives from it breaks something, and mends all of it when it ends."""

    NAME = ""
    NUMBER = 0  # of the menu

    def describe(self) -> str:
        """Return what a person needs to know of it: the parameters that were drawn."""
        return ""

    def begin(self, fleet: "Fleet") -> None:
        """Break something."""

    def end(self, fleet: "Fleet") -> None:
        """Undo it completely."""

    def on_time(self, fleet: "Fleet", index: int) -> None:
        """Do what `fleet.call_fault_at` asked for an agent; the fault may have ended by then."""

    def serve(self, index: int) -> int:
        """Return for how long a board in its updater fetches what this fault offers, 0: nothing.

        Units: ms.
        """
        return 0

    def on_air(self, source: int, target: int, data: bytes, paths: "Paths") -> None:
        """Change the copies of one frame on one path in place; an empty list: it is lost.

        Units: delays in ms from now.
        """


class Elsewhere(Fault):
    """Stand for the fault of a board that belongs to another part of the world."""

    def __init__(self, fault: Fault, agent: int) -> None:
        self.NAME, self.NUMBER = fault.NAME, fault.NUMBER
        self.agent = agent
        self._fault = fault

    def describe(self) -> str:
        """Return what the fault says."""
        return self._fault.describe()

    def on_air(self, source: int, target: int, data: bytes, paths: "Paths") -> None:
        """Change frames as it does: those of its board arrive here, too."""
        self._fault.on_air(source, target, data, paths)
