"""The loader of a board: what looks at the slots before an image runs, as one ROMFS.

It is flashed by a cable and never by a release. With it come those files of the kernel and the
drivers that it needs, below `lib`: an image that takes its place has its own.

Input    the sources of `loader`, `kernel` and `device`
Bounds   LOADER_BYTES
"""

import functools
import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from cma_toolkit.firmware.kernel.release.layout import LOADER_BYTES

from . import kept, mpy, romfs
from .build import digest_of
from .errors import ImageError
from .shrink.fold import fold
from .shrink.layout import needed_by
from .shrink.modules import dotted, read_modules
from .shrink.names import shorten
from .shrink.texts import put_texts
from .shrink.unused import drop_unused

PACKAGE = "loader"
ABOUT = "loader.json"
BOARD = "board.json"
ROOT = "root.cbor"
_PACKAGES = (PACKAGE, *mpy.FIRMWARE_PACKAGES)
_OTHERS = "lib"
_FLOATS, _NO_FLOATS = "kernel/codec/floats.py", "loader/no_floats.py"
_CALLED = {"prepare", "run"}  # by boot.py and main.py
_DISTRIBUTION = "cma-toolkit"


@functools.cache
def build_loader(firmware: Path) -> bytes:
    """Compile the loader and what it needs of our firmware.

    Raises: ImageError (our firmware's author) if it does not fit or compile.
    """
    read = dict(mpy.read_sources(firmware, _PACKAGES))
    read[_FLOATS] = read.pop(_NO_FLOATS)
    sources = _needed(read)
    shrunk = kept.keep(sources, _shrink)
    # MicroPython takes a folder for a package, with a file of its name in it or without.
    full = {path: text for path, text in shrunk.items() if text.strip()}
    small = mpy.compile_files(full, lines=False)
    files = {_place(path): data for path, data in small.items()}
    compiler, format_version = mpy.compiler()
    about = {
        "sources": digest_of(sources),
        "toolkit": version(_DISTRIBUTION),
        "micropython": compiler,
        "mpy": format_version,
    }
    files[ABOUT] = json.dumps(about, sort_keys=True, separators=(",", ":")).encode()
    return _checked(romfs.pack(files))


def for_board(
    loader: bytes, root: bytes, classes: Sequence[bytes], micropython: bytes = b""
) -> bytes:
    """Return a loader for a board that takes releases for `classes`.

    It believes the document `root`; without one it takes none. `micropython` is the class of the
    MicroPythons that it takes, empty for a board that has one place for it.
    Raises: ImageError if it does not fit, or is none.
    """
    facts: dict[str, object] = {"classes": [one.hex() for one in classes]}
    if micropython:
        facts["micropython"] = micropython.hex()
    files = {**romfs.read(loader), BOARD: json.dumps(facts, separators=(",", ":")).encode()}
    return _checked(romfs.pack({**files, ROOT: root} if root else files))


def _needed(sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the loader's own files, what they import, and the packages that those lie in."""
    modules = read_modules(sources)
    own = [name for name in modules if name.partition(".")[0] == PACKAGE]
    names = needed_by(own, modules, within=True)
    for name in list(names):
        parts = name.split(".")
        names |= {".".join(parts[:depth]) for depth in range(1, len(parts))}
    return {path: text for path, text in sources.items() if dotted(path) in names}


def _shrink(sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """Make it small file by file: it has all of the heap, but not all of the flash."""
    made = put_texts(drop_unused(fold(sources), _CALLED, constants=True), _CALLED)
    made = shorten(drop_unused(made, _CALLED, constants=True), _CALLED)
    return _needed(made)  # of some nothing but numbers was needed


def _checked(data: bytes) -> bytes:
    if len(data) > LOADER_BYTES:
        raise ImageError(f"The loader has {len(data)} bytes, its place {LOADER_BYTES}.")
    return data


def _place(path: str) -> str:
    return path if path.startswith(PACKAGE + "/") else f"{_OTHERS}/{path}"
