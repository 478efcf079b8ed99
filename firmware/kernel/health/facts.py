"""What a console shows of an agent's health: counts by their names, and the last traceback.

A board loads this when it prints and forgets it.

Input    counters, the health and the recovery of an agent, a table
Effects  none
Bounds   a dict has what happened at all: a reason, kind or cause that never did is left out
"""

from ..codec.frame import KIND_LAST
from ..errors import DROP_NAMES, DROP_REASONS, name_of
from ..limits import QUOTA_KINDS, QUOTA_NAMES
from .meters import DROPPED
from .report import FIGURE_NAMES, FIGURES, KEY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..limits import Quotas
    from ..shapes import Counts, Recovery, Table
    from .meters import Meters
    from .report import Health

KIND_NAMES = """unknown
announce
ping
pong
message
telemetry
request
response
fragment
offer"""
# By CAUSE_…
RESET_NAMES = """unknown
power_on
hard_reset
watchdog
deep_sleep
soft_reset
brownout
panic"""


def dropped(meters: "Meters") -> "dict[str, int]":
    """Return what was dropped, by its reason."""
    return _named(DROP_NAMES, DROP_REASONS, meters.counts, DROPPED, 1)


def dropped_kinds(meters: "Meters") -> "dict[str, int]":
    """Return what was dropped, by the kind of the frame."""
    return _named(KIND_NAMES, KIND_LAST + 1, meters.kinds)


def refusals(quotas: "Quotas") -> "dict[str, int]":
    """Return how often a quota refused, by its kind."""
    return _named(QUOTA_NAMES, QUOTA_KINDS, quotas.refused)


def tell(health: "Health", recovery: "Recovery", put: "Callable[[str, object], object]") -> None:
    """Put all figures by name, the resets by their cause, and the last traceback."""
    for index in range(FIGURES):
        put(name_of(FIGURE_NAMES, index), health.figures[index])
    put("heap_free_min", health.heap_free_min)
    put("resets", _named(RESET_NAMES, len(recovery.resets), recovery.resets))
    put("traceback", traceback(health.table))


def traceback(table: "Table") -> str:
    """Return the last traceback, that of an earlier boot too; "" if there is none."""
    try:
        text = bytearray(table.get(KEY) or b"")
    except OSError:
        return ""
    # Its beginning is cut off, perhaps within a character: what is no ASCII is shown as "?".
    for index in range(len(text)):
        if text[index] > 127:
            text[index] = 0x3F
    return text.decode()


def _named(
    names: str, count: int, counts: "Counts", start: int = 0, first: int = 0
) -> "dict[str, int]":
    found = {}
    for index in range(first, count):
        if counts[start + index]:
            found[name_of(names, index)] = counts[start + index]
    return found
