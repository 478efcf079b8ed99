"""Mutants drawn from all over the kernel: how many of them the tests kill, and the swarm alone.

An hour or two; stopped and started again, it goes on where it was.
"""

from collections import Counter
from collections.abc import Callable

from mutants.sample import COUNT, Kept, draw, judge
from mutants.suite import STAGES, SWARM

UNIT = "% of mutants killed"
AT_LEAST = 95
SWARM_COUNT = 30  # of the same sample: the first five of each operator


def measure(say: Callable[[str], object]) -> float:
    """Return the share of drawn mutants that some test notices."""
    chosen, kept = draw(COUNT), Kept()
    killed = Counter(judge(chosen, say, STAGES, kept).values())
    for stage in STAGES:
        say(f"{killed[stage.name]} killed by {stage.name}")
    few = chosen[:SWARM_COUNT]
    by_swarm = Counter(judge(few, lambda _text: None, (SWARM,), kept).values())
    say(f"by the swarm alone: {by_swarm[SWARM.name]} of {len(few)}")
    return 100 * (len(chosen) - killed[""]) / len(chosen)
