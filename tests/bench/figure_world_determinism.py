"""How many of 200 seeds end otherwise when the world is run again, or divided.

Under the faults that each seed draws: as one fleet in one process and once more in another, and in
1, 2 and 4 shards. An ending is the digest and the instant at which the fleet was whole again.
In those scenarios every agent hears somebody of another shard; so lines follow, in which most are
some hops away from the border, with faults and without: their endings are counted, too.
"""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

from support.relay_line import digest, line
from support.shard_endings import ending_of, endings_of
from support.swarms import SCENARIOS, SEEDS, seeds_of

UNIT = "differing_endings"
AT_MOST = 0
COUNTS = (0, 1, 2, 4)  # of shards, 0: one fleet
LINES = 10  # with faults, and as many without


def measure(say: Callable[[str], None]) -> int:
    """Run each seed five times, four of them in another process; then the lines."""
    differing, seen = 0, set()
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        for place, path in enumerate(SCENARIOS):
            seeds = seeds_of(place, SEEDS)
            others = [pool.submit(endings_of, path, seed, COUNTS) for seed in seeds]
            for seed, other in zip(seeds, others, strict=True):
                ending = ending_of(path, seed)
                wrong = [count for count, each in zip(COUNTS, other.result(), strict=True)
                         if each != ending]  # fmt: skip
                if wrong:
                    say(f"{path.stem}, seed {seed}: another ending in {wrong} shards")
                differing += len(wrong)
                seen.add(ending)
            say(f"{path.stem}: {len(seeds)} seeds")
    assert len(seen) > SEEDS // 2
    return differing + _differing_lines(say)


def _differing_lines(say: Callable[[str], None]) -> int:
    differing = 0
    for seed in range(1, LINES + 1):
        for is_troubled in (False, True):
            described = line(seed, is_troubled=is_troubled)
            whole = digest(described)
            wrong = [count for count in COUNTS if count and digest(described, count) != whole]
            if wrong:
                what = "a line under faults" if is_troubled else "a line"
                say(f"{what}, seed {seed}: another ending in {wrong} shards")
            differing += len(wrong)
    say(f"lines: {2 * LINES} seeds")
    return differing
