"""A user's project: its folder, its three files, and all of them checked together."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cma_toolkit.boards.errors import BoardFileError
from cma_toolkit.boards.load import Board, list_boards
from cma_toolkit.host_tools.errors import usage
from cma_toolkit.host_tools.fleet.database import Database
from cma_toolkit.host_tools.fleet.fleet_file import FLEET_FILE, FleetFile, load_fleet
from cma_toolkit.host_tools.fleet.inventory import INVENTORY_FILE, Row, load_inventory
from cma_toolkit.host_tools.fleet.secret import Secret
from cma_toolkit.host_tools.fleet.secrets_file import SECRETS_FILE, load_secrets
from cma_toolkit.host_tools.fleet.strict import nearest

STATE_FOLDER = ".cma"
APPLICATION = "app.py"


@dataclass(frozen=True)
class Project:
    """A project that was read and found consistent."""

    folder: Path
    fleet: FleetFile
    rows: tuple[Row, ...]
    secrets: Mapping[str, Secret]
    boards: Mapping[str, Board]

    @property
    def database(self) -> Path:
        """Return where the project's fleet database lies."""
        return self.folder / STATE_FOLDER / "fleet.db"

    @property
    def board_ids(self) -> dict[str, str]:
        """Return the board id of each MAC that the inventory or an earlier run knows."""
        ids = {row.mac: row.board for row in self.rows if row.mac and row.board}
        if self.database.exists():
            with Database(self.database) as database:
                known = {board.mac: board.board for board in database.boards() if board.board}
            ids = {**known, **ids}
        return ids

    def row(self, name: str) -> Row | None:
        """Return the inventory's row of that name."""
        return next((row for row in self.rows if row.name == name), None)


def find_folder(start: Path) -> Path | None:
    """Return the nearest folder from `start` upwards that holds a fleet.toml."""
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / FLEET_FILE).is_file():
            return folder
    return None


def need_folder(start: Path) -> Path:
    """Return the project's folder around `start`.

    Raises: CmaError when there is none.
    """
    folder = find_folder(start)
    if folder is None:
        raise usage(
            f"no {FLEET_FILE} here or in a folder above. "
            "Start a project with: cma new NAME, and run this inside it."
        )
    return folder


def load_project(folder: Path, inventory: Path | None = None) -> Project:
    """Read and check everything a project says, before anything is written anywhere.

    Raises: CmaError (the files' author).
    """
    fleet = load_fleet(folder / FLEET_FILE)
    boards = {board.id: board for board in _boards(folder)}
    if fleet.board and fleet.board not in boards:
        raise usage(
            f'{FLEET_FILE}: board = "{fleet.board}" is unknown{nearest(fleet.board, boards)}'
        )
    rows = load_inventory(inventory or folder / INVENTORY_FILE, fleet, boards)
    secrets = load_secrets(folder / SECRETS_FILE)
    _check_passwords(rows, secrets)
    return Project(folder, fleet, tuple(rows), secrets, boards)


def _boards(folder: Path) -> list[Board]:
    try:
        return list_boards(folder)
    except BoardFileError as error:
        raise usage(str(error)) from error


def _check_passwords(rows: list[Row], secrets: Mapping[str, Secret]) -> None:
    for row in rows:
        if row.wifi and row.wifi not in secrets:
            raise usage(
                f'no password for the Wi-Fi "{row.wifi}" of {row.name}. '
                f'Put it in {SECRETS_FILE}, below [wifi]: "{row.wifi}" = "…"'
            )
