"""Bytes on the air per board when 30 boards of a cluster take a release, relative to one alone.

All that edge and boards send counts, offers, reports and the radio's own headers among it, on the
emulated air, where frames collide and one in ten is lost besides. The release is a delta: of what
is left to share then, most are documents.
"""

from collections.abc import Callable

from support.update_cluster import update
from support.updating import changed, image

UNIT = "times"
AT_MOST = 0.2
BOARDS = 30
LOSSES_PERMILLE = (0, 100, 200)
COUNTED_PERMILLE = 100


def measure(say: Callable[[str], None]) -> float:
    """Update a cluster, then as many boards one by one, each in an air of its own."""
    old, ratios = image(1), {}
    new = changed(old)
    for loss in LOSSES_PERMILLE:
        alone = [update(old, new, 1, loss, seed) for seed in range(BOARDS)]
        cluster = update(old, new, BOARDS, loss)
        assert cluster.updated == BOARDS == sum(each.updated for each in alone)
        each_alone = sum(each.air_bytes for each in alone) / BOARDS
        ratios[loss] = cluster.air_bytes / BOARDS / each_alone
        say(
            f"loss {loss // 10} %: {cluster.air_bytes / BOARDS:.0f} bytes a board in the cluster, "
            f"{each_alone:.0f} alone: {ratios[loss]:.3f}"
        )
    return ratios[COUNTED_PERMILLE]
