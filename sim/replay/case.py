"""A crash with all that belongs to it: what the board kept, its settings, its journal.

As one JSON file it can be sent to whoever is to look at it. No secrets are in it.
"""

import json
from base64 import b64decode
from binascii import crc32
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cma_toolkit.firmware.kernel.codec import cbor
from cma_toolkit.firmware.kernel.codec.frame import node_id
from cma_toolkit.firmware.kernel.config import Config
from cma_toolkit.firmware.kernel.identity import Identity
from cma_toolkit.firmware.kernel.ports import Table
from cma_toolkit.sim.replay import recording, rewind
from cma_toolkit.sim.replay.player import Ending, Player
from cma_toolkit.sim.replay.recording import DamagedError, Recording

_FORMAT = 1
_CRC_MASK = 0x3FFFFFFF


@dataclass(frozen=True)
class Case:
    """`plain` is what JSON holds: the board's own words."""

    plain: dict[str, Any]
    recording: Recording
    settings: dict[str, bytes]

    @property
    def name(self) -> str:
        """The board's name."""
        return _text(self.settings, "name") or "agent-" + str(self.plain["mac"])[6:]

    def is_app(self, source: bytes) -> bool:
        """Tell whether that is the file which crashed; True if nobody can tell."""
        known = self.recording.application_id
        if known != (int(self.plain["app_crc"]) & _CRC_MASK | 1):
            return True  # an application in an image has another number
        return known == (crc32(source) & _CRC_MASK | 1)

    def play(self, app: Path, limit_s: float) -> tuple[Ending, bool]:
        """Play it with an application; tell also whether the journal's past was all there."""
        sectors = {int(number): b64decode(data) for number, data in self.plain["flash"].items()}
        table, is_exact = Table(), True
        if self.plain["sectors"]:
            count, position = int(self.plain["sectors"]), self.recording.position
            table, is_exact = rewind.table_at(sectors, count, position)  # type: ignore[assignment]
        values = _map(self.settings, "settings")
        config = Config()
        config.take(values)
        config.take_currents(_map(self.settings, "currents"))
        identity = Identity(
            self.name,
            node_id(bytes.fromhex(self.plain["mac"])),
            _network(values, _text(self.settings, "cluster")),
            _text(self.settings, "board") or "unknown",
        )
        player = Player(self.recording, identity, config, table, app)
        return player.play(limit_s), is_exact


def case_of(plain: Any) -> Case:
    """Read a case.

    Raises: DamagedError that says what is wrong with it.
    """
    try:
        if plain["format"] != _FORMAT:
            raise DamagedError(
                f"its format is {plain['format']}, which this version does not know"
            )
        settings = {key: b64decode(value) for key, value in plain["settings"].items()}
        return Case(plain, recording.read(b64decode(plain["crash"])), settings)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, DamagedError):
            raise
        raise DamagedError("this is no crash that cma saved") from error


def load(path: Path) -> Case:
    """Read a case from its file.

    Raises: DamagedError that says what is wrong with it.
    """
    try:
        return case_of(json.loads(path.read_text()))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DamagedError("this is no crash that cma saved") from error


def plain_of(reply: dict[str, Any], flash: dict[int, str]) -> dict[str, Any]:
    """Return what JSON holds of a board's replies."""
    return {"format": _FORMAT, **reply, "flash": {str(key): flash[key] for key in flash}}


def _network(values: dict[str, Any], cluster: str) -> int:
    number = crc32(cluster.encode()) if cluster else 0
    value = values.get("network", number)
    return (value if isinstance(value, int) else number) & 0xFFFF


def _text(settings: dict[str, bytes], key: str) -> str:
    return settings.get(key, b"").decode(errors="replace")


def _map(settings: dict[str, bytes], key: str) -> dict[str, Any]:
    data = settings.get(key, b"")
    value = cbor.decode(data) if data else {}
    return value if isinstance(value, dict) else {}
