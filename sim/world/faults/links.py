"""Faults of whole links: who can no longer reach whom, and whose frames pile up on the way."""

from cma_toolkit.firmware.kernel.prng import Prng, seed_from
from cma_toolkit.sim.world.faults.made import BoardFault, Made

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cma_toolkit.sim.world.faults.base import Paths
    from cma_toolkit.sim.world.fleet import Fleet

# The shapes of a partition.
HALVES, ANY, PLACE = range(3)


class Asymmetric(Made):
    """Break some links in one direction: who is heard does not hear."""

    NAME, NUMBER = "asymmetric", 7
    PARAMETERS = (("permille", 1, 1000, 50, 400, 200),)
    permille: int

    def on_air(self, source: int, target: int, data: bytes, paths: "Paths") -> None:
        """Lose it, if its direction is one of the broken."""
        # Of each pair at most one direction: else the link would be gone.
        low, high = min(source, target), max(source, target)
        if self.picks(low, high, self.permille):
            is_up = seed_from(self._seed, "way", low, high) & 1
            if (source < target) == bool(is_up):
                del paths[:]


class Clog(Made):
    """Let frames on some links pile up for a while and then arrive all at once."""

    NAME, NUMBER = "clog", 8
    PARAMETERS = (
        ("permille", 1, 1000, 100, 600, 300),
        ("span_ms", 1, 60_000, 100, 5_000, 2_000),
        ("period_ms", 1, 600_000, 5_000, 30_000, 10_000),
    )
    permille: int
    span_ms: int
    period_ms: int

    def on_air(self, source: int, target: int, data: bytes, paths: "Paths") -> None:
        """Hold it until its link is free again."""
        if not self.picks(source, target, self.permille):
            return
        shift_ms = seed_from(self._seed, "shift", source, target) % self.period_ms
        phase_ms = (self.fleet.clock.now_ms + shift_ms) % self.period_ms
        left_ms = min(self.span_ms - phase_ms, self.left_ms())
        if left_ms > 0:
            _hold_until(paths, left_ms)


class Partition(Made):
    """Divide the fleet: by number, by chance, or by place; in both directions, or in one."""

    NAME, NUMBER = "partition", 9
    PARAMETERS = (("shape", HALVES, PLACE, HALVES, PLACE, ANY), ("is_one_way", 0, 1, 0, 1, 0))
    shape: int
    is_one_way: int

    def begin(self, fleet: "Fleet") -> None:
        """Choose the sides."""
        Made.begin(self, fleet)
        count = len(fleet.boards)
        if self.shape == PLACE:
            places = fleet.places.positions_cm
            middle = sorted([place[0] for place in places])[count // 2]
            self._sides = bytearray([1 if place[0] >= middle else 0 for place in places])
        elif self.shape == HALVES:
            self._sides = bytearray([1 if 2 * index >= count else 0 for index in range(count)])
        else:
            self._sides = bytearray([seed_from(self._seed, "side", n) & 1 for n in range(count)])

    def on_air(self, source: int, target: int, data: bytes, paths: "Paths") -> None:
        """Lose what would cross."""
        sides = self._sides
        if sides[source] != sides[target] and not (self.is_one_way and sides[source]):
            del paths[:]


class Isolate(BoardFault):
    """Cut off one agent; of one way, it only cannot be heard."""

    NAME, NUMBER = "isolate", 10
    PARAMETERS = (BoardFault.AGENT, ("is_one_way", 0, 1, 0, 1, 0))
    is_one_way: int

    def on_air(self, source: int, target: int, data: bytes, paths: "Paths") -> None:
        """Lose what is from or for it."""
        if source == self.agent or (target == self.agent and not self.is_one_way):
            del paths[:]


class SwizzleClog(Made):
    """Clog agent after agent, then free one after another in another order.

    Source: FoundationDB, "Simulation and Testing": swizzle-clogging.
    """

    NAME, NUMBER = "swizzle-clog", 11
    PARAMETERS = (("permille", 1, 1000, 200, 1000, 500),)
    permille: int

    def begin(self, fleet: "Fleet") -> None:
        """Draw both orders: half of the span is for the one, the rest for the other."""
        Made.begin(self, fleet)
        count = len(fleet.boards)
        chosen = [index for index in range(count) if self.picks(index, -1, self.permille)]
        half_ms = (self.end_ms - self.start_ms) // 2
        self._from_ms = [-1] * count
        self._until_ms = [-1] * count
        stops, frees = _shuffled(chosen, self.stream(0)), _shuffled(chosen, self.stream(1))
        for place in range(len(chosen)):
            after_ms = half_ms * place // len(chosen)
            self._from_ms[stops[place]] = self.start_ms + after_ms
            self._until_ms[frees[place]] = self.start_ms + half_ms + after_ms

    def on_air(self, source: int, target: int, data: bytes, paths: "Paths") -> None:
        """Hold it until both its ends are free."""
        now_ms = self.fleet.clock.now_ms
        left_ms = 0
        for index in (source, target):
            if 0 <= self._from_ms[index] <= now_ms:
                left_ms = max(left_ms, self._until_ms[index] - now_ms)
        if left_ms:
            _hold_until(paths, left_ms)


def _hold_until(paths: "Paths", least_ms: int) -> None:
    for place in range(len(paths)):
        delay_ms, rssi_dbm, content = paths[place]
        paths[place] = (max(delay_ms, least_ms), rssi_dbm, content)


def _shuffled(items: list[int], rng: Prng) -> list[int]:
    mixed = list(items)
    for place in range(len(mixed) - 1, 0, -1):
        other = rng.below(place + 1)
        mixed[place], mixed[other] = mixed[other], mixed[place]
    return mixed
