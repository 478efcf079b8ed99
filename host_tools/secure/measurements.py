"""What a board told of what runs on it: a token, and the lists that its digests were made of.

Pure. `on_device/attest.py` makes it; the folding here is a second implementation of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from cma_toolkit.firmware.kernel.secure.token import RUNTIME_BYTES, SETTINGS_BYTES
from cma_toolkit.host_tools.ports.reply import damaged

Entries = tuple[tuple[str, bytes], ...]
IMAGE = "image"
PARTS = BOOTLOADER, TABLE, MICROPYTHON, LOADER = "bootloader", "table", "micropython", "loader"
DIGEST_BYTES = 32


@dataclass(frozen=True)
class Measured:
    """One board's answer.

    Shape: `slot` and `runtime` have digests by what was measured, in the order in which it runs;
    `settings` the values themselves; `about` is what the image says it is, as it is written there.
    """

    token: bytes
    slot: Entries
    settings: Entries
    runtime: Entries
    about: str = ""

    def digests(self) -> tuple[bytes, bytes, bytes]:
        """Return what a token of these lists claims: of the slot, the settings, the runtime."""
        hashed = tuple((key, sha256(value).digest()) for key, value in self.settings)
        return (
            self.slot[0][1] if len(self.slot) == 1 else folded(self.slot),
            folded(hashed)[:SETTINGS_BYTES],
            folded(self.runtime)[:RUNTIME_BYTES],
        )


def folded(entries: Sequence[tuple[str, bytes]]) -> bytes:
    """Return one digest of a list of names and digests.

    Source: SPEC.md, "Attestation".
    """
    return sha256(
        b"".join(sha256(name.encode()).digest() + found for name, found in entries)
    ).digest()


def from_reply(reply: Mapping[str, Any]) -> Measured:
    """Read the reply of the script `attest`.

    Raises: CmaError 5 (the board, its cable) for a reply of another form.
    """
    try:
        slot, settings, runtime = (
            _entries(reply[name]) for name in ("slot", "settings", "runtime")
        )
        measured = Measured(
            bytes.fromhex(reply["token"]), slot, settings, runtime, str(reply["about"])
        )
        _check(measured)
    except (LookupError, TypeError, ValueError) as error:
        raise damaged() from error
    return measured


def _entries(rows: Any) -> Entries:
    entries = tuple((str(name), bytes.fromhex(value)) for name, value in rows)
    if len(dict(entries)) != len(entries):
        raise ValueError
    return entries


def _check(measured: Measured) -> None:
    """Refuse lists that say what nobody would look at.

    Raises: ValueError (the board).
    """
    names = [name for name, _ in measured.runtime]
    files = [name for name, _ in measured.slot[1:]] + names[len(PARTS) :]
    digests = [digest for _, digest in measured.slot + measured.runtime]
    if (
        measured.slot[:1] != ((IMAGE, digests[0]),)
        or names[: len(PARTS)] != [*PARTS]
        or not all(name.startswith("/") for name in files)
        or any(len(digest) != DIGEST_BYTES for digest in digests)
    ):
        raise ValueError
