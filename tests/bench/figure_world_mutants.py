"""Mutants drawn from all over the kernel: how many of them the tests kill."""

from collections import Counter
from collections.abc import Callable

from mutants.sample import COUNT, draw, judge

UNIT = "% of mutants killed"
AT_LEAST = 95


def measure(say: Callable[[str], object]) -> float:
    """Return the share of drawn mutants that some test notices."""
    chosen = draw(COUNT)
    killed = Counter(stage or "live" for _mutant, stage in judge(chosen, say))
    for stage, count in killed.most_common():
        say(f"{count} {stage}")
    return 100 * (len(chosen) - killed["live"]) / len(chosen)
