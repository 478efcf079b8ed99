"""By how much the memory of a world grows per agent and wake, in 30 simulated days.

Agents that wake, write to flash and are rebuilt every five minutes; the least memory of each day's
hours, by least squares, without the cells of flash, which have a bound of their own. Counted from
the day on which instants in milliseconds have taken one more word, and the ring of flash is full.

To a tenth of a byte: less than 14 B per agent and day, half an object, count as none; the smallest
has 28 B. A counter that becomes too large for the numbers that Python shares takes one, once.
"""

import json
import subprocess
import sys
from collections.abc import Callable

from support.world_memory import slope

UNIT = "bytes per agent and wake"
AT_MOST = 0
AGENTS, PERIOD_S, DAYS, FIRST_DAY = 3, 300, 30, 16
WAKES_A_DAY = 86_400 // PERIOD_S
_PROGRAM = """
import json, sys
sys.path[:0] = {path!r}
from support.world_memory import least_each_day
print(json.dumps(least_each_day(*{arguments!r})))
"""


def measure(say: Callable[[str], None]) -> float:
    """Return the slope."""
    program = _PROGRAM.format(path=sys.path[:2], arguments=(AGENTS, PERIOD_S, DAYS))
    ended = subprocess.run(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True
    )
    days: list[int] = json.loads(ended.stdout)
    say(" ".join(str(size) for size in days))
    return round(slope(days[FIRST_DAY:]) / AGENTS / WAKES_A_DAY, 1)
