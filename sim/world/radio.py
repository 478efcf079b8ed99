"""Who hears whom and how well: positions, a range, and frames that are lost by chance.

A frame takes 2 to 4 ms. One for a single neighbour reaches only that one, as on ESP-NOW, and its
sender learns whether it did. Strength falls by 9 dB with each doubling of the distance.
"""

from array import array

from cma_toolkit.firmware.kernel.prng import Prng

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_DELAY_MS_MIN, _DELAY_MS_SPREAD = 2, 3
_DBM_AT_1_M, _DBM_MIN = -40, -100
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
        self._dbm = [
            array("b", [strength_dbm(self._square_m2(index, other)) for other in reach])
            for index, reach in enumerate(self._reach)
        ]

    def _square_m2(self, one: int, other: int) -> int:
        (x, y), (a, b) = self.positions[one], self.positions[other]
        return (x - a) * (x - a) + (y - b) * (y - b)

    def in_reach(self, source: int) -> "Sequence[int]":
        """Return the agents that can hear this one, in order."""
        return self._reach[source]

    def rssi_dbm(self, source: int) -> "Sequence[int]":
        """Return how strongly each of them hears it, in the same order."""
        return self._dbm[source]

    def is_lost(self) -> bool:
        """Decide by chance whether one frame is lost on one path."""
        return self._rng.below(1000) < self._loss_permille

    def delay_ms(self) -> int:
        """Return how long a frame is under way."""
        return _DELAY_MS_MIN + self._rng.below(_DELAY_MS_SPREAD)


def strength_dbm(square_m2: int) -> int:
    """Return how strong a frame is, whole dBm, at a distance whose square is given.

    The logarithm is that of the nearest power of two and an eighth, in whole numbers.
    """
    doublings, rest = 0, max(1, square_m2)
    while rest > 1:
        rest >>= 1
        doublings += 1
    eighths = 8 * doublings + (max(1, square_m2) * 8 >> doublings) - 8
    return max(_DBM_MIN, _DBM_AT_1_M - 9 * eighths // 16)


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
