"""Counters: nothing is lost silently.

Input    add(meter), drop(reason, kind)
Effects  none
Bounds   one 32-bit word per meter and reason, one 16-bit word per kind of frame; a word that is
         full stays full
"""

from array import array

from ..codec.frame import KIND_LAST
from ..errors import DROP_NAMES, DROP_REASONS, name_of

SENT = 0
RECEIVED = 1
APP_ERRORS = 2
TIMERS_MISSED = 3  # periods that a busy application skipped
UNDELIVERED = 4  # frames to one neighbour that did not acknowledge
_DROPPED = 4  # reasons are counted from 1

_COUNT_MAX = (1 << 30) - 1  # a small int on every board
_KIND_MAX = 0xFFFF


class Meters:
    """All counters of one agent since its last boot that was no wake."""

    SNAPSHOT_BYTES = 4 * (_DROPPED + DROP_REASONS) + 2 * (KIND_LAST + 1)

    def __init__(self) -> None:
        self.counts = array("I", [0] * (_DROPPED + DROP_REASONS))
        self.kinds = array("H", [0] * (KIND_LAST + 1))  # dropped, by kind; 0: of no kind of ours

    def add(self, meter: int, count: int = 1) -> None:
        """Count something.

        Units: `count` is below 2**29.
        """
        self.counts[meter] = min(_COUNT_MAX, self.counts[meter] + count)

    def drop(self, reason: int, kind: int = 0) -> None:
        """Count a frame or message that was dropped: why, and of which kind if that is known."""
        self.add(_DROPPED + reason)
        if kind > KIND_LAST:
            kind = 0
        self.kinds[kind] = min(_KIND_MAX, self.kinds[kind] + 1)

    def dropped(self) -> "dict[str, int]":
        """Return what was dropped, by its reason, those that never happened left out."""
        result = {}
        for reason in range(1, DROP_REASONS):
            if self.counts[_DROPPED + reason]:
                result[name_of(DROP_NAMES, reason)] = self.counts[_DROPPED + reason]
        return result

    def save_into(self, buffer: bytearray, offset: int) -> int:
        """Write all counters."""
        for count in self.counts:
            buffer[offset] = count >> 24
            buffer[offset + 1] = (count >> 16) & 0xFF
            offset = _write_half(buffer, offset + 2, count & 0xFFFF)
        for count in self.kinds:
            offset = _write_half(buffer, offset, count)
        return offset

    def load_from(self, buffer: "bytes | bytearray", offset: int) -> int:
        """Take back what `save_into` wrote."""
        for index in range(len(self.counts)):
            high = (buffer[offset] & 0x3F) << 24 | buffer[offset + 1] << 16
            self.counts[index] = high | buffer[offset + 2] << 8 | buffer[offset + 3]
            offset += 4
        for index in range(len(self.kinds)):
            self.kinds[index] = buffer[offset] << 8 | buffer[offset + 1]
            offset += 2
        return offset


def _write_half(buffer: bytearray, offset: int, half: int) -> int:
    buffer[offset] = half >> 8
    buffer[offset + 1] = half & 0xFF
    return offset + 2
