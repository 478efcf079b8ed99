"""How many of 1,000,000 power cuts leave a commit neither old nor new.

Every program and erase of many lives of a table, in nine tear modes, and a second cut in every
operation of each recovery. After each, a fresh start must find the old contents or the new, commit
twice more, and start again. Two processes.
"""

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat

from support.journal_cuts import Geometry, cut_new_life

UNIT = "neither_old_nor_new"
AT_MOST = 0
CASES = 1_000_000
PROCESSES = 2
GEOMETRIES = (
    Geometry(),
    Geometry(6, 1024, 300),
    Geometry(5, 1024, 20, keys=30),
    Geometry(noise=1),
    Geometry(8, 4096, 700),
)
COMMITS = 40


def measure(say: Callable[[str], None]) -> int:
    """Cut until the number of cases is reached."""
    seed = 10_000 * int(os.environ.get("CMA_SEED", "0"))  # `make soak` gives each round its own
    cases = wrong = 0
    with ProcessPoolExecutor(PROCESSES) as pool:
        while cases < CASES:
            seeds = range(seed, seed + 4 * PROCESSES)
            geometries = [GEOMETRIES[seed % len(GEOMETRIES)] for seed in seeds]
            reports = pool.map(cut_new_life, seeds, repeat(COMMITS), geometries)
            for life, report in zip(seeds, reports, strict=True):
                cases += report.cases
                wrong += len(report.wrong)
                for problem in report.wrong[:3]:
                    say(f"life {life}: {problem}")
            seed = seeds.stop
            say(f"{cases} cuts, {wrong} wrong")
    assert cases >= CASES
    return wrong
