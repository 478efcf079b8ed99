"""How many of 1,000 power cuts inside flash operations a board's littlefs survives.

Real VfsLfs2 in real MicroPython on a virtual board's flash; about two cuts in three are torn.
After each the filesystem mounts and every file is old or new. Ten seeds, each a process.
"""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from support.power_cuts import cut_littlefs

UNIT = "of_1000_cuts"
AT_LEAST = 1000
SEEDS = 10
CUTS = 100


def measure(say: Callable[[str], None]) -> int:
    """Cut the power a thousand times."""
    first = SEEDS * int(os.environ.get("CMA_SEED", "0"))  # `make soak` gives each round its own
    survived = torn = 0
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(first + 1, first + 1 + SEEDS):
            report = cut_littlefs(Path(folder), seed, CUTS)
            survived += report["survived"]
            torn += report["torn"]
            for problem in report["problems"]:
                say(f"seed {seed}, {problem}")
    say(f"{SEEDS * CUTS} cuts, {torn} of them torn: {survived} survived")
    return survived
