"""The image of an agent: kernel, drivers and application as one ROMFS of `.mpy` files.

MicroPython runs it in place from flash. The same sources and the same mpy-cross give the same
bytes, wherever and whenever: nothing in it tells a folder, a time or a computer.

Input    sources by path, as they lie in an image: `kernel/…`, `device/…`, `app.py`, `drivers/…`,
         `lib/…`
Bounds   SLOT_BYTES; the partition has two slots, so that an update never overwrites what runs
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from cma_toolkit.firmware.kernel.release.layout import PARTITION_BYTES, SECTOR_BYTES, image_bytes

from . import kept, mpy, romfs
from .errors import ImageError
from .shrink.firmware import on_boards, shrink

SLOT_BYTES = image_bytes(PARTITION_BYTES // SECTOR_BYTES)
ABOUT = "image.json"
APPLICATION = "app.py"
APPLICATION_FOLDERS = ("drivers", "lib")
PARTS = ("kernel", "device", "application", "drivers", "lib", "about")

_DISTRIBUTION = "cma-toolkit"
_SOURCES_DIGITS = 16  # 64 bits tell the images of one fleet apart
_NAMED_MAX = 3


@dataclass(frozen=True)
class Image:
    """An image and what is in it.

    `name` is the application's, "" without one; `sources` the digest of what it was made from;
    `architecture` is "" if it runs on every chip.
    """

    data: bytes
    name: str
    sources: str
    architecture: str
    sizes: Mapping[str, int]

    @property
    def sha256(self) -> str:
        """Return the digest of the bytes."""
        return sha256(self.data).hexdigest()

    @property
    def left_bytes(self) -> int:
        """Return what is left of a slot."""
        return SLOT_BYTES - len(self.data)

    @property
    def chips(self) -> tuple[str, ...]:
        """Return the chips it runs on, in the order of their families."""
        return tuple(
            chip
            for family, chips in mpy.FAMILIES.items()
            for chip in chips
            if self.architecture in (mpy.PORTABLE, family)
        )


def build(
    firmware: Path,
    application: Mapping[str, bytes] | None = None,
    name: str = "",
    architecture: str = mpy.PORTABLE,
    *,
    plain: bool = False,
    on_making: Callable[[], None] | None = None,
) -> Image:
    """Compile our firmware and an application into an image.

    `plain` leaves our firmware as it is written: larger, with names and lines in its tracebacks.
    `on_making` is called before our firmware is made small, which takes seconds, unless that is
    kept from an earlier build.
    Raises: SourceError for a source that does not compile, NativeCodeError for one that needs an
    architecture, ImageError for what cannot be in an image or does not fit.
    """
    ours = mpy.read_sources(firmware)
    theirs = dict(application or {})
    digest = digest_of({**ours, **theirs})
    check_application(theirs)
    files = {
        **(mpy.compile_files(on_boards(ours)) if plain else _compiled_small(ours, on_making)),
        **mpy.compile_files(theirs, architecture),
    }
    compiler, format_version = mpy.compiler()
    about = {
        "name": name,
        "sources": digest,
        "toolkit": version(_DISTRIBUTION),
        "micropython": compiler,
        "mpy": format_version,
    }
    files[ABOUT] = json.dumps(about, sort_keys=True, separators=(",", ":")).encode()
    data = romfs.pack(files)
    _check_fits(data, files)
    return Image(data, name, digest, _architecture(files), _sizes(files))


def _compiled_small(
    ours: Mapping[str, bytes], on_making: Callable[[], None] | None
) -> dict[str, bytes]:
    return mpy.compile_files(kept.keep(ours, shrink, on_making), lines=False)


def open_image(data: bytes, path: str) -> Image:
    """Take an image apart that was built before.

    Raises: ImageError (a person's file): damaged, no image of ours, or too large.
    """
    try:
        files = romfs.read(data)
    except ImageError:
        raise ImageError(f"{path} is no image: make one with cma build.") from None
    try:
        about = json.loads(files[ABOUT])
        name, sources = str(about["name"]), str(about["sources"])
    except (KeyError, TypeError, ValueError, RecursionError):
        raise ImageError(f"{path} does not say what it is: make one with cma build.") from None
    if "kernel/agent.mpy" not in files:
        raise ImageError(f"{path} has no kernel in it: make one with cma build.")
    _check_fits(data, files)
    return Image(data, name, sources, _architecture(files), _sizes(files))


def digest_of(sources: Mapping[str, bytes]) -> str:
    """Return the digest of sources and their paths."""
    digest = sha256()
    for path, content in sorted(sources.items()):
        digest.update(b"%d %d " % (len(path.encode()), len(content)) + path.encode() + content)
    return digest.hexdigest()[:_SOURCES_DIGITS]


def check_application(files: Mapping[str, bytes]) -> None:
    """Refuse files that would not be found on a board, or hide one another.

    Raises: ImageError (the application's author).
    """
    for path, content in files.items():
        if path.startswith("lib/"):
            top = path.split("/")[1].partition(".")[0]
            if top in (*mpy.FIRMWARE_PACKAGES, "loader", "app", *APPLICATION_FOLDERS):
                raise ImageError(f"{path} would be hidden by our own {top}: give it another name.")
        if path.endswith(".mpy"):
            mpy.architecture_of(content, path)
            if path[:-4] + ".py" in files:
                raise ImageError(f"{path} and its .py are both there: remove one.")


def part_of(path: str) -> str:
    """Return to which of `PARTS` a file of an image belongs."""
    if path == ABOUT:
        return "about"
    top, _, below = path.partition("/")
    return top if below and top in PARTS else "application"


def _architecture(files: Mapping[str, bytes]) -> str:
    """Return for which architecture the files are, "" for all.

    Raises: ImageError (the application's author) if two of them exclude each other.
    """
    found = {
        mpy.architecture_of(content, path): path
        for path, content in sorted(files.items())
        if path.endswith(".mpy")
    }
    found.pop(mpy.PORTABLE, None)
    if len(found) > 1:
        told = " and ".join(f"{path} for {architecture}" for architecture, path in found.items())
        raise ImageError(f"No chip runs both {told}: compile them for the same, with --chip.")
    return next(iter(found), mpy.PORTABLE)


def _sizes(files: Mapping[str, bytes]) -> dict[str, int]:
    sizes = dict.fromkeys(PARTS, 0)
    for path, content in files.items():
        sizes[part_of(path)] += len(content)
    return sizes


def _check_fits(data: bytes, files: Mapping[str, bytes]) -> None:
    if len(data) <= SLOT_BYTES:
        return
    largest = sorted(files, key=lambda path: (-len(files[path]), path))[:_NAMED_MAX]
    told = ", ".join(f"{path} {len(files[path])}" for path in largest)
    raise ImageError(
        f"The image has {len(data)} bytes, {len(data) - SLOT_BYTES} more than its slot of "
        f"{SLOT_BYTES} on a board; the largest files are {told}. "
        "Leave out what the application does not need."
    )
