"""Damaged virtual boards that recover: 1,000 over the air, 100 by one command of a cable.

A board that is off gets noise, erased or zeroed stretches or flipped bits in any of its slots,
their papers, the journal of releases and the user's files; it has recovered when it tells an edge
that it runs the release after the one that it had, confirmed: it still takes updates. What is
damaged in the root file system is mended by `cma flash`: stock MicroPython loops there before any
code of ours runs.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

from support.recovery import AT_ONCE, Bench
from support.virtual import VirtualBoards

UNIT = "boards of 1,100"
AT_LEAST = 1_100
OVER_THE_AIR, BY_CABLE = 1_000, 100
_STEP = 10 * AT_ONCE


def measure(say: Callable[[str], None]) -> int:
    """Damage and switch on, eight boards at a time."""
    lost: list[int] = []
    with tempfile.TemporaryDirectory(prefix="cma-recovery-") as folder:
        boards = VirtualBoards(Path(folder) / "boards")
        try:
            bench = Bench(boards)
            for first in range(0, OVER_THE_AIR, _STEP):
                seeds = range(first, min(first + _STEP, OVER_THE_AIR))
                lost += bench.over_the_air(seeds)
                say(f"{seeds.stop} damaged, lost {lost}")
            by_cable = bench.by_cable(range(BY_CABLE), Path(folder))
            say(f"{BY_CABLE} damaged in the root, lost {by_cable}")
        finally:
            boards.client.shutdown()
    return OVER_THE_AIR + BY_CABLE - len(lost) - len(by_cable)
