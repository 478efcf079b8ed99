"""How many times longer the kernel's CBOR takes than MicroPython's json, which is written in C.

Ping (3 keys), telemetry (8 keys with a float, a bool and null), a nested command and a map with
integer keys; written, read strictly and read in any form. The worst of all is the figure.
"""

from collections.abc import Callable

from support.cbor_ratios import mean, measure_rows

UNIT = "times_json"
AT_MOST = 5.0


def measure(say: Callable[[str], None]) -> float:
    """Time every message in both directions."""
    rows = measure_rows(say, "generic")
    say(f"geometric mean {mean(rows):.2f}")
    return max(row.ratio for row in rows)
