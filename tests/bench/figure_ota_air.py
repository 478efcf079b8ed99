"""Bytes on the air per board when 30 boards of a cluster take a release, relative to one alone.

All that edge and boards send counts, offers, reports and the radio's own headers among it, on the
emulated air, where frames collide and one in ten is lost besides. The release is a delta: of what
is left to share then, most are documents. What one cluster takes varies by a fifth: this is the
mean of several.
"""

from collections.abc import Callable

from support.update_cluster import update
from support.updating import changed, image

UNIT = "times"
AT_MOST = 0.2
BOARDS, CLUSTERS = 30, 8
LOSSES_PERMILLE = (0, 100, 200)
COUNTED_PERMILLE = 100


def measure(say: Callable[[str], None]) -> float:
    """Update clusters, then as many boards as one has, each in an air of its own."""
    old, ratios = image(1), {}
    new = changed(old)
    for loss in LOSSES_PERMILLE:
        alone = [update(old, new, 1, loss, seed) for seed in range(BOARDS)]
        clusters = [update(old, new, BOARDS, loss, seed) for seed in range(CLUSTERS)]
        assert all(each.updated == BOARDS for each in clusters)
        assert sum(each.updated for each in alone) == BOARDS
        together = [each.air_bytes / BOARDS for each in clusters]
        mean = sum(together) / CLUSTERS
        each_alone = sum(each.air_bytes for each in alone) / BOARDS
        ratios[loss] = mean / each_alone
        say(
            f"loss {loss // 10} %: {mean:.0f} bytes a board in a cluster ({min(together):.0f} to "
            f"{max(together):.0f}), {each_alone:.0f} alone: {ratios[loss]:.3f}"
        )
    return ratios[COUNTED_PERMILLE]
