"""Erases per 52 B put over 20,000 of them, and how evenly they wear the sectors.

The worst of four tables. Sectors whose erases differ by more than one make the measure fail.
"""

from collections.abc import Callable

from support.journal_load import run

UNIT = "erases_per_put"
AT_MOST = 0.02
PUTS = 20_000
TABLES = ((1, 1), (12, 6), (20, 5), (20, 20))


def measure(say: Callable[[str], None]) -> float:
    """Return the worst of the tables."""
    worst = 0.0
    for keys, changing in TABLES:
        _, erases, spread = run(keys, changing, PUTS)
        say(f"{keys} keys, {changing} changing: {erases:.5f}, sectors differ by {spread}")
        if spread > 1:
            raise RuntimeError("wear is uneven")
        worst = max(worst, erases)
    return worst
