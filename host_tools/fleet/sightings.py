"""What the fleet database has of the air: who was heard last when, how well, and by whom."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields

from cma_toolkit.host_tools.fleet.database import Database


@dataclass(frozen=True)
class Sighting:
    """What an edge heard of a board, and what the board told of its neighbours.

    Units: Unix seconds; permille of its frames get lost on the way to the edge, -1: not known;
    `neighbours` -1 and `battery_mv` 0: it did not tell.
    """

    mac: str
    heard_at_s: int
    loss_permille: int = -1
    neighbours: int = -1
    battery_mv: int = 0


_KEYS = [field.name for field in fields(Sighting)]
_FRESH = ", ".join(
    f"{key} = iif(excluded.{key} = {unknown}, {key}, excluded.{key})"
    for key, unknown in zip(_KEYS[2:], (-1, -1, 0), strict=True)
)


class Sightings:
    """The sightings of a fleet.

    Raises: CmaError 4, from every method, as the database does.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, seen: Sequence[Sighting], links: Mapping[tuple[str, str], int] | None = None
    ) -> None:
        """Remember boards, and of pairs of them that the first one hears the other, since when.

        What is not known now stays as it was known last.
        """
        marks = ", ".join("?" for _ in _KEYS)
        with self._database.transaction() as db:
            db.executemany(
                f"INSERT INTO sightings ({', '.join(_KEYS)}) VALUES ({marks})"
                f" ON CONFLICT (mac) DO UPDATE SET heard_at_s = excluded.heard_at_s, {_FRESH}",
                [astuple(each) for each in seen],
            )
            db.executemany(
                "INSERT OR REPLACE INTO links (hearer, heard, heard_at_s) VALUES (?, ?, ?)",
                [(*pair, at_s) for pair, at_s in (links or {}).items()],
            )

    def all(self) -> dict[str, Sighting]:
        """Return what was seen last of each board, by MAC address."""
        rows = self._database.read(f"SELECT {', '.join(_KEYS)} FROM sightings")
        return {row["mac"]: Sighting(*row) for row in rows}

    def links(self, since_s: int = 0) -> set[tuple[str, str]]:
        """Return the pairs of boards of which the first one was seen to hear the other since."""
        query = "SELECT hearer, heard FROM links WHERE heard_at_s >= ?"
        rows = self._database.read(query, since_s)
        return {(row["hearer"], row["heard"]) for row in rows}
