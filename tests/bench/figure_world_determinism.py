"""How many of 200 seeds end otherwise when the world is run again, or divided.

Under the faults that each seed draws: as one fleet in one process and once more in another, and in
1, 2 and 4 shards. An ending is the digest and the instant at which the fleet was whole again.
"""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

from support.shard_endings import ending_of, endings_of
from support.swarms import SCENARIOS, SEEDS, seeds_of

UNIT = "differing_endings"
AT_MOST = 0
COUNTS = (0, 1, 2, 4)  # of shards, 0: one fleet


def measure(say: Callable[[str], None]) -> int:
    """Run each seed five times, four of them in another process."""
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
    return differing
