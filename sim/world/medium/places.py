"""Where the agents of a world are: strewn over a plane, on a grid, in a building, or as measured.

Shape of a description, lengths in metres:
    {"kind": "plane", "width_m", "depth_m"}        strewn; without lengths 100 m² per agent
    {"kind": "grid", "columns", "step_m"}          row by row
    {"kind": "building", "floors", "width_m", "depth_m", "room_m", "floor_height_m",
     "wall_db", "floor_db"}                        strewn, floor by floor in turn
    {"kind": "positions", "rows": [[x, y], [x, y, z] …]}  one per agent, z is 0 if left out
"""

from cma_toolkit.firmware.kernel.prng import Prng, seed_from
from cma_toolkit.sim.world.medium.options import (
    COUNT_MAX,
    LENGTH_M_MAX,
    check_decibels,
    check_keys,
    check_length,
    check_whole,
)
from cma_toolkit.sim.world.sensors import parse_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Plain = dict[str, Any]

AREA_M2_PER_AGENT = 100
_KINDS = ("plane", "grid", "building", "positions")
_BUILDING = (
    ("floors", 1),
    ("width_m", 40),
    ("depth_m", 20),
    ("room_m", 5),
    ("floor_height_m", 3),
    ("wall_db", 4),
    ("floor_db", 15),
)
_STEP_M = 10
_KEYS = {
    "plane": ("width_m", "depth_m"),
    "grid": ("columns", "step_m"),
    "building": tuple(key for key, _value in _BUILDING),
    "positions": ("rows",),
}


