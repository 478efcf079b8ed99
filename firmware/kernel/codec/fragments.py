"""Messages larger than one frame: cut when they leave, joined when they arrive.

All fragments of a message but the last carry FRAGMENT_BYTES, so that an index says where a
fragment lies and none can overlap another. A sender has at most one message under way here: its
next one takes the place of one that is not complete.

Input    take(now, source, buffer, start, end), release(), expire(now)
Effects  none; results are return codes
Bounds   REASSEMBLIES_MAX buffers of MESSAGE_BYTES_MAX, each allocated when it is needed first, and
         kept; without heap for it the message is dropped
Source   SPEC.md, "Fragments"
"""

from array import array

from ..errors import (
    DROP_DUPLICATE,
    DROP_FRAGMENT_COLLISION,
    DROP_FRAGMENT_CONFLICT,
    DROP_FRAGMENT_FULL,
    DROP_MALFORMED,
)
from ..limits import (
    FRAGMENT_BYTES,
    FRAGMENTS_MAX,
    MESSAGE_BYTES_MAX,
    REASSEMBLIES_MAX,
    REASSEMBLY_MS_MAX,
)
from ..ticks import ticks_add, ticks_diff
from . import cbor
from .frame import VALUE_KINDS
from .messages import head_argument, head_bytes
from .spans import copy, is_same

COMPLETE = -1
_UINT, _BYTES, _ARRAY = 0, 2, 4
_FIELDS = 5


