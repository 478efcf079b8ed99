"""Full-flash backups on this computer: `<mac>.bin`, and its SHA-256 as `sha256sum -c` reads it.

A backup holds what the board keeps secret, its Wi-Fi password among it: only its owner may read
it. A backup is never overwritten: another state of the same board becomes `<mac>-2.bin`.
"""

import contextlib
import re
from hashlib import sha256
from pathlib import Path

from cma_toolkit.boards.flash_map import TABLE_OFFSET
from cma_toolkit.host_tools.errors import usage, verify_failed
from cma_toolkit.host_tools.flash.store import write_atomically
from cma_toolkit.host_tools.image import app_image
from cma_toolkit.host_tools.image.chips import BOOTLOADER_OFFSETS
from cma_toolkit.host_tools.image.errors import ImageError

OWNER_ONLY, OWNER_ONLY_FOLDER = 0o600, 0o700
_NAME = re.compile(r"([0-9a-f]{12})(?:-(\d+))?\.bin")


def backups_of(folder: Path, mac: str) -> list[Path]:
    """Return the backups of a board, the oldest first."""
    plain = mac.replace(":", "")
    found = [(path, _NAME.fullmatch(path.name)) for path in folder.glob(f"{plain}*.bin")]
    numbered = [(int(match[2] or 1), path) for path, match in found if match]
    return [path for _, path in sorted(numbered)]


def save(folder: Path, mac: str, data: bytes) -> Path:
    """Keep a backup and read it back; one that is there already with these bytes is used.

    Raises: CmaError if what was read back differs.
    """
    digest = sha256(data).hexdigest()
    known = backups_of(folder, mac)
    for path in known:
        if digest_of(path) == digest:
            return path
    folder.mkdir(parents=True, exist_ok=True, mode=OWNER_ONLY_FOLDER)
    number = f"-{len(known) + 1}" if known else ""
    path = folder / f"{mac.replace(':', '')}{number}.bin"
    # The sum first: a backup without one would look like a stranger's file.
    write_atomically(sum_path(path), f"{digest}  {path.name}\n".encode(), OWNER_ONLY)
    write_atomically(path, data, OWNER_ONLY)
    load(path)
    return path


def load(path: Path) -> bytes:
    """Return a backup's bytes, checked against their recorded SHA-256.

    Raises: CmaError.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise usage(f"{path}: {error.strerror}. Name a backup that cma adopt made.") from error
    wanted = digest_of(path)
    if wanted and sha256(data).hexdigest() != wanted:
        raise verify_failed(
            f"{path} is damaged: its SHA-256 is not the one in {sum_path(path).name}. "
            "Use another copy of it."
        )
    return data


def digest_of(path: Path) -> str:
    """Return the recorded SHA-256 of a backup; empty if there is no record."""
    try:
        return sum_path(path).read_text().split()[0]
    except (OSError, IndexError):
        return ""


def sum_path(path: Path) -> Path:
    """Return where a backup's SHA-256 is recorded."""
    return path.with_name(f"{path.name}.sha256")


def chip_of(data: bytes) -> str:
    """Return the chip whose bootloader a backup holds; empty if it holds none."""
    for offset in sorted(set(BOOTLOADER_OFFSETS.values()), reverse=True):
        with contextlib.suppress(ImageError):
            image, _ = app_image.from_bytes(data[offset:TABLE_OFFSET])
            return image.chip
    return ""


def mac_of(path: Path) -> str:
    """Return the MAC address that a backup's name bears; empty if it bears none."""
    match = _NAME.fullmatch(path.name)
    if not match:
        return ""
    return ":".join(match[1][at : at + 2] for at in range(0, 12, 2))
