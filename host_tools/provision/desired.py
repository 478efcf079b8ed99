"""What one board shall hold, worked out from its row. Pure.

The board's names, settings and credentials lie in its NVS, in the namespace `cma`, as blobs: text
as UTF-8, lists and maps as CBOR. Beside them an i32, `revision`, counts the changes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import cbor2

from cma_toolkit.boards.load import Board
from cma_toolkit.boards.render import render_currents, render_pins
from cma_toolkit.host_tools.errors import refused
from cma_toolkit.host_tools.fleet.fleet_file import NETWORK, FleetFile
from cma_toolkit.host_tools.fleet.inventory import Row
from cma_toolkit.host_tools.fleet.secret import Secret
from cma_toolkit.host_tools.image.build import Image

NAMESPACE = "cma"
REVISION_KEY = "revision"
SECRET_KEYS = ("wifi_password",)
# The order in which keys are written and shown: who, where, how.
KEYS = (
    "fleet",
    "name",
    "cluster",
    "labels",
    "board",
    "pins",
    "currents",
    "settings",
    "wifi_ssid",
    "wifi_password",
)
BLOB_BYTES_MAX = 1500  # the firmware reads each into a buffer of 1,536

Stored = bytes | Secret


@dataclass(frozen=True)
class Desired:
    """The keys and the image of one board; a key that is absent here is erased there."""

    name: str
    board_id: str
    chip: str
    keys: Mapping[str, Stored]
    image: Image


def desired(
    row: Row,
    fleet: FleetFile,
    board: Board,
    secrets: Mapping[str, Secret],
    image: Image,
) -> Desired:
    """Work out what the board of a row holds when it is provisioned.

    Raises: CmaError when a row's settings are larger than a board's NVS takes.
    """
    return Desired(row.name, board.id, board.chip, keys_of(row, fleet, board, secrets), image)


def keys_of(
    row: Row, fleet: FleetFile, board: Board, secrets: Mapping[str, Secret]
) -> dict[str, Stored]:
    """Return the values of a board's NVS by their keys.

    Raises: CmaError when a row's settings are larger than a board's NVS takes.
    """
    keys: dict[str, Stored] = {
        "fleet": fleet.name.encode(),
        "name": row.name.encode(),
        "cluster": row.cluster.encode(),
        "labels": encode(list(row.labels)),
        "board": board.id.encode(),
        "pins": encode(render_pins(board)),
        "currents": encode(render_currents(board)),
        "settings": encode({**row.settings, NETWORK: fleet.network}),
    }
    if row.wifi:
        keys["wifi_ssid"] = row.wifi.encode()
        keys["wifi_password"] = secrets[row.wifi]
    for key, value in keys.items():
        if isinstance(value, bytes) and len(value) > BLOB_BYTES_MAX:
            raise refused(
                f"{row.name}: its {key} take {len(value)} bytes, a board keeps {BLOB_BYTES_MAX}. "
                "Shorten them."
            )
    return keys


def encode(value: object) -> bytes:
    """Return a value as deterministic CBOR. Source: RFC 8949, 4.2.1."""
    return cbor2.dumps(value, canonical=True)


def shown(key: str, stored: Stored | None) -> str:
    """Return a key's value for a person: decoded, and never a secret."""
    if stored is None:
        return "nothing"
    if isinstance(stored, Secret) or key in SECRET_KEYS:
        return "***"
    if key in ("labels", "settings", "pins", "currents"):
        try:
            return _shown_cbor(cbor2.loads(stored))
        except (cbor2.CBORError, ValueError):
            return f"{len(stored)} unreadable bytes"
    return stored.decode(errors="replace") or "nothing"


def _shown_cbor(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}={item}" for key, item in value.items()) or "none"
    if isinstance(value, list):
        return " ".join(map(str, value)) or "none"
    return str(value)
