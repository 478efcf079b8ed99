"""What a board holds, as it told us. Pure."""

import binascii
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from cma_toolkit.host_tools.errors import CmaError, verify_failed


@dataclass(frozen=True)
class Kept:
    """What a board keeps of who it is, but for its private keys.

    Shape: `public` and `signer` are its X25519 and its Ed25519 key, `fresh_signer` that of keys
    which nobody certified yet, `orders` the newest list of revocations; b"" for what it has not.
    """

    public: bytes = b""
    signer: bytes = b""
    authority: bytes = b""
    certificate: bytes = b""
    fresh_signer: bytes = b""
    orders: bytes = b""


@dataclass(frozen=True)
class Actual:
    """One board: its numbers, its keys, fingerprints of its secrets, its image.

    `image` is the digest of its image, `application` what that says it is, `shadows` the files
    that would run instead.
    """

    mac: str
    chip: str
    ours: bool
    keys: Mapping[str, int | bytes] = field(default_factory=dict)
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    image: str = ""
    application: str = ""
    shadows: tuple[str, ...] = ()
    kept: Kept = Kept()

    @property
    def fleet(self) -> str:
        """Return the fleet that the board was provisioned for."""
        return self._text("fleet")

    @property
    def name(self) -> str:
        """Return the name that the board bears."""
        return self._text("name")

    @property
    def board_id(self) -> str:
        """Return the kind of board that it was told it is."""
        return self._text("board")

    def _text(self, key: str) -> str:
        value = self.keys.get(key, b"")
        return value.decode(errors="replace") if isinstance(value, bytes) else ""


def from_reply(reply: dict[str, Any], chip: str) -> Actual:
    """Read the reply of the script `provision`.

    Raises: CmaError (the board) for a reply of another form.
    """
    try:
        keys = {
            str(key): value if isinstance(value, int) else binascii.unhexlify(value)
            for key, value in reply["values"].items()
        }
        return Actual(
            mac=str(reply["mac"]),
            chip=chip,
            ours=bool(reply["ours"]),
            keys=keys,
            fingerprints=dict(reply["fingerprints"]),
            image=str(reply["image"]),
            application=str(reply["application"]),
            shadows=tuple(map(str, reply["shadows"])),
            kept=Kept(**{key: bytes.fromhex(value) for key, value in reply["kept"].items()}),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _unreadable() from error


def to_json(actual: Actual) -> dict[str, Any]:
    """Return a board's state as a worker hands it to its parent; secrets are fingerprints."""
    return {
        "mac": actual.mac,
        "chip": actual.chip,
        "ours": actual.ours,
        "values": {
            key: value if isinstance(value, int) else value.hex()
            for key, value in actual.keys.items()
        },
        "fingerprints": dict(actual.fingerprints),
        "image": actual.image,
        "application": actual.application,
        "shadows": list(actual.shadows),
        "kept": {key: value.hex() for key, value in asdict(actual.kept).items()},
    }


def from_json(value: dict[str, Any]) -> Actual:
    """Read what `to_json` wrote."""
    return from_reply(value, value["chip"])


def _unreadable() -> CmaError:
    return verify_failed("The board's answer is damaged. Check its cable and run this again.")
