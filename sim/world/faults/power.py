"""Faults of a board's power and of its run: it stops, or is slow, or begins with no entropy."""

from cma_toolkit.sim.world.faults.made import BoardFault, Made

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cma_toolkit.sim.world.fleet import Fleet

_BROWN_OUTS_MAX = 1_000


class Crash(BoardFault):
    """Let a board's watchdog bite, at drawn instants: RTC memory survives, the agent does not."""

    NAME, NUMBER = "crash", 12
    PARAMETERS = (BoardFault.AGENT, ("count", 1, 1_000, 1, 3, 1))
    count: int

    def begin(self, fleet: "Fleet") -> None:
        """Draw the instants."""
        BoardFault.begin(self, fleet)
        self.at_times(self.count)

    def strike(self) -> None:
        """Crash."""
        self.board.crash()


class TornCrash(BoardFault):
    """Cut the power in the middle of an operation of flash, which is left half done."""

    NAME, NUMBER = "torn-crash", 13
    PARAMETERS = (
        BoardFault.AGENT,
        ("operations", 1, 100_000, 1, 12, 1),
        ("mode", 0, 8, 0, 8, 2),
        ("dark_ms", 1, 3_600_000, 100, 10_000, 2_000),
    )
    operations: int
    mode: int
    dark_ms: int

    def begin(self, fleet: "Fleet") -> None:
        """Arm it."""
        BoardFault.begin(self, fleet)
        self._cut = self.board.flash.cut_in(
            self.operations, self.mode, self._seed & 0xFFFF, self.dark_ms
        )

    def end(self, fleet: "Fleet") -> None:
        """Disarm it, if the board wrote too little to run into it; else the power is back."""
        BoardFault.end(self, fleet)
        self.board.flash.spare(self._cut)
        _give_power_back(self)


class SlowNode(BoardFault):
    """Let every step of an agent come late."""

    NAME, NUMBER = "slow-node", 14
    PARAMETERS = (BoardFault.AGENT, ("slow_ms", 1, 10_000, 5, 400, 50))
    slow_ms: int

    def begin(self, fleet: "Fleet") -> None:
        """Slow it down."""
        BoardFault.begin(self, fleet)
        self.board.slow_ms += self.slow_ms

    def end(self, fleet: "Fleet") -> None:
        """Let it be as fast as before."""
        BoardFault.end(self, fleet)
        self.board.slow_ms -= self.slow_ms


class BrownOutLoop(BoardFault):
    """Cut the power again and again, each time a fixed span after the last."""

    NAME, NUMBER = "brown-out-loop", 15
    PARAMETERS = (
        BoardFault.AGENT,
        ("period_ms", 1, 3_600_000, 400, 20_000, 2_000),
        ("dark_ms", 1, 3_600_000, 10, 1_000, 200),
    )
    period_ms: int
    dark_ms: int

    def begin(self, fleet: "Fleet") -> None:
        """Cut it at once."""
        BoardFault.begin(self, fleet)
        self._left = _BROWN_OUTS_MAX
        self.strike()

    def strike(self) -> None:
        """Cut it, and again later."""
        self.board.cut_power(self.dark_ms)
        self._left -= 1
        if self._left:
            self.call_at(self.fleet.clock.now_ms + self.period_ms)

    def end(self, fleet: "Fleet") -> None:
        """Let the power be back."""
        BoardFault.end(self, fleet)
        _give_power_back(self)


class LowEntropy(BoardFault):
    """Let a board boot with the random numbers that all boards of this fault have."""

    NAME, NUMBER = "low-entropy", 18
    PARAMETERS = (BoardFault.AGENT,)

    def begin(self, fleet: "Fleet") -> None:
        """Boot it so."""
        BoardFault.begin(self, fleet)
        self.board.entropy = 0
        self.board.cut_power()

    def end(self, fleet: "Fleet") -> None:
        """Let its next boot have its own again, unless another fault still takes it."""
        BoardFault.end(self, fleet)
        self.board.entropy = 0 if self.others() else None


class RadioDead(BoardFault):
    """Let a board's radio send nothing and hear nothing."""

    NAME, NUMBER = "radio-dead", 24
    PARAMETERS = (BoardFault.AGENT,)

    def begin(self, fleet: "Fleet") -> None:
        """Break it."""
        BoardFault.begin(self, fleet)
        self.board.is_radio_dead = True

    def end(self, fleet: "Fleet") -> None:
        """Mend it, unless another fault has broken it too."""
        BoardFault.end(self, fleet)
        self.board.is_radio_dead = bool(self.others())


class Attend(Made):
    """Have a person cycle the power of every agent that left its application out: no fault."""

    NAME, NUMBER = "attend", 0

    def begin(self, fleet: "Fleet") -> None:
        """Do so; an agent that sleeps counts, too."""
        Made.begin(self, fleet)
        for index in fleet.own:
            board = fleet.boards[index]
            if board.status().get("safe_mode"):
                board.cut_power()
                if index not in fleet.attended:
                    fleet.attended.append(index)


def _give_power_back(over: BoardFault) -> None:
    """Let a board boot that a fault left dark, unless another may have cut its power."""
    for fault in over.fleet.active_faults:
        if isinstance(fault, (TornCrash, BrownOutLoop)) and fault.agent == over.agent:
            return
    over.board.restore_power()
