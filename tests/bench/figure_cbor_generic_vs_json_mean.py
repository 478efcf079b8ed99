"""The geometric mean of what `cbor_generic_vs_json` is the worst of.

Of the two readers the slower one counts for each message.
"""

from collections.abc import Callable

from support.cbor_ratios import mean, measure_rows

UNIT = "times_json"
AT_MOST = 3.8


def measure(say: Callable[[str], None]) -> float:
    """Time every message in both directions."""
    return mean(measure_rows(say, "generic"))
