"""Run a described world in a real MicroPython: the unix port, as a process of its own.

Only this file of the world is for CPython alone.
"""

import json
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cma_toolkit.firmware
import cma_toolkit.sim
from cma_toolkit.sim.world.app_loader import AppError
from cma_toolkit.sim.world.driver import APP_REFUSED, DONE

HEAP = "128M"
TIMEOUT_S = 600.0
MISSING = "MicroPython is not installed; run: pip install cma-toolkit[virtual]"
LAUNCHER = Path(__file__).with_name("launch_micropython.py")


class RuntimeMissingError(Exception):
    """There is no MicroPython on this computer."""


class WorldCrashError(Exception):
    """MicroPython ended without a result; the text is what it printed."""


def interpreter() -> list[str]:
    """Return the command line of MicroPython: CMA_MICROPYTHON, else the installed wheel.

    Raises: RuntimeMissingError with the sentence that says how to install it.
    """
    named = os.environ.get("CMA_MICROPYTHON")
    if named:
        return [named]
    spec = find_spec("micropython_run")
    if spec is None or spec.origin is None:
        raise RuntimeMissingError(MISSING)
    return [sys.executable, "-I", "-S", str(LAUNCHER), str(Path(spec.origin).parent)]


def import_root(folder: Path) -> Path:
    """Make a folder from which MicroPython imports `cma_toolkit`, and return it."""
    package = folder / "cma_toolkit"
    package.mkdir()
    for room in (cma_toolkit.firmware, cma_toolkit.sim):
        source = Path(next(iter(room.__path__))).resolve()
        (package / source.name).symlink_to(source, target_is_directory=True)
    return folder


def run(spec: dict[str, Any], heap: str = HEAP) -> dict[str, Any]:
    """Run a described world in MicroPython.

    Raises: AppError as `driver.run`, RuntimeMissingError, WorldCrashError,
    subprocess.TimeoutExpired.
    """
    command = interpreter()
    with tempfile.TemporaryDirectory(prefix="cma-world-") as name:
        folder = Path(name)
        root = import_root(folder)
        (folder / "spec.json").write_text(json.dumps(spec))
        ended = subprocess.run(
            [*command, "-X", f"heapsize={heap}", "-m", "cma_toolkit.sim.world.driver",
             str(folder / "spec.json"), str(folder / "result.json")],
            env={**os.environ, "MICROPYPATH": f"{root}:.frozen"},
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )  # fmt: skip
        if ended.returncode not in (DONE, APP_REFUSED):
            raise WorldCrashError(ended.stdout + ended.stderr)
        result: dict[str, Any] = json.loads((folder / "result.json").read_text())
    if "refused" in result:
        raise AppError(result["refused"])
    return result
