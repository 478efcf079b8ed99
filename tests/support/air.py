"""The air of a world without its agents: a test sends, lets time pass, and sees what came."""

from dataclasses import dataclass, field

from cma_toolkit.sim.world.medium.places import Places, make_places
from cma_toolkit.sim.world.medium.radio import ALL, Radio
from cma_toolkit.sim.world.medium.reach import Reach


@dataclass
class Air:
    """Some agents that always listen, unless they are deaf, in the places that are given."""

    rows: list[list[int]]
    range_m: int = 0
    loss_permille: int = 0
    seed: int = 1
    at_ms: int = 0
    arrived: list[tuple[int, int, int, bytes]] = field(default_factory=list)
    failed: list[tuple[int, int]] = field(default_factory=list)
    deaf: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.places: Places = make_places(
            {"kind": "positions", "rows": self.rows}, len(self.rows), self.seed
        )
        reach = Reach(self.places, self.range_m, self.loss_permille, 0)
        self.radio = Radio(self, reach, len(self.rows), self.seed)  # type: ignore[arg-type]
        self.turns: set[int] = set()

    def send(self, source: int, data: bytes, target: int = ALL) -> None:
        """Queue a frame now."""
        self.radio.send(source, target, data)

    def run(self, span_ms: int) -> None:
        """Let time pass."""
        end_ms = self.at_ms + span_ms
        while self.turns and min(self.turns) <= end_ms:
            self.at_ms = min(self.turns)
            self.turns.remove(self.at_ms)
            self.radio.turn(self.at_ms)
        self.at_ms = end_ms

    def heard(self, target: int) -> list[bytes]:
        """Return what one agent heard, in order."""
        return [data for _at_ms, _source, who, data in self.arrived if who == target]

    def counts(self, name: str) -> list[int]:
        """Return one count of every agent."""
        return [self.radio.counts(agent)[name] for agent in range(len(self.rows))]

    # --- what the radio asks ---

    def now_ms(self) -> int:
        """Return the instant."""
        return self.at_ms

    def turn_at(self, at_ms: int) -> None:
        """Have a turn."""
        assert at_ms > self.at_ms
        self.turns.add(at_ms)

    def is_listening(self, index: int) -> bool:
        """Tell whether an agent hears."""
        return index not in self.deaf

    def on_sending(self, index: int) -> None:
        """Have power for all that is sent."""

    def fail(self, source: int) -> None:
        """Note that a frame was taken by nobody."""
        self.failed.append((self.at_ms, source))

    def hand_over(self, source: int, target: int, _dbm: int, data: bytes) -> bool:
        """Note that a frame came."""
        if target in self.deaf:
            return False
        self.arrived.append((self.at_ms, source, target, data))
        return True
