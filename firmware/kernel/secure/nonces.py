"""Numbers for frames, of which none is given twice, whatever happens to the power.

A number is part of a nonce, and one nonce used twice under one key gives both messages away. So
each number is reserved in flash before it is used, a block of them at a time: a start that has no
snapshot goes on behind what was reserved. The numbers never begin anew, not even with a new key;
only if all keys are given up.

Input    take(lane), and what a deep sleep kept
Effects  none; commits its record in the table
Bounds   2**28 frames to all, as many to one; a commit of 32 B for each BLOCK
Source   RFC 8613, appendix B.1.1; SPEC.md, "Numbers of frames"

    record `nonces`: [first number to all that is not reserved, the same to one, the epoch up to
    which this board may have used numbers that it has forgotten]
"""

from ..codec.cbor import decode, encode
from ..fields import read_word, write_word
from .sealed import NUMBER_BITS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..ports import Table

LANE_ALL, LANE_ONE = 0, 1
BLOCK = 256  # numbers per commit; what a start without a snapshot skips, at most
NO_NUMBER = -1
NO_FLOOR = (1 << 30) - 1  # that may be any: none is above it
KEY = b"nonces"

_RECORD_BYTES = 16
_END = 1 << NUMBER_BITS


class Nonces:
    """The two counters of a node, each with the ceiling that is on flash."""

    SNAPSHOT_BYTES = 8

    def __init__(self, table: "Table") -> None:
        self.floor = NO_FLOOR  # the group may be sent to in later epochs only
        self._table = table
        self.ceilings = [0, 0]  # all below are reserved
        self._next = [0, 0]
        self._is_known = False  # what flash says

    def know(self) -> bool:
        """Read what was reserved, once; tell whether it could be read."""
        if self._is_known:
            return True
        try:
            record = self._table.get(KEY)
        except OSError:
            return False
        ceilings = [0, 0]
        try:
            found: Any = decode(record or b"")
            ceilings[LANE_ALL], ceilings[LANE_ONE], self.floor = found
        except (TypeError, ValueError):
            self.floor = NO_FLOOR
        for lane in (LANE_ALL, LANE_ONE):
            # What a deep sleep kept counts unless flash went on without it.
            if not self._next[lane] or self._next[lane] < ceilings[lane] - BLOCK:
                self._next[lane] = ceilings[lane]
            self.ceilings[lane] = max(ceilings[lane], self._next[lane])
        self._is_known = True
        return True

    def take(self, lane: int) -> int:
        """Return a number that was never given before, NO_NUMBER if there is none.

        There is none while flash takes no reservation, and after the last: `is_spent`.
        """
        if not self.know():
            return NO_NUMBER
        number = self._next[lane]
        if number >= self.ceilings[lane] and not self._raise(lane):
            return NO_NUMBER
        self._next[lane] = number + 1
        return number

    def next_of(self, lane: int) -> int:
        """Return the number that will be given next."""
        return self._next[lane]

    @property
    def is_spent(self) -> bool:
        """Tell whether either counter nears its end: then all keys must be given up."""
        return max(self._next) >= _END - BLOCK

    def stage(self, ceilings: "list[int]", floor: int) -> None:
        """Stage a record that counts from its commit on."""
        self._table.put(
            KEY, encode([ceilings[LANE_ALL], ceilings[LANE_ONE], floor], _RECORD_BYTES)
        )

    def _raise(self, lane: int) -> bool:
        ceilings = list(self.ceilings)
        ceilings[lane] += BLOCK
        if ceilings[lane] > _END:
            return False
        try:
            self.stage(ceilings, self.floor)
            self._table.commit()
        except OSError:
            return False
        self.ceilings = ceilings  # not before it is on flash
        return True

    def save_into(self, buffer: bytearray, offset: int) -> int:
        """Write what a deep sleep keeps: no wake costs a block, or a write."""
        offset = write_word(buffer, offset, self._next[LANE_ALL])
        return write_word(buffer, offset, self._next[LANE_ONE])

    def load_from(self, buffer: "bytes | bytearray", offset: int) -> int:
        """Take back what `save_into` wrote, before the first number is taken."""
        self._next[LANE_ALL] = read_word(buffer, offset)
        self._next[LANE_ONE] = read_word(buffer, offset + 4)
        return offset + 8
