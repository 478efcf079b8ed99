"""How many of 500,000 power cuts of a board that updates itself end with one that does not run.

Every flash operation of an update, a confirmation, a way back, a recovery, a journal that is lost
and a change of keys, in nine tear modes, and a second cut in every operation of each start after
that. Wrong is: nothing runs, something runs that nobody signed, or an older release runs than the
one that was confirmed. All first cuts and each eighth of the second ones are followed on: for them
it is wrong, too, if their story does not reach its end. The others are followed through one start.
Two processes.
"""

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

from support.slot_cuts import Depth, Report, cut_life, lives

UNIT = "bricked_or_unsigned"
AT_MOST = 0
CASES = 500_000
PROCESSES = 2
SIZES = ((8_448, 4_096, 12_000), (12_288, 1, 4_097), (4_095, 12_000, 8_192))


def measure(say: Callable[[str], None]) -> int:
    """Cut every life, longest first, and more of them until the number of cases is reached."""
    seed = int(os.environ.get("CMA_SEED", "0"))  # `make soak` gives each round its own
    cases = to_end = wrong = 0
    with ProcessPoolExecutor(PROCESSES) as pool:
        while cases < CASES:
            sizes = SIZES[seed % len(SIZES)]
            names = sorted(lives(sizes), key=lambda name: name != "revert")
            for name, report in zip(
                names, pool.map(_cut, [(name, sizes) for name in names]), strict=True
            ):
                cases += report.cases
                to_end += report.to_end
                wrong += len(report.wrong)
                for problem in report.wrong[:3]:
                    say(problem)
                say(f"{name}: {cases} cuts, {to_end} followed to the end, {wrong} wrong")
            seed += 1
    assert cases >= CASES
    return wrong


def _cut(task: tuple[str, tuple[int, int, int]]) -> Report:
    name, sizes = task
    return cut_life(lives(sizes)[name], Depth())
