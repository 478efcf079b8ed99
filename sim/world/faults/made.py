"""What all faults of the menu have in common: parameters with bounds, and streams of their own."""

from cma_toolkit.firmware.kernel.prng import Prng, seed_from
from cma_toolkit.sim.world.faults.base import Fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cma_toolkit.sim.world.fleet import Fleet

    # Name, least, most, what is drawn at least and at most, default.
    Parameter = tuple[str, int, int, int, int, int]

AGENTS_MAX = 1_000_000


class Made(Fault):
    """A fault that is made from plain data.

    Shape: `values` holds start_ms, end_ms and any of PARAMETERS, each within its bounds.
    """

    PARAMETERS: "tuple[Parameter, ...]" = ()

    def __init__(self, values: "dict[str, Any]") -> None:
        self.start_ms: int = values["start_ms"]
        self.end_ms: int = values["end_ms"]
        self.is_over = False
        told = []
        for row in self.PARAMETERS:
            setattr(self, row[0], values.get(row[0], row[5]))
            told.append(f"{row[0]}={getattr(self, row[0])}")
        self._text = " ".join(told)
        self._streams: dict[int, Prng] = {}

    def describe(self) -> str:
        """Return the parameters by name."""
        return self._text

    def begin(self, fleet: "Fleet") -> None:
        """Start in a fleet."""
        self.fleet = fleet
        self._seed = seed_from(fleet.seed, "fault", self.NAME, self.start_ms, self._text)

    def end(self, fleet: "Fleet") -> None:
        """Stop."""
        self.is_over = True

    def stream(self, agent: int) -> Prng:
        """Return the random numbers for one agent: what another does never changes them.

        Of a frame on its way they are those of who hears it.
        """
        if agent not in self._streams:
            self._streams[agent] = Prng(seed_from(self._seed, agent))
        return self._streams[agent]

    def chance(self, agent: int, permille: int) -> bool:
        """Decide by chance, for something of one agent."""
        return self.stream(agent).below(1000) < permille

    def left_ms(self) -> int:
        """Return how long the fault is still on: no frame is held for longer."""
        return max(0, self.end_ms - self.fleet.clock.now_ms)

    def picks(self, one: int, other: int, permille: int) -> bool:
        """Tell whether a pair of agents is among those chosen for the whole life of the fault."""
        return seed_from(self._seed, "pair", one, other) % 1000 < permille


class BoardFault(Made):
    """A fault of one board."""

    agent: int
    AGENT: "Parameter" = ("agent", 0, AGENTS_MAX, 0, AGENTS_MAX, 0)

    def begin(self, fleet: "Fleet") -> None:
        """Start on that board."""
        Made.begin(self, fleet)
        self.board = fleet.boards[self.agent]

    def others(self) -> "list[BoardFault]":
        """Return the faults of this kind that are on on the same board, too."""
        return [
            fault
            for fault in self.fleet.active_faults
            if fault is not self
            and isinstance(fault, BoardFault)
            and (fault.NAME, fault.agent) == (self.NAME, self.agent)
        ]

    def at_times(self, count: int) -> None:
        """Have `on_time` called so many times, at instants drawn from the fault's span."""
        rng, span_ms = self.stream(self.agent), max(1, self.end_ms - self.start_ms)
        for _ in range(count):
            self.call_at(self.start_ms + rng.below(min(span_ms, 1 << 29)))

    def call_at(self, at_ms: int) -> None:
        """Have `on_time` called at an instant."""
        self.fleet.call_fault_at(at_ms, self, self.agent)

    def on_time(self, fleet: "Fleet", index: int) -> None:
        """Do what falls due, unless the fault is over."""
        if not self.is_over:
            self.strike()

    def strike(self) -> None:
        """Do it."""
