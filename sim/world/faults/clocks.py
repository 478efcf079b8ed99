"""Faults of a board's clock."""

from cma_toolkit.sim.world.faults.made import BoardFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cma_toolkit.sim.world.fleet import Fleet


class ClockDrift(BoardFault):
    """Let a board's clock run fast or slow."""

    NAME, NUMBER = "clock-drift", 16
    PARAMETERS = (BoardFault.AGENT, ("ppm", -100_000, 100_000, -500, 500, 100))
    ppm: int

    def begin(self, fleet: "Fleet") -> None:
        """Change its rate."""
        BoardFault.begin(self, fleet)
        self._turn(self.ppm)

    def end(self, fleet: "Fleet") -> None:
        """Give it its own rate again; the time that it shows stays."""
        BoardFault.end(self, fleet)
        self._turn(-self.ppm)

    def _turn(self, ppm: int) -> None:
        self.board.oscillator.drift_ppb += 1000 * ppm


class ClockJump(BoardFault):
    """Let a board's clock show another time at once, once."""

    NAME, NUMBER = "clock-jump", 17
    PARAMETERS = (BoardFault.AGENT, ("by_ms", -86_400_000, 86_400_000, -10_000, 600_000, 60_000))
    by_ms: int

    def begin(self, fleet: "Fleet") -> None:
        """Jump."""
        BoardFault.begin(self, fleet)
        self.board.oscillator.jump(self.by_ms)
