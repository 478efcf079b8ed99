"""Who hears whom: positions, a range, and frames that are lost by chance.

A frame takes 2 to 4 ms. One for a single neighbour reaches only that one, as on ESP-NOW, and its
sender learns whether it did.
"""

from cma_toolkit.firmware.kernel.prng import Prng

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_DELAY_MS_MIN, _DELAY_MS_SPREAD = 2, 3
AREA_M2_PER_AGENT = 100  # of the square in which agents without positions are strewn


class Radio:
    """The air between the agents of one world.

    Units: `range_m` in metres, 0 for "all hear all"; `loss_permille` of the frames on each path.
    """

    def __init__(self, count: int, rng: Prng, range_m: int = 0, loss_permille: int = 0) -> None:
        self._rng = rng
        self._loss_permille = loss_permille
        self.positions = _strew(count, rng)
        self._reach = [_in_range(self.positions, index, range_m) for index in range(count)]

    def in_reach(self, source: int) -> "Sequence[int]":
        """Return the agents that can hear this one, in order."""
        return self._reach[source]

    def is_lost(self) -> bool:
        """Decide by chance whether one frame is lost on one path."""
        return self._rng.below(1000) < self._loss_permille

    def delay_ms(self) -> int:
        """Return how long a frame is under way."""
        return _DELAY_MS_MIN + self._rng.below(_DELAY_MS_SPREAD)


def _strew(count: int, rng: Prng) -> list[tuple[int, int]]:
    side_m = 1
    while side_m * side_m < count * AREA_M2_PER_AGENT:
        side_m += 1
    return [(rng.below(side_m), rng.below(side_m)) for _ in range(count)]


def _in_range(positions: list[tuple[int, int]], index: int, range_m: int) -> list[int]:
    x, y = positions[index]
    square = range_m * range_m
    return [
        other
        for other in range(len(positions))
        if other != index
        and (
            not range_m
            or (positions[other][0] - x) ** 2 + (positions[other][1] - y) ** 2 <= square
        )
    ]
