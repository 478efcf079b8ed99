"""Blocks of SHA-256 that the longest verification of a release's signature takes.

Of our parameter set, one level of LMS_SHA256_M24_H10 with LMOTS_SHA256_N24_W4, and of a manifest
of 128 B. What else a parameter set would take is in firmware/DESIGN.md.
"""

from collections.abc import Callable

from support.lms_blocks import CHECKSUM_MAX, blocks_at_worst, steps_of

UNIT = "blocks"
AT_MOST = 800


def measure(say: Callable[[str], None]) -> int:
    """Let the kernel verify what leads to the longest chains."""
    steps = max(map(steps_of, range(CHECKSUM_MAX + 1)))
    blocks = blocks_at_worst()
    say(f"{steps} steps of one block in the chains, {blocks - steps} blocks around them")
    return blocks
