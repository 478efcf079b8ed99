"""Run a script in MicroPython with the kernel as `cma build` makes it: folded, and `.mpy`."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from cma_toolkit.host_tools.image.mpy import compile_files, read_sources
from cma_toolkit.host_tools.image.shrink.firmware import shrink
from cma_toolkit.sim.world import micropython

ROOT = Path(__file__).parents[2]


def run(scripts: Sequence[str], *arguments: str, heap: str = "2M") -> str:
    """Return what the first of some files of this folder printed; the others it imports.

    Raises: subprocess.CalledProcessError.
    """
    sources = read_sources(ROOT / "firmware", ("kernel",))
    for name in scripts:
        sources[f"support/{name}.py"] = (ROOT / "tests" / "support" / f"{name}.py").read_bytes()
    with TemporaryDirectory(prefix="cma-shipped-") as folder:
        for path, content in compile_files(shrink(sources)).items():
            target = Path(folder) / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        return subprocess.run(
            [*micropython.interpreter(), "-X", f"heapsize={heap}", "-m", f"support.{scripts[0]}",
             *arguments],
            env={**os.environ, "MICROPYPATH": f"{folder}:.frozen"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout  # fmt: skip
