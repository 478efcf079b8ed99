"""How many of 200 seeds break what a scenario demands, under the faults that each seed draws.

`CMA_SWARM_SEEDS` says how many; `make soak` runs 10,000. Two processes.
"""

import os
from collections.abc import Callable

from support.swarms import SEEDS, all_outcomes

UNIT = "failures"
AT_MOST = 0
PROCESSES = 2


def measure(say: Callable[[str], None]) -> int:
    """Run them all."""
    count = int(os.environ.get("CMA_SWARM_SEEDS", SEEDS))
    outcomes = [bool(outcome.failure) for outcome in all_outcomes(count, PROCESSES, say)]
    assert len(outcomes) == count
    return sum(outcomes)
