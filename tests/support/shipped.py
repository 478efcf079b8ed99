"""Run a script in MicroPython with the kernel as `cma build` makes it: folded, and `.mpy`."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from cma_toolkit.host_tools.image.kept import keep
from cma_toolkit.host_tools.image.mpy import compile_files, read_sources
from cma_toolkit.host_tools.image.shrink.firmware import shrink
from cma_toolkit.sim.world import micropython

ROOT = Path(__file__).parents[2]


@contextmanager
def compiled(scripts: Sequence[str]) -> Iterator[Path]:
    """Make a folder from which MicroPython imports `kernel`, and these files as `support`."""
    sources = read_sources(ROOT / "firmware", ("kernel",))
    for name in scripts:
        sources[f"support/{name}.py"] = (ROOT / "tests" / "support" / f"{name}.py").read_bytes()
    with TemporaryDirectory(prefix="cma-shipped-") as folder:
        for path, content in compile_files(keep(sources, shrink)).items():
            target = Path(folder) / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        yield Path(folder)


@contextmanager
def started(folder: Path, script: str, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """Start one of the files compiled into a folder; it ends with the block at the latest."""
    program = subprocess.Popen(
        _command(script, *arguments), env=_environment(folder), stdout=subprocess.PIPE, text=True
    )
    try:
        yield program
    finally:
        program.kill()
        program.communicate()


def run(scripts: Sequence[str], *arguments: str, heap: str = "2M") -> str:
    """Return what the first of some files of this folder printed; the others it imports.

    Raises: subprocess.CalledProcessError.
    """
    with compiled(scripts) as folder:
        return subprocess.run(
            _command(scripts[0], *arguments, heap=heap),
            env=_environment(folder),
            capture_output=True,
            text=True,
            check=True,
        ).stdout


def _command(script: str, *arguments: str, heap: str = "2M") -> list[str]:
    start = [*micropython.interpreter(), "-X", f"heapsize={heap}"]
    return [*start, "-m", f"support.{script}", *arguments]


def _environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "MICROPYPATH": f"{folder}:.frozen"}
