"""From the moment `app.py` is saved to the first output of the new code, on a virtual board.

Median of five saves with `cma run --watch`, as a person sees it: at most 3.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from support.flashed_board import make_flashed
from support.project import RunningCommand, write_app
from support.virtual import VirtualBoards, home_of_boards

UNIT = "s"
AT_MOST = 3.0
SAVES = 5


def measure(say: Callable[[str], None]) -> float:
    """Save the application five times and time each."""
    with home_of_boards() as home, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_app(folder, 0)
        make_flashed(VirtualBoards(home), "bench")
        with RunningCommand("run", "-p", "bench", "--watch", folder=folder, home=home) as run:
            run.wait_for("version 0 starts")
            took = [_one(run, folder, version) for version in range(1, SAVES + 1)]
    say(", ".join(f"{seconds:.2f} s" for seconds in took))
    return statistics.median(took)


def _one(run: RunningCommand, folder: Path, version: int) -> float:
    began_s = time.monotonic()
    write_app(folder, version)
    run.wait_for(f"version {version} starts")
    return time.monotonic() - began_s
