"""How many of 200 seeds give another digest when they are run again.

Once in two processes, and once more in this one, under the faults that each seed draws.
"""

from collections.abc import Callable

from support.swarms import SEEDS, all_outcomes

UNIT = "differing_digests"
AT_MOST = 0
PROCESSES = 2


def measure(say: Callable[[str], None]) -> int:
    """Run them twice."""
    once = [(outcome.seed, outcome.digest) for outcome in all_outcomes(SEEDS, PROCESSES, say)]
    again = [(outcome.seed, outcome.digest) for outcome in all_outcomes(SEEDS, 1, say)]
    assert len(once) == SEEDS and len({digest for _seed, digest in once}) > SEEDS // 2
    return sum(one != other for one, other in zip(once, again, strict=True))
