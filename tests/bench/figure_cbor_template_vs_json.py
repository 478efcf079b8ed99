"""What part of the time of MicroPython's json the template of a telemetry frame takes.

Fifteen figures, usual, least and greatest ones; written and read. The worst is the figure. Writing
is done under `heap_lock` first, which fails if it takes a byte of heap.
"""

from collections.abc import Callable

from support.cbor_ratios import measure_rows

UNIT = "times_json"
AT_MOST = 0.6


def measure(say: Callable[[str], None]) -> float:
    """Time the telemetry frame in both directions."""
    return max(row.ratio for row in measure_rows(say, "template"))
