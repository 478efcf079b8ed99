"""Counters: nothing is lost silently.

Input    add(meter)
Effects  none
Bounds   one small int per meter; above 2**30 a board allocates for it
"""

SENT = 0
RECEIVED = 1
APP_ERRORS = 2
TIMERS_MISSED = 3  # periods that a busy application skipped
UNDELIVERED = 4  # frames to one neighbour that did not acknowledge
DROPPED_FULL = 5  # the outbox was full
DROPPED_NO_SUCH_NEIGHBOUR = 6
DROPPED_MALFORMED = 7
DROPPED_FOREIGN = 8  # of another network
DROPPED_OTHER_TARGET = 9
DROPPED_DUPLICATE = 10
DROPPED_ECHO = 11  # our own frame came back

DROPPED_NAMES = (
    "full",
    "no such neighbour",
    "malformed",
    "other network",
    "other target",
    "duplicate",
    "echo",
)


class Meters:
    """All counters of one agent since it started."""

    def __init__(self) -> None:
        self.counts = [0] * (DROPPED_ECHO + 1)

    def add(self, meter: int, count: int = 1) -> None:
        """Count something."""
        self.counts[meter] += count

    def dropped(self) -> "dict[str, int]":
        """Return what was dropped, by its kind, the kinds that never happened left out."""
        result = {}
        for index in range(len(DROPPED_NAMES)):
            if self.counts[DROPPED_FULL + index]:
                result[DROPPED_NAMES[index]] = self.counts[DROPPED_FULL + index]
        return result
