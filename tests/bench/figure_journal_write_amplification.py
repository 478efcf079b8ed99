"""Bytes programmed per byte put at 52 B puts, over 20,000 of them: 20 laps of the state partition.

52 B are key and value together; a commit is one put. Records, padding, sector headers and records
copied forward all count. The worst of three tables; a fourth, beyond the bar's, is only told.
"""

from collections.abc import Callable

from support.journal_load import run

UNIT = "bytes_per_byte"
AT_MOST = 1.25
PUTS = 20_000
TABLES = {
    "one key": (1, 1),
    "12 keys, all changing": (12, 12),
    "12 keys, 6 never change": (12, 6),
}
LARGE = ("20 keys, 15 never change", (20, 5))


def measure(say: Callable[[str], None]) -> float:
    """Return the worst of the tables."""
    results = {name: run(*table, PUTS)[0] for name, table in TABLES.items()}
    for name, amplification in results.items():
        say(f"{name}: {amplification:.4f}")
    say(f"for information, {LARGE[0]}: {run(*LARGE[1], PUTS)[0]:.4f}")
    return max(results.values())