def count_of(size_bytes: int) -> int:
    """Return how many fragments a payload of this size is cut into."""
    return -(-size_bytes // FRAGMENT_BYTES)


def write_fragment(  # noqa: PLR0917 - keywords cost a board more
    buffer: bytearray, offset: int, number: int, index: int, kind: int, data: bytearray, size: int
) -> int:
    """Write one fragment of a payload of `size` bytes at an offset; return the offset after it."""
    start = index * FRAGMENT_BYTES
    length = min(FRAGMENT_BYTES, size - start)
    offset = cbor.write_head(buffer, offset, _ARRAY, _FIELDS)
    offset = cbor.write_head(buffer, offset, _UINT, number)
    offset = cbor.write_head(buffer, offset, _UINT, index)
    offset = cbor.write_head(buffer, offset, _UINT, count_of(size))
    offset = cbor.write_head(buffer, offset, _UINT, kind)
    offset = cbor.write_head(buffer, offset, _BYTES, length)
    return copy(data, start, buffer, offset, length)


class Fragments:
    """Join what arrives; after COMPLETE `kind`, `buffer` and `length` hold until `release`."""

    def __init__(self) -> None:
        self._sources = [0] * REASSEMBLIES_MAX  # 0: the slot is free
        self._numbers = array("H", self._sources)
        self._kinds = bytearray(REASSEMBLIES_MAX)
        self._counts = bytearray(REASSEMBLIES_MAX)
        self._arrived = bytearray(REASSEMBLIES_MAX)  # bit n: fragment n
        self._lengths = array("H", self._sources)  # known once the last fragment is here
        self._started_at_ms = array("I", self._sources)
        self._buffers: "list[bytearray]" = []  # of the first slots: the lowest is taken first
        self._slot = 0
        # The fields of the fragment at hand.
        self._number = self._index = self._count = self._kind = self._data_at = self._size = 0
        self.incomplete = 0  # messages that were given up
        self.kind = 0
        self.buffer: "bytes | bytearray" = b""
        self.length = 0

    def take(
        self, now_ms: int, source: int, buffer: "bytes | bytearray", start: int, end: int
    ) -> int:
        """Take in a fragment: 0 if others are missing yet, COMPLETE, or a DROP_ reason."""
        if not self._read(buffer, start, end):
            return DROP_MALFORMED
        reason = self._choose_slot(now_ms, source)
        slot, bit = self._slot, 1 << self._index
        if reason:
            return reason
        if self._arrived[slot] & bit:
            if self._is_same(buffer):
                return DROP_DUPLICATE
            self._sources[slot] = 0
            return DROP_FRAGMENT_CONFLICT
        offset, target = self._index * FRAGMENT_BYTES, self._buffers[slot]
        copy(buffer, self._data_at, target, offset, self._size)
        self._arrived[slot] |= bit
        if self._index == self._count - 1:
            self._lengths[slot] = offset + self._size
        if self._arrived[slot] != (1 << self._count) - 1:
            return 0
        self.kind, self.buffer, self.length = self._kind, target, self._lengths[slot]
        return COMPLETE

    def release(self) -> None:
        """Free the slot of the message that was completed last."""
        self._sources[self._slot] = 0

    def expire(self, now_ms: int) -> None:
        """Give up the messages whose last fragment does not come."""
        for slot in range(REASSEMBLIES_MAX):
            span_ms = ticks_diff(now_ms, self._started_at_ms[slot])
            if self._sources[slot] and span_ms >= REASSEMBLY_MS_MAX:
                self._give_up(slot)

    def next_at_ms(self, now_ms: int) -> int:
        """Return when `expire` has something to do, -1 if never."""
        first_ms = -1
        for slot in range(REASSEMBLIES_MAX):
            if self._sources[slot]:
                left_ms = REASSEMBLY_MS_MAX - ticks_diff(now_ms, self._started_at_ms[slot])
                if first_ms < 0 or left_ms < first_ms:
                    first_ms = max(0, left_ms)
        return -1 if first_ms < 0 else ticks_add(now_ms, first_ms)

    def _give_up(self, slot: int) -> None:
        self._sources[slot] = 0
        self.incomplete += 1

    def _read(self, buffer: "bytes | bytearray", offset: int, end: int) -> bool:
        if head_argument(buffer, offset, end, _ARRAY) != _FIELDS:
            return False
        self._number = head_argument(buffer, offset + 1, end, _UINT)
        offset += 1 + head_bytes(self._number)
        self._index = head_argument(buffer, offset, end, _UINT)
        self._count = head_argument(buffer, offset + 1, end, _UINT)
        self._kind = head_argument(buffer, offset + 2, end, _UINT)
        self._size = head_argument(buffer, offset + 3, end, _BYTES)
        self._data_at = offset + 3 + head_bytes(self._size)
        if self._number <= 0 or not 0 <= self._index < self._count <= FRAGMENTS_MAX:
            return False
        if self._kind < 0 or self._kind not in VALUE_KINDS or self._count < 2:
            return False
        is_last = self._index == self._count - 1
        if not (0 < self._size <= FRAGMENT_BYTES if is_last else self._size == FRAGMENT_BYTES):
            return False
        whole = self._index * FRAGMENT_BYTES + self._size
        return whole <= MESSAGE_BYTES_MAX and self._data_at + self._size == end

    def _choose_slot(self, now_ms: int, source: int) -> int:
        # Looked for twice: an exception would allocate.
        if source in self._sources:
            slot = self._slot = self._sources.index(source)
            if self._numbers[slot] == self._number:
                same = self._kinds[slot] == self._kind and self._counts[slot] == self._count
                return 0 if same else DROP_FRAGMENT_COLLISION
            self._give_up(slot)
        else:
            self.expire(now_ms)
            if 0 not in self._sources:
                return DROP_FRAGMENT_FULL
            slot = self._slot = self._sources.index(0)
            if slot == len(self._buffers) and not self._grow():
                return DROP_FRAGMENT_FULL
        self._sources[slot] = source
        self._numbers[slot] = self._number
        self._kinds[slot] = self._kind
        self._counts[slot] = self._count
        self._arrived[slot] = 0
        self._started_at_ms[slot] = now_ms
        return 0

    def _grow(self) -> bool:
        try:
            self._buffers.append(bytearray(MESSAGE_BYTES_MAX))
        except MemoryError:
            return False
        return True

    def _is_same(self, buffer: "bytes | bytearray") -> bool:
        slot, offset = self._slot, self._index * FRAGMENT_BYTES
        if self._index == self._count - 1 and offset + self._size != self._lengths[slot]:
            return False
        return is_same(self._buffers[slot], offset, buffer, self._data_at, self._size)
