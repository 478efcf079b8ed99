"""Which row of the inventory is which board. Pure.

A row that names a MAC is that board's. Else an earlier run's binding holds, else the name that the
board itself bears. Only what is left may take a free row, in the order of the inventory, and only
when a person asked for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cma_toolkit.host_tools.fleet.inventory import Row


class How(StrEnum):
    """Why a row is a board's."""

    INVENTORY = "inventory"
    DATABASE = "earlier run"
    BOARD = "the board itself"
    ASSIGNED = "next free row"


@dataclass(frozen=True)
class Seen:
    """A board that answered: who it is, and what it says it is called in our fleet.

    `board_id` is what it was just flashed as; empty if nobody said.
    """

    mac: str
    chip: str
    name: str = ""
    board_id: str = ""


@dataclass(frozen=True)
class Bound:
    """A row for a board."""

    row: Row
    how: How


@dataclass(frozen=True)
class Ledger:
    """Who has which name so far: the inventory, earlier runs, and the chips of the boards."""

    rows: Sequence[Row]
    claims: Mapping[str, str]  # MAC → name
    chips: Mapping[str, str]  # board id → chip

    def bind(self, boards: Sequence[Seen], *, assign: bool) -> dict[str, Bound]:
        """Return the row of each board, by MAC; a board without one is absent."""
        bound: dict[str, Bound] = {}
        for board in boards:
            found = self._known(board)
            # Two boards with one name (a copied flash): the first keeps it.
            if found and all(other.row.name != found.row.name for other in bound.values()):
                bound[board.mac] = found
        for board in boards if assign else ():
            if board.mac not in bound:
                taken = {other.row.name for other in bound.values()}
                row = next((row for row in self._free(board) if row.name not in taken), None)
                if row:
                    bound[board.mac] = Bound(row, How.ASSIGNED)
        return bound

    def next_boards(self) -> dict[str, str]:
        """Return, for each chip, the board id of the next free row that names one."""
        found: dict[str, str] = {}
        for row in self.rows:
            if row.board and not row.mac and not self._owner(row.name):
                found.setdefault(self.chips[row.board], row.board)
        return found

    def free_count(self) -> int:
        """Return how many rows have no board yet."""
        return sum(1 for row in self.rows if not row.mac and not self._owner(row.name))

    def _known(self, board: Seen) -> Bound | None:
        for row in self.rows:
            if row.mac and row.mac == board.mac:
                return Bound(row, How.INVENTORY)
        name = self.claims.get(board.mac)
        recorded = self._row(name, board.mac) if name else None
        if recorded:
            return Bound(recorded, How.DATABASE)
        borne = self._row(board.name, board.mac) if board.name else None
        if borne and self._owner(borne.name) in ("", board.mac):
            return Bound(borne, How.BOARD)
        return None

    def _row(self, name: str, mac: str) -> Row | None:
        return next((row for row in self.rows if row.name == name and row.mac in ("", mac)), None)

    def _free(self, board: Seen) -> list[Row]:
        return [
            row
            for row in self.rows
            if not row.mac and not self._owner(row.name) and self._fits(row, board)
        ]

    def _fits(self, row: Row, board: Seen) -> bool:
        if not row.board:
            return True
        return row.board == board.board_id if board.board_id else self._chip_fits(row, board)

    def _chip_fits(self, row: Row, board: Seen) -> bool:
        return not board.chip or self.chips[row.board] == board.chip

    def _owner(self, name: str) -> str:
        return next((mac for mac, other in self.claims.items() if other == name), "")
