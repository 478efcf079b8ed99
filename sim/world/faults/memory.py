"""Faults of a board's memory: of what deep sleep keeps, and of the heap."""

from cma_toolkit.sim.world.faults.made import BoardFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cma_toolkit.sim.world.fleet import Fleet


class _RtcFault(BoardFault):
    count: int

    def begin(self, fleet: "Fleet") -> None:
        """Draw the instants; RTC memory holds something while the board sleeps deep."""
        BoardFault.begin(self, fleet)
        self.at_times(self.count)


class RtcLost(_RtcFault):
    """Empty RTC memory, at drawn instants."""

    NAME, NUMBER = "rtc-lost", 19
    PARAMETERS = (BoardFault.AGENT, ("count", 1, 1_000, 1, 10, 3))

    def strike(self) -> None:
        """Lose what it holds."""
        self.board.rtc = b""


class RtcFlip(_RtcFault):
    """Flip bits of RTC memory, at drawn instants."""

    NAME, NUMBER = "rtc-flip", 20
    PARAMETERS = (BoardFault.AGENT, ("count", 1, 1_000, 1, 10, 3), ("bits", 1, 64, 1, 8, 1))
    bits: int

    def strike(self) -> None:
        """Flip some of what it holds."""
        cells = bytearray(self.board.rtc)
        rng = self.stream(self.agent)
        for _ in range(self.bits if cells else 0):
            bit = rng.below(8 * len(cells))
            cells[bit >> 3] ^= 1 << (bit & 7)
        self.board.rtc = bytes(cells)


class MemoryFault(BoardFault):
    """Leave no heap at the n-th of an agent's calls of its flash: a moment deep in the kernel.

    A board has no other moment of its own to offer that is the same on every runtime: how often
    Python allocates differs between two of them.
    """

    NAME, NUMBER = "memory-error", 23
    PARAMETERS = (BoardFault.AGENT, ("calls", 1, 100_000, 1, 60, 1))
    calls: int

    def begin(self, fleet: "Fleet") -> None:
        """Arm it."""
        BoardFault.begin(self, fleet)
        self._error = MemoryError()
        self.board.flash.fail_in(self.calls, self._error)

    def end(self, fleet: "Fleet") -> None:
        """Disarm it, if the agent called too seldom."""
        BoardFault.end(self, fleet)
        self.board.flash.spare_error(self._error)
