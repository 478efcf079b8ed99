"""The MicroPython releases on this computer, each checked against its SHA-256 at every use.

One folder: `<file>.bin` as micropython.org names it, and `<file>.bin.json`, what we know of it.
The SHA-256 comes from the board's file where it names one; else the first use records it and every
later one is held to it. Set CMA_CACHE to keep the folder elsewhere.
"""

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from cma_toolkit.host_tools.errors import CmaError, ExitCode, refused, usage, verify_failed

PINNED_BY_BOARD = "board file"
PINNED_BY_FIRST_USE = "first use"
VERSION_MIN = (1, 28)  # the first with ROMFS partitions on every chip that we flash
_FILE_NAME = re.compile(
    r"(?P<board>[A-Z0-9_]+(?:-[A-Z0-9_]+)?)-(?P<date>\d{8})-v?(?P<version>.+)\.bin"
)


@dataclass(frozen=True)
class Release:
    """One MicroPython image in the store."""

    file: str
    chip: str
    version: str
    board: str
    sha256: str
    size_bytes: int
    pinned_by: str
    source: str


@dataclass(frozen=True)
class Facts:
    """What an image says about itself."""

    chip: str
    version: str


Identify = Callable[[bytes], Facts]
"""Read an image's own words. Raises: CmaError if it is truncated or no MicroPython image."""


class Store:
    """The folder of releases. `pins` maps file name to SHA-256, from the boards' files."""

    def __init__(self, folder: Path, pins: Mapping[str, str], identify: Identify) -> None:
        self.folder = folder
        self._pins = pins
        self._identify = identify

    def releases(self) -> list[Release]:
        """Return what the store holds, newest version first within a board."""
        found = [self._record(path) for path in sorted(self.folder.glob("*.bin.json"))]
        held = [release for release in found if release and self.path_of(release).exists()]
        held.sort(key=lambda release: version_key(release.version), reverse=True)
        return sorted(held, key=lambda release: release.board)

    def path_of(self, release: Release) -> Path:
        """Return where the image lies."""
        return self.folder / release.file

    def add(self, data: bytes, file: str, source: str) -> Release:
        """Check an image and keep it under `file`.

        Raises: CmaError if its SHA-256 is not the known one, or it is no MicroPython image.
        """
        if not board_of(file):
            raise usage(
                f"{file}: the name does not say which build it is. Rename it as micropython.org "
                "does (ESP32_GENERIC-20260406-v1.28.0.bin), or use: cma flash --micropython FILE"
            )
        sha256 = hashlib.sha256(data).hexdigest()
        known = self._known_sha256(file)
        if known and known[0] != sha256:
            raise verify_failed(
                f"{file}: SHA-256 is {sha256}, but {known[1]} says {known[0]}. "
                "Fetch it again; if it stays so, do not use it."
            )
        facts = self._identify(data)
        release = Release(
            file=file,
            chip=facts.chip,
            version=facts.version or version_of(file),
            board=board_of(file),
            sha256=sha256,
            size_bytes=len(data),
            pinned_by=PINNED_BY_BOARD if file in self._pins else PINNED_BY_FIRST_USE,
            source=source,
        )
        self.folder.mkdir(parents=True, exist_ok=True)
        # The record first: an image without one would be trusted anew.
        write_atomically(
            self._record_path(file), json.dumps(asdict(release), indent=1).encode() + b"\n"
        )
        write_atomically(self.folder / file, data)
        return release

    def find(self, board: str, version: str = "") -> Release | None:
        """Return the newest release for a MicroPython board id, or the one of `version`."""
        for release in self.releases():
            if release.board != board:
                continue
            if version and plain_version(release.version) != plain_version(version):
                continue
            if version or version_key(release.version) >= VERSION_MIN:
                return release
        return None

    def read(self, release: Release) -> bytes:
        """Return an image whose SHA-256 is still the recorded one.

        Raises: CmaError if it has changed since.
        """
        data = self.path_of(release).read_bytes()
        wanted = self._pins.get(release.file, release.sha256)
        if hashlib.sha256(data).hexdigest() != wanted:
            raise verify_failed(
                f"{self.path_of(release)} has changed since it was stored. "
                f"Delete it and run: cma micropython fetch --version {release.version}"
            )
        return data

    def _known_sha256(self, file: str) -> tuple[str, str] | None:
        if file in self._pins:
            return self._pins[file], "the board's file"
        record = self._record(self._record_path(file))
        return (record.sha256, "its first use") if record else None

    def _record_path(self, file: str) -> Path:
        return self.folder / f"{file}.json"

    def _record(self, path: Path) -> Release | None:
        try:
            return Release(**json.loads(path.read_bytes()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as error:
            raise verify_failed(f"{path} is damaged: delete it and its image.") from error


def store_folder(environment: Mapping[str, str]) -> Path:
    """Return the folder of the store: CMA_CACHE, else the user's cache folder."""
    from platformdirs import user_cache_path

    root = environment.get("CMA_CACHE")
    return (Path(root) if root else user_cache_path("cma", appauthor=False)) / "micropython"


def board_of(file: str) -> str:
    """Return the MicroPython board id, variant included, that a file name bears."""
    match = _FILE_NAME.fullmatch(file)
    return match["board"] if match else ""


def version_of(file: str) -> str:
    """Return the version that a file name bears."""
    match = _FILE_NAME.fullmatch(file)
    return match["version"] if match else ""


def plain_version(version: str) -> str:
    """Return a version without its leading v."""
    return version.removeprefix("v")


def version_key(version: str) -> tuple[int, ...]:
    """Return what orders versions: `1.28.0-preview.3` comes before `1.28.0`."""
    number, _, preview = plain_version(version).partition("-")
    parts = tuple(int(part) for part in re.findall(r"\d+", number))
    return (*(*parts, 0, 0, 0)[:3], 0 if preview else 1)


def read_image_file(path: Path) -> bytes:
    """Read a file that a person named.

    Raises: CmaError with a sentence instead of an OSError.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise usage(f"{path}: {error.strerror}. Name a MicroPython .bin file.") from error


VERSION = re.compile(r"\d+\.\d+(\.\d+)?(-preview(\.\d+)?)?$")


def check_version(version: str) -> None:
    """Refuse what is too old for our flash map.

    Raises: CmaError.
    """
    if version and not VERSION.match(plain_version(version)):
        raise usage(
            f"{version!r} is no MicroPython version. Write one like 1.29.0, or name a .bin file."
        )
    if version and version_key(version) < VERSION_MIN:
        oldest = ".".join(map(str, VERSION_MIN))
        raise refused(
            f"MicroPython {plain_version(version)} is too old: {oldest} is the first that mounts "
            "our read-only file system. Run: cma micropython fetch"
        )


def write_atomically(path: Path, data: bytes, mode: int = 0o666) -> None:
    """Write a file so that a reader finds the old or the new one, never a part.

    `mode` is what the file may be used for at most; the umask takes from it.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.unlink(missing_ok=True)  # of a run that was cut short: its mode would stay
        with open(part, "wb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise CmaError(
            f"cannot write {path}: {error.strerror}. Make room or name another folder.",
            ExitCode.REFUSED,
        ) from error
