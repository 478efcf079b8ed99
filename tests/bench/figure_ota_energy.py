"""Charge that a board takes for a typical delta over ESP-NOW, by the model of its currents.

Of a cluster of 30 in the emulated world, one frame in ten lost: listening while it updates, what
it sends, the starts into the updater and out of it. Erasing and writing flash is not counted, nor
is the trial, in which it does what it does every day. Unmeasured on silicon.
"""

from collections.abc import Callable

from cma_toolkit.boards.load import load_board
from support.consecutive_builds import CHANGES, after, first
from support.update_cluster import update

UNIT = "uAh"
AT_MOST = 200
BOARDS, LOSS_PERMILLE = 30, 100
KINDS = ("esp32-devkitc", "esp32-s3-devkitc-1", "esp32-c3-devkitm-1", "esp32-c6-devkitc-1")


def measure(say: Callable[[str], None]) -> float:
    """Return the mean of the board that takes most."""
    old, new = first(), after(CHANGES[0])
    worst = 0.0
    for kind in KINDS:
        currents_ua = load_board(kind).current_ua
        used = update(old, new, BOARDS, LOSS_PERMILLE, currents_ua=currents_ua)
        assert used.updated == BOARDS
        mean = sum(used.uah) / BOARDS
        say(f"{kind}: {mean:.0f} uAh, at most {max(used.uah)}, in {used.minutes:.0f} minutes")
        worst = max(worst, mean)
    return worst
