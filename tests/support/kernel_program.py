"""Run a program of the tests in real MicroPython, with the kernel compiled as it ships.

Its constants are folded as in an image; its names stay, since the program calls them.
"""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from cma_toolkit.host_tools.image import mpy
from cma_toolkit.host_tools.image.fold import fold
from cma_toolkit.sim.world import micropython

ROOT = Path(__file__).parents[2]


def compile_kernel(folder: Path) -> None:
    """Make a folder from which MicroPython imports `kernel` as .mpy, and `support`."""
    sources = mpy.read_sources(ROOT / "firmware", ("kernel",))
    for path, compiled in mpy.compile_files(fold(sources, strip=False)).items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(compiled)
    (folder / "support").symlink_to(ROOT / "tests" / "support")


@contextlib.contextmanager
def running(folder: Path, name: str, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """Start `support/NAME.py` with a compiled kernel; it ends with the block at the latest."""
    program = subprocess.Popen(
        [*micropython.interpreter(), "-X", "heapsize=1M",
         str(ROOT / "tests" / "support" / f"{name}.py"), *arguments],
        env={"MICROPYPATH": f"{folder}:.frozen"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    try:
        yield program
    finally:
        program.kill()
        program.communicate()
