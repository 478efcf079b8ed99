"""Counters: nothing is lost silently.

Input    add(meter), drop(reason, kind)
Effects  none
Bounds   one word per meter and reason, half of one per kind of frame; what is full stays full
"""

from array import array

from ..codec.frame import KIND_LAST
from ..codec.spans import read_short, write_short
from ..errors import DROP_REASONS
from ..fields import read_word, write_word

SENT = 0
RECEIVED = 1
APP_ERRORS = 2
TIMERS_MISSED = 3  # periods that a busy application skipped
UNDELIVERED = 4  # frames to one neighbour that did not acknowledge
DROPPED = 4  # and the reason, which begins with 1
_METERS = DROPPED + DROP_REASONS
_KINDS = KIND_LAST + 1

_COUNT_MAX = (1 << 30) - 1  # a small int on every board


class Meters:
    """All counters of one agent since its last boot that was no wake."""

    SNAPSHOT_BYTES = 4 * _METERS + 2 * _KINDS

    def __init__(self) -> None:
        self.counts = array("i", bytes(4 * _METERS))
        self.kinds = array("H", bytes(2 * _KINDS))  # dropped; 0: of a kind that is not known

    def add(self, meter: int, count: int = 1) -> None:
        """Count something.

        Units: `count` is below 2**29.
        """
        count += self.counts[meter]
        self.counts[meter] = count if count < _COUNT_MAX else _COUNT_MAX

    def drop(self, reason: int, kind: int = 0) -> None:
        """Count a frame or message that was dropped: why, and of which kind if that is known."""
        self.add(DROPPED + reason)
        if kind > KIND_LAST:
            kind = 0
        self.kinds[kind] = min(0xFFFF, self.kinds[kind] + 1)

    def save_into(self, buffer: bytearray, offset: int) -> int:
        """Write all counters."""
        for index in range(_METERS):
            offset = write_word(buffer, offset, self.counts[index])
        for index in range(_KINDS):
            offset = write_short(buffer, offset, self.kinds[index])
        return offset

    def load_from(self, buffer: "bytes | bytearray", offset: int) -> int:
        """Take back what `save_into` wrote."""
        for index in range(_METERS):
            self.counts[index] = read_word(buffer, offset)
            offset += 4
        for index in range(_KINDS):
            self.kinds[index] = read_short(buffer, offset)
            offset += 2
        return offset
