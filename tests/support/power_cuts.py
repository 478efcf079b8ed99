"""Run `tests/power_cut/littlefs_cuts.py` on the MicroPython that virtual boards run."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from cma_toolkit.sim.virtual_board.runtime.child import SHIMS, interpreter

PROGRAM = Path(__file__).parent.parent / "power_cut" / "littlefs_cuts.py"
FLASH_BYTES = 64 * 1024  # the size of our boards' `vfs` partition
_HEAP_BYTES = 2 << 20


def cut_littlefs(folder: Path, seed: int, cuts: int, *, loses: bool = False) -> dict[str, Any]:
    """Return the report of so many power cuts."""
    flash = folder / f"littlefs-{seed}.bin"
    flash.write_bytes(b"\xff" * FLASH_BYTES)
    arguments = [PROGRAM, flash, FLASH_BYTES, seed, cuts, int(loses)]
    done = subprocess.run(
        interpreter(["-X", f"heapsize={_HEAP_BYTES}", *map(str, arguments)]),
        env={"MICROPYPATH": str(SHIMS), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report