class Places:
    """Where each agent is, and what stands between two of them.

    Units: `positions_cm` are (x, y, z) in centimetres; a wall or floor weakens by whole dB.
    """

    def __init__(self, kind: str, positions_cm: "list[tuple[int, int, int]]") -> None:
        self.kind = kind
        self.positions_cm = positions_cm
        self.room_cm = self.floor_cm = 0  # 0: there are none
        self.wall_db = self.floor_db = 0

    def square_cm2(self, one: int, other: int) -> int:
        """Return the square of the distance between two agents."""
        x, y, z = self.positions_cm[one]
        a, b, c = self.positions_cm[other]
        return (x - a) * (x - a) + (y - b) * (y - b) + (z - c) * (z - c)

    def walls_between(self, one: int, other: int) -> int:
        """Return how many walls a straight way between two agents goes through."""
        if not self.room_cm:
            return 0
        x, y, _z = self.positions_cm[one]
        a, b, _c = self.positions_cm[other]
        room = self.room_cm
        return abs(x // room - a // room) + abs(y // room - b // room)

    def floors_between(self, one: int, other: int) -> int:
        """Return how many floors are between two agents."""
        if not self.floor_cm:
            return 0
        return abs(self.positions_cm[one][2] - self.positions_cm[other][2]) // self.floor_cm

    def attenuation_db(self, one: int, other: int) -> int:
        """Return by how much walls and floors weaken what one sends to the other."""
        if not self.room_cm:
            return 0
        walls, floors = self.walls_between(one, other), self.floors_between(one, other)
        return walls * self.wall_db + floors * self.floor_db


def make_places(plain: "Plain | None", agents: int, seed: int) -> Places:
    """Return the places that a description asks for, None: a plane.

    Raises: ValueError, as `check_places`.
    """
    plain = plain or {"kind": "plane"}
    check_places(plain, agents)
    kind = plain["kind"]
    rng = Prng(seed_from(seed, "places"))
    if kind == "grid":
        return Places(kind, _grid(plain, agents))
    if kind == "positions":
        return Places(kind, [_point(row) for row in plain["rows"][:agents]])
    if kind == "building":
        return _building(plain, agents, rng)
    side_m = 1
    while side_m * side_m < agents * AREA_M2_PER_AGENT:
        side_m += 1
    width_m, depth_m = plain.get("width_m", side_m), plain.get("depth_m", side_m)
    return Places(kind, [_strewn(width_m, depth_m, rng) for _ in range(agents)])


def check_places(plain: "Plain", agents: int) -> None:
    """Look whether a description of places makes sense.

    Raises: ValueError with one sentence that says what to write instead.
    """
    if not isinstance(plain, dict) or plain.get("kind") not in _KINDS:
        raise ValueError("places: write kind as one of " + ", ".join(_KINDS) + ".")
    kind = plain["kind"]
    what = "places of kind " + kind
    check_keys(what, plain, ("kind",) + _KEYS[kind])
    for key in _KEYS[kind]:
        if key.endswith("_m"):
            check_length(what, plain, key)
        elif key.endswith("_db"):
            check_decibels(what, plain, key)
        elif key != "rows":
            check_whole(what, plain, key, 1, COUNT_MAX)
    if kind == "positions":
        _check_rows(plain.get("rows"), agents)


def _check_rows(rows: object, agents: int) -> None:
    what = "places of kind positions"
    if not isinstance(rows, (list, tuple)) or not rows:
        raise ValueError(what + ": give rows of x and y in metres, one per agent.")
    if len(rows) < agents:
        raise ValueError(f"{what}: {len(rows)} rows for {agents} agents; give one per agent.")
    for number, row in enumerate(rows):
        if not isinstance(row, (list, tuple)) or len(row) not in (2, 3):
            raise ValueError(f"{what}: row {number + 1} is not x, y or x, y, z in metres.")
        for value in row:
            is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not is_number or not -LENGTH_M_MAX <= value <= LENGTH_M_MAX:
                raise ValueError(
                    f"{what}: row {number + 1} has {value!r}; write metres"
                    f" from -{LENGTH_M_MAX} to {LENGTH_M_MAX}."
                )


def _cm(metres: "int | float") -> int:
    return int(metres * 100 + (0.5 if metres >= 0 else -0.5))


def _point(row: "list[int | float]") -> tuple[int, int, int]:
    return _cm(row[0]), _cm(row[1]), _cm(row[2]) if len(row) > 2 else 0


def _strewn(width_m: "int | float", depth_m: "int | float", rng: Prng) -> tuple[int, int, int]:
    return rng.below(_cm(width_m)), rng.below(_cm(depth_m)), 0


def _grid(plain: "Plain", agents: int) -> list[tuple[int, int, int]]:
    columns = plain.get("columns", 0)
    if not columns:
        columns = 1
        while columns * columns < agents:
            columns += 1
    step_cm = _cm(plain.get("step_m", _STEP_M))
    return [(index % columns * step_cm, index // columns * step_cm, 0) for index in range(agents)]


def _building(plain: "Plain", agents: int, rng: Prng) -> Places:
    value = {key: plain.get(key, usual) for key, usual in _BUILDING}
    floor_cm = _cm(value["floor_height_m"])
    positions_cm = []
    for index in range(agents):
        x, y, _z = _strewn(value["width_m"], value["depth_m"], rng)
        positions_cm.append((x, y, index % value["floors"] * floor_cm))
    places = Places("building", positions_cm)
    places.room_cm, places.floor_cm = _cm(value["room_m"]), floor_cm
    places.wall_db, places.floor_db = value["wall_db"], value["floor_db"]
    return places


def positions_from_csv(text: str) -> list[list[object]]:
    """Return the rows of a CSV file of x, y and perhaps z in metres; a heading line is skipped.

    Raises: ValueError that names the line.
    """
    rows: list[list[object]] = []
    lines = text.replace("\r", "").split("\n")
    for number, line in enumerate(lines):
        cells = [cell.strip() for cell in line.split(",")]
        row = [parse_value(cell) for cell in cells]
        if cells == [""] or (number == 0 and isinstance(row[0], str)):
            continue
        if len(row) not in (2, 3) or any(isinstance(value, str) for value in row):
            raise ValueError(f"line {number + 1}: '{line}' is not x,y or x,y,z in metres.")
        rows.append(row)
    if not rows:
        raise ValueError("it has no line with a position: write x,y in metres, one per agent.")
    return rows
