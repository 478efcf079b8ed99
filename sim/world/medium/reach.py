"""Who hears whom in a place, how strongly, and how many frames fade on the way.

Strength falls by 9 dB with each doubling of the distance. A wall makes a way longer: it weakens as
so much more distance would, so that one range in metres says how far a radio reaches. Toward the
end of its reach more and more frames fade, with the fourth power of the distance.
"""

from array import array

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from cma_toolkit.sim.world.medium.places import Places

_DBM_AT_1_M, _DBM_MIN = -40, -100
_DB_PER_DOUBLING = 9
# 256 * 2 ** (n / 9): the square of a distance doubles in nine steps, two of them for each dB.
_GROWTH = (256, 276, 299, 323, 348, 376, 406, 439, 474)
_CM2_PER_M2 = 10_000


class Paths:
    """Who hears one agent, in order, how strongly, and how many of a thousand frames fade."""

    def __init__(self, agents: list[int], dbm: list[int], loss_permille: list[int]) -> None:
        self.agents: array[int] = array("I", agents)
        self.dbm: array[int] = array("b", dbm)
        self.loss_permille: array[int] = array("H", loss_permille)


class Reach:
    """The paths between the agents of one world; each agent's are made when first asked for.

    Units: `range_m` in metres, 0 for "all hear all"; `loss_permille` of frames fade on every path,
    `edge_loss_permille` more at the end of the range. With `is_own`, of a part of a world, paths
    lead from all agents to its own.
    """

    def __init__(
        self,
        places: "Places",
        range_m: int,
        loss_permille: int,
        edge_loss_permille: int,
        is_own: "bytearray | None" = None,
    ) -> None:
        self._places = places
        self._is_own = is_own
        self._count = len(places.positions_cm)
        self._range_cm = range_m * 100
        self.loss_permille = loss_permille
        self._edge_loss_permille = edge_loss_permille
        self._cells = self._sort_into_cells() if range_m else {}
        self._paths: list[Paths | None] = [None] * self._count

    def paths(self, source: int) -> Paths:
        """Return the paths from an agent to those that hear it."""
        found = self._paths[source]
        if found is None:
            found = self._paths[source] = self._find(source)
        return found

    def put(self, source: int, paths: Paths) -> None:
        """Have these be the paths from an agent, whatever its place."""
        self._paths[source] = paths

    def place(self, source: int, target: int) -> int:
        """Return where in the paths of a source an agent is, -1 if it does not hear it."""
        heard_by = self.paths(source).agents
        low, high = 0, len(heard_by)
        while low < high:
            middle = (low + high) // 2
            if heard_by[middle] < target:
                low = middle + 1
            else:
                high = middle
        return low if low < len(heard_by) and heard_by[low] == target else -1

    def _find(self, source: int) -> Paths:
        heard_by: list[int] = []
        strengths: list[int] = []
        losses: list[int] = []
        square_max = self._range_cm * self._range_cm
        for other in self._candidates(source):
            if self._is_own is not None and not self._is_own[other]:
                continue
            square = self._square(source, other)
            if other != source and (not square_max or square <= square_max):
                heard_by.append(other)
                strengths.append(strength_dbm(square // _CM2_PER_M2))
                losses.append(self._loss(square, square_max))
        return Paths(heard_by, strengths, losses)

    def _square(self, one: int, other: int) -> int:
        square_cm2 = self._places.square_cm2(one, other)
        return longer(square_cm2, self._places.attenuation_db(one, other))

    def is_between(self, one: int, other: int) -> bool:
        """Tell whether two agents, of any part, hear each other."""
        square_max = self._range_cm * self._range_cm
        return one != other and (not square_max or self._square(one, other) <= square_max)

    def around(self, agent: int) -> "list[int]":
        """Return who is in reach of an agent, of all parts."""
        return [other for other in self._candidates(agent) if self.is_between(agent, other)]

    def _loss(self, square: int, square_max: int) -> int:
        edge = 0
        if square_max:
            edge = self._edge_loss_permille * square * square // (square_max * square_max)
        return 1000 - (1000 - self.loss_permille) * (1000 - edge) // 1000

    def _candidates(self, source: int) -> "Sequence[int]":
        if not self._range_cm:
            return range(self._count)
        column, row = self._cell(source)
        near: list[int] = []
        for x in (column - 1, column, column + 1):
            for y in (row - 1, row, row + 1):
                near += self._cells.get((x, y), ())
        return sorted(near)

    def _cell(self, agent: int) -> tuple[int, int]:
        x, y, _z = self._places.positions_cm[agent]
        return x // self._range_cm, y // self._range_cm

    def _sort_into_cells(self) -> "dict[tuple[int, int], list[int]]":
        cells: dict[tuple[int, int], list[int]] = {}
        for agent in range(self._count):
            cells.setdefault(self._cell(agent), []).append(agent)
        return cells


def longer(square: int, attenuation_db: int) -> int:
    """Return the square of the distance at which a frame is as much weaker in the open."""
    ninths = 2 * attenuation_db
    return (square * _GROWTH[ninths % _DB_PER_DOUBLING] << ninths // _DB_PER_DOUBLING) >> 8


def strength_dbm(square_m2: int) -> int:
    """Return how strong a frame is, whole dBm, at a distance whose square is given.

    The logarithm is that of the nearest power of two and an eighth, in whole numbers.
    """
    doublings, rest = 0, max(1, square_m2)
    while rest > 1:
        rest >>= 1
        doublings += 1
    eighths = 8 * doublings + (max(1, square_m2) * 8 >> doublings) - 8
    return max(_DBM_MIN, _DBM_AT_1_M - _DB_PER_DOUBLING * eighths // 16)
