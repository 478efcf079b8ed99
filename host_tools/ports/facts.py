"""What a board told of itself, in the words of a list. Pure.

The reply of `on_device/probe.py` in, one line or one JSON object out.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from cma_toolkit.host_tools.ports.reply import damaged

_CHIP = re.compile(r"ESP32-?(?:[SCHP]\d+)?", re.IGNORECASE)
MIB = 1 << 20


@dataclass(frozen=True)
class Facts:
    """One board: None and empty mean that it could not tell."""

    chip: str = ""
    machine: str = ""
    mac: str = ""
    flash_bytes: int | None = None
    micropython: str = ""
    files: int = 0
    files_complete: bool = True
    flashed_by_us: bool = False
    name: str = ""
    cluster: str = ""
    board_id: str = ""
    pins: dict[str, Any] = field(default_factory=dict)

    def words(self) -> list[str]:
        """Return what follows the port in a line of `cma devices`."""
        size = f"{self.flash_bytes // MIB} MB" if self.flash_bytes else "? MB"
        return [self.chip or "?", size, f"MicroPython {self.micropython}", self.standing()]

    def standing(self) -> str:
        """Return whose the board is."""
        if self.name:
            return f"{self.name}, cluster {self.cluster}" if self.cluster else self.name
        if self.flashed_by_us:
            return "flashed, not provisioned"
        count = f"{self.files} file{'s' if self.files != 1 else ''}"
        return f"{'' if self.files_complete else 'over '}{count}, not managed"

    def as_json(self) -> dict[str, Any]:
        """Return it for `--output json`."""
        return {
            "chip": self.chip,
            "mac": self.mac,
            "flash_bytes": self.flash_bytes,
            "micropython": self.micropython,
            "files": self.files,
            "managed": bool(self.name),
            "flashed": self.flashed_by_us,
            "name": self.name,
            "cluster": self.cluster,
            "board": self.board_id,
        }


def facts_of(reply: dict[str, Any]) -> Facts:
    """Read the reply of the probe.

    Raises: CmaError 5 (the board, its cable) for a reply of another form.
    """
    try:
        facts = _facts_of(reply)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise damaged() from error
    kinds = [type(value) for value in (facts.machine, facts.mac, facts.micropython)]
    counts = (facts.flash_bytes or 0, facts.files)
    if kinds != [str] * 3 or not all(type(count) is int and count >= 0 for count in counts):
        raise damaged()
    return facts


def _facts_of(reply: dict[str, Any]) -> Facts:
    settings = {key: bytes.fromhex(value) for key, value in (reply["nvs"] or {}).items()}
    return Facts(
        chip=chip_of(reply["machine"] or ""),
        machine=reply["machine"] or reply["platform"],
        mac=reply["mac"] or "",
        flash_bytes=reply["flash_bytes"] or _flash_from(reply["partitions"]),
        micropython=version_text(reply["version"]),
        files=reply["files"],
        files_complete=bool(reply["files_complete"]),
        flashed_by_us=reply["nvs"] is not None,
        name=_text(settings.get("name")),
        cluster=_text(settings.get("cluster")),
        board_id=_text(settings.get("board")),
        pins=_map(settings.get("pins")),
    )


def chip_of(machine: str) -> str:
    """Return the chip as our board files name it: the last one that the text mentions."""
    found = _CHIP.findall(machine)
    return found[-1].lower().replace("-", "") if found else ""


def version_text(version: list[int]) -> str:
    """Return a version as MicroPython writes it: 1.28, but 1.28.1."""
    numbers = version if len(version) > 2 and version[2] else version[:2]
    return ".".join(str(number) for number in numbers)


def _flash_from(partitions: list[list[Any]] | None) -> int | None:
    # Flash chips come in powers of two: the smallest that holds every partition.
    end = max((offset + size for *_names, offset, size in partitions or ()), default=0)
    return 1 << (end - 1).bit_length() if end else None


def _text(value: bytes | None) -> str:
    return (value or b"").decode(errors="replace")


def _map(value: bytes | None) -> dict[str, Any]:
    import cbor2

    if not value:
        return {}
    try:
        found = cbor2.loads(value)
    except (cbor2.CBORDecodeError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
