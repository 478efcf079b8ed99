"""A crash with all that belongs to it: what the board kept, its settings, its journal.

As one JSON file it can be sent to whoever is to look at it. The fleet's keys and passwords are not
in it; what the application stored, sensed and heard is. The file may come from anybody, so all of
it is checked when it is read.
"""

import json
import re
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
_MAC = re.compile(r"[0-9a-fA-F]{12}")
_SECTORS_MAX = 1024  # 4 MiB: more than any board's partition has
_NO_CASE = "this is no crash that cma saved"


@dataclass(frozen=True)
class Case:
    """`plain` is what JSON holds: the board's own words. `name` is the board's, as it says it.

    Shape: `sectors` by their numbers, of `sector_count`; 0 for a board that has no journal.
    """

    plain: dict[str, Any]
    recording: Recording
    app_crc: int
    name: str
    identity: Identity
    config: Config
    sector_count: int
    sectors: dict[int, bytes]

    def is_app(self, source: bytes) -> bool:
        """Tell whether that is the file which crashed; True if nobody can tell."""
        known = self.recording.application_id
        if known != (self.app_crc & _CRC_MASK | 1):
            return True  # an application in an image has another number
        return known == (crc32(source) & _CRC_MASK | 1)

    def play(self, app: Path, limit_s: float) -> tuple[Ending, bool]:
        """Play it with an application; tell also whether the journal's past was all there."""
        table, is_exact = Table(), True
        if self.sector_count:
            position = self.recording.position
            table, is_exact = rewind.table_at(  # type: ignore[assignment]
                self.sectors, self.sector_count, position
            )
        player = Player(self.recording, self.identity, self.config, table, app)
        return player.play(limit_s), is_exact


def case_of(plain: Any) -> Case:
    """Read a case.

    Raises: DamagedError that says what is wrong with it.
    """
    try:
        return _case_of(plain)
    except DamagedError:
        raise
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise DamagedError(_NO_CASE) from error


def load(path: Path) -> Case:
    """Read a case from its file.

    Raises: DamagedError that says what is wrong with it, OSError if it cannot be read.
    """
    try:
        plain = json.loads(path.read_text())
    except (ValueError, RecursionError) as error:
        raise DamagedError(_NO_CASE) from error
    return case_of(plain)


def plain_of(reply: dict[str, Any], flash: dict[int, str]) -> dict[str, Any]:
    """Return what JSON holds of a board's replies."""
    return {"format": _FORMAT, **reply, "flash": {str(key): flash[key] for key in flash}}


def _case_of(plain: Any) -> Case:
    number = _whole(plain["format"])
    if number != _FORMAT:
        raise DamagedError(f"its format is {number}, which this version does not know")
    mac = plain["mac"]
    if not _MAC.fullmatch(mac):
        raise DamagedError("its MAC is not twelve hexadecimal digits")
    texts = {key: b64decode(value) for key, value in plain["settings"].items()}
    values = _map(texts, "settings")
    config = Config()
    config.take(values)
    config.take_currents(_map(texts, "currents"))
    name = _text(texts, "name") or "agent-" + mac[6:]
    network = _network(values, _text(texts, "cluster"))
    board = _text(texts, "board") or "unknown"
    count = _whole(plain["sectors"])
    return Case(
        plain,
        recording.read(b64decode(plain["crash"])),
        _whole(plain["app_crc"]),
        name,
        Identity(name, node_id(bytes.fromhex(mac)), network, board),
        config,
        count,
        _sectors(plain["flash"], count),
    )


def _sectors(flash: dict[str, str], count: int) -> dict[int, bytes]:
    if not 0 <= count <= _SECTORS_MAX:
        raise DamagedError("its journal has more sectors than any board")
    found = {int(number): b64decode(data) for number, data in flash.items()}
    for number, data in found.items():
        if not 0 <= number < count or len(data) > rewind.SECTOR_BYTES:
            raise DamagedError("it has a sector that its journal does not have")
    return found


def _whole(value: Any) -> int:
    if not isinstance(value, int):
        raise DamagedError(_NO_CASE)
    return value


def _network(values: dict[str, Any], cluster: str) -> int:
    number = crc32(cluster.encode()) if cluster else 0
    value = values.get("network", number)
    return (value if isinstance(value, int) else number) & 0xFFFF


def _text(settings: dict[str, bytes], key: str) -> str:
    return settings.get(key, b"").decode(errors="replace")


def _map(settings: dict[str, bytes], key: str) -> dict[str, Any]:
    data = settings.get(key, b"")
    try:
        value = cbor.decode(data) if data else {}
    except cbor.CborError as error:
        raise DamagedError(f"its {key} are no CBOR") from error
    return value if isinstance(value, dict) else {}
