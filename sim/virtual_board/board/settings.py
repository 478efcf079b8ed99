"""What a board is between two runs of the supervisor: `board.json` in its folder."""

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

FILE = "board.json"
FLASH_FILE = "flash.bin"
RTC_FILE = "rtc.bin"
CONSOLE_FILE = "console.log"
# Beside the boards: what they all share.
AIR_FILE = "air.bin"
# Espressif's; the other three bytes are the board's.
_VENDOR = "a4:cf:12"


@dataclass
class Settings:
    """One board's own values; lengths in metres on a plane, the voltage at the battery."""

    name: str
    board_id: str
    mac: str
    project: str | None = None
    tcp_port: int = 0
    battery_mv: int = 4200
    position_m: tuple[float, float] = (0.0, 0.0)
    range_m: float | None = None
    loss_permille: int = 0
    peers: tuple[str, ...] | None = None

    def save(self, folder: Path) -> None:
        """Write the file; a reader sees the old one or this one."""
        path = folder / FILE
        beside = path.with_suffix(".new")
        beside.write_text(json.dumps(asdict(self), indent=1) + "\n")
        os.replace(beside, path)

    @classmethod
    def load(cls, folder: Path) -> "Settings":
        """Read the file of one board."""
        fields: dict[str, Any] = json.loads((folder / FILE).read_text())
        fields["position_m"] = tuple(fields["position_m"])
        if fields["peers"] is not None:
            fields["peers"] = tuple(fields["peers"])
        return cls(**fields)


def choose_mac(name: str, taken: Iterable[str]) -> str:
    """Return the MAC for a name: the same on every computer, unless another board here has it."""
    taken = set(taken)
    attempt = 0
    while True:
        digest = hashlib.sha256(f"{name}/{attempt}".encode()).digest()
        # The last byte is a multiple of four: a chip's other interfaces have the next ones.
        mac = f"{_VENDOR}:{digest[0]:02x}:{digest[1]:02x}:{digest[2] & 0xFC:02x}"
        if mac not in taken:
            return mac
        attempt += 1
