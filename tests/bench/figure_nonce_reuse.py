"""Nonces used twice under a key: all power cuts of some lives, 10,000 random ones of others.

A cut in each flash operation in nine ways, one after each frame, and a second one in each
operation of what follows. The node goes on with the same secrets, with what the others say the
epochs are, and with a flash that was erased.
"""

import os
from collections.abc import Callable

from kernel.secure.session import Protection
from support.nonce_lives import cut_at_random, cut_everywhere

UNIT = "nonces_used_twice"
AT_MOST = 0
LIVES, STEPS = 2, 25
RANDOM_LIVES, RANDOM_CUTS = 50, 200


def measure(say: Callable[[str], None]) -> int:
    """Cut all, then at random."""
    first = 10_000 * int(os.environ.get("CMA_SEED", "0"))  # `make soak` gives each round its own
    cases = reused = 0
    for seed in range(first, first + LIVES):
        more, again = cut_everywhere(seed, STEPS, Protection, is_cut_again=True)
        cases, reused = cases + more, reused + again
        say(f"{cases} cuts of all that there are, {reused} nonces used twice")
    for number in range(RANDOM_LIVES):
        reused += cut_at_random(first + LIVES + number, STEPS, RANDOM_CUTS)
    say(f"and {RANDOM_LIVES * RANDOM_CUTS} at random, {reused} in all")
    return reused
