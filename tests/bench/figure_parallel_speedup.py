"""How much sooner 16 boards are flashed and provisioned at once than one after another.

Both ways run in this order: one after another, then, on fresh blank boards, at once. Same
commands, same run.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from support.virtual import VirtualBoards, home_of_boards

UNIT = "times"
AT_LEAST = 1.8  # on two cores
BOARDS = 16
BOARD_IDS = ["esp32-devkitc", "esp32-s3-devkitc-1", "esp32-c3-devkitm-1", "esp32-c6-devkitc-1"]


def measure(say: Callable[[str], None]) -> float:
    """Return the seconds one after another over the seconds at once."""
    one_by_one_s = _timed(say, "one after another", at_once=False)
    at_once_s = _timed(say, "at once", at_once=True)
    return one_by_one_s / at_once_s


def _timed(say: Callable[[str], None], how: str, *, at_once: bool) -> float:
    with home_of_boards() as home:
        boards = VirtualBoards(home)
        ports = [
            boards.make(BOARD_IDS[index % len(BOARD_IDS)], flashed=False).fast
            for index in range(BOARDS)
        ]
        _cma(home, home, "new", "fleet")
        rows = [f"unit-{index:02d}" for index in range(BOARDS)]
        (home / "fleet" / "inventory.csv").write_text("\n".join(["name", *rows, ""]))
        groups = [ports] if at_once else [[port] for port in ports]
        started_s = time.monotonic()
        for group in groups:
            chosen = [word for port in group for word in ("-p", port)]
            _cma(home, home / "fleet", "flash", *chosen, "--yes")
            _cma(home, home / "fleet", "provision", *chosen, "--assign", "--yes")
        took_s = time.monotonic() - started_s
    say(f"{BOARDS} boards {how}: {took_s:.1f} s")
    return took_s


def _cma(home: Path, folder: Path, *words: str) -> None:
    command = [sys.executable, "-m", "cma_toolkit.host_tools.cli.main", *words]
    environment = {**os.environ, "CMA_VIRTUAL_HOME": str(home)}
    subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
