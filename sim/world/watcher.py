"""Who looks on while a world runs: told everything, changing nothing."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cma_toolkit.sim.world.fleet import Fleet


class Violation(Exception):  # noqa: N818 - what a checker finds is the world's mistake, not its own
    """What must hold does not: the text says what, of which agent and when."""


class Watcher:
    """See a run pass by; what derives from it overrides the calls that it needs.

    Raises: Violation, but only from `after_event` and `end`: the other calls come from within an
    agent's step, whose application might take it for an error of its own.
    """

    def begin(self, fleet: "Fleet") -> None:
        """Be told that the run starts, before its first event."""

    def after_event(self, fleet: "Fleet", kind: int, index: int) -> None:
        """Look at the world after an event: its kind, as in board.py, and whose it was."""

    def sent(self, fleet: "Fleet", source: int, data: bytes) -> None:
        """Be told that a frame leaves an agent."""

    def came(self, fleet: "Fleet", source: int, data: bytes) -> None:
        """Be told that a frame came in from another part of the world."""

    def arrived(self, fleet: "Fleet", source: int, target: int, data: bytes) -> None:
        """Be told that a frame is handed to an agent."""

    def effect(self, fleet: "Fleet", index: int, kind: int, content: bytes) -> None:
        """Be told what goes into the trace, of a kind that trace.py names."""

    def fault(self, fleet: "Fleet", name: str, text: str, is_on: bool) -> None:
        """Be told that a fault begins or ends; the text says with what parameters."""

    def end(self, fleet: "Fleet") -> None:
        """Be told that the run is over."""
