"""The list of virtual boards that other programs read: `registry.json` in the home.

The supervisor replaces the file as a whole at every change, so a reader sees one list or the
next, never half of one. Entries of a supervisor that is gone are dropped when the file is read.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from cma_toolkit.sim.virtual_board.supervisor.home import REGISTRY, find_home, supervisor_lives

STATES = ("off", "no-power", "reset", "rom", "boot-loop", "running", "asleep")


@dataclass(frozen=True)
class BoardInfo:
    """What others may know of one virtual board.

    `url`, `pty` and `fast` are its endpoints; the first two are empty while it is off. `client`
    says who has its serial port open. `boot_count` and `event_count` count its boots and all that
    happened to it in this supervisor. `output_dropped_bytes` is what a reader that stopped
    reading has lost, `pid` the supervisor's process.
    """

    name: str
    board_id: str
    chip: str
    mac: str
    url: str
    pty: str
    fast: str
    state: str
    image: str
    folder: str
    flash_size_bytes: int
    usb: str = ""
    client: str = ""
    pid: int = 0
    boot_count: int = 0
    event_count: int = 0
    led: bool = False
    battery_mv: int = 0
    output_dropped_bytes: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON knows them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> "BoardInfo":
        """Make the record of a JSON object; fields of a later version are left out."""
        known = {name: fields[name] for name in cls.__dataclass_fields__ if name in fields}
        return cls(**known)


def write_registry(home: Path, boards: Iterable[BoardInfo]) -> None:
    """Replace the registry by the boards there are now."""
    text = json.dumps([board.to_dict() for board in boards], indent=1)
    path = home / REGISTRY
    beside = path.with_suffix(".new")
    beside.write_text(text + "\n")
    os.replace(beside, path)


def read_registry(home: Path | None = None) -> list[BoardInfo]:
    """Return the boards of a home; without a supervisor each of them is off."""
    home = find_home(home)
    try:
        entries = json.loads((home / REGISTRY).read_text())
    except FileNotFoundError:
        return []
    boards = [BoardInfo.from_dict(entry) for entry in entries]
    if supervisor_lives(home):
        return boards
    return [
        replace(board, state="off", url="", pty="", client="", pid=0, led=False)
        for board in boards
        if Path(board.folder).is_dir()
    ]


def live_boards(home: Path | None = None) -> list[BoardInfo]:
    """Return the boards that are plugged in now: those whose endpoints answer."""
    return [board for board in read_registry(home) if board.state != "off"]
