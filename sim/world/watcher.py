"""Who looks on while a world runs: told everything, changing nothing."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cma_toolkit.sim.world.fleet import Fleet


NEVER_MS = 1 << 60  # an instant that does not come


class Violation(Exception):  # noqa: N818 - what a checker finds is the world's mistake, not its own
    """What must hold does not: the text says what, of which agent and when."""

    def __init__(self, text: str, agent: int = -1, at_ms: int = 0) -> None:
        super().__init__(text)
        self.agent = agent  # its number, -1 for what is nobody's
        self.at_ms = at_ms


class Watcher:
    """See a run pass by; what derives from it overrides the calls that it needs.

    What finds a mistake says so to `fleet.violated`. `look_at_ms` is when it wants to be asked to
    look, before all else of that millisecond.
    """

    look_at_ms = NEVER_MS

    def begin(self, fleet: "Fleet") -> None:
        """Be told that the run starts, before its first event."""

    def after_event(self, fleet: "Fleet", kind: int, index: int) -> None:
        """Look at an agent after an event of its own: the kind, as in board.py, and whose."""

    def look(self, fleet: "Fleet") -> None:
        """Look at all of the world, at `look_at_ms`; it says itself when to look again."""

    def sent(self, fleet: "Fleet", source: int, data: bytes) -> None:
        """Be told that a frame leaves an agent."""

    def came(self, fleet: "Fleet", source: int, data: bytes) -> None:
        """Be told that a frame came in from another part of the world."""

    def arrived(self, fleet: "Fleet", source: int, target: int, data: bytes) -> None:
        """Be told that a frame is handed to an agent."""

    def started(self, fleet: "Fleet", index: int) -> None:
        """Be told that an agent booted and has its state, and its application is not set up."""

    def effect(self, fleet: "Fleet", index: int, kind: int, content: bytes) -> None:
        """Be told what goes into the trace, of a kind that trace.py names."""

    def fault(self, fleet: "Fleet", name: str, text: str, is_on: bool) -> None:
        """Be told that a fault begins or ends; the text says with what parameters."""

    def end(self, fleet: "Fleet") -> None:
        """Be told that the run is over."""
