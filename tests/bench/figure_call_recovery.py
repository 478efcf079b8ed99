"""Until nodes that call each other are well again, after loss, reboots, forgeries and replays.

Four nodes, four minutes of faults, in many worlds; in the second half somebody meddles. Well: each
has heard each, and both ends of every pair have one secret. A pair that never gets there, or a
secret that its peer did not derive, ends the measurement. Then two that call each other at once,
and every set of the first messages lost: they join, and if more than three are, when they speak.
"""

import os
from collections.abc import Callable

from support.call_faults import both_call, trial

UNIT = "s"
AT_MOST = 150
WORLDS = 200
MESSAGES = 11  # of two that call each other: each set of them is lost


def measure(say: Callable[[str], None]) -> float:
    """Run all worlds; the worst one counts."""
    first = 10_000 * int(os.environ.get("CMA_SEED", "0"))  # `make soak` gives each round its own
    spans = []
    for is_meddled in (False, True):
        made = [trial(first + seed, is_meddled) / 1_000 for seed in range(WORLDS)]
        spans += made
        say(
            f"{WORLDS} worlds {'with' if is_meddled else 'without'} a meddler: worst {max(made)} s"
        )
    say(f"half of them after {sorted(spans)[WORLDS]} s, in steps of 5")
    lost = [both_call(bits) / 1_000 for bits in range(1 << MESSAGES)]
    say(f"two that call each other, {len(lost)} ways to lose messages: worst {max(lost)} s")
    return max(spans + lost)
