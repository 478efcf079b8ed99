"""What a board keeps of a release besides its image, to hand it on as it came.

A log in the sectors that an image leaves free: documents, and blocks in the form in which they
travel. Nothing depends on it. What does not fit, or is torn, is not kept.

Input    load(), put(part, form, data), get(part, form)
Effects  flash
Bounds   the free sectors; some 60 B of heap for each record

    0        B7
    1..4     form
    5..6     part
    7..8     length of the data
    9..12    the tag of the release: what an older one left here is not its own
    13..16   CRC-32 of all others
    17..     the data, and zeros to a multiple of 32
"""

import binascii
from struct import pack_into, unpack_from

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..ports import Flash

_MAGIC = 0xB7
_HEAD = ">BIHHI"
_CRC_AT = 13
_HEAD_BYTES = 17
_UNIT_BYTES = 32
_PART_MAX = 0xFFFF


class Kept:
    """The log of one release in some sectors, each erased when it is begun."""

    def __init__(self, flash: "Flash", tag: int) -> None:
        self._flash = flash
        self._tag = tag
        self._at: "dict[tuple[int, int], int]" = {}  # of each record, by part and form
        self._end = 0
        self._bytes = flash.sector_bytes * flash.sector_count

    def load(self) -> None:
        """Find what is there."""
        at, size = 0, self._flash.sector_bytes
        while at < self._bytes:
            head = self._head(at)
            if head is not None and self._read(at) is not None:
                form, part, length = head
                self._at[(part, form)] = at
                at += _padded(length)
            elif at % size and self._is_erased(at, size - at % size):
                break
            elif at % size:
                at += size - at % size  # something torn: go on behind it
            else:
                break
        self._end = at

    def put(self, part: int, form: int, data: "bytes | bytearray") -> bool:
        """Keep a part; False if there is no room."""
        if (part, form) in self._at:
            return True
        start, size = self._end, _padded(len(data))
        if start + size > self._bytes or part > _PART_MAX:
            return False
        record = bytearray(size)
        pack_into(_HEAD, record, 0, _MAGIC, form, part, len(data), self._tag)
        record[_HEAD_BYTES : _HEAD_BYTES + len(data)] = data
        pack_into(">I", record, _CRC_AT, _checksum(record))
        try:
            self._program(start, record)
        except OSError:
            self._end = self._bytes  # of a medium that fails nothing more is asked
            return False
        self._at[(part, form)] = start
        self._end = start + size
        return True

    def get(self, part: int, form: int) -> "bytes | None":
        """Return a part as it came, None if it is not kept."""
        at = self._at.get((part, form))
        return None if at is None else self._read(at)

    def forms(self) -> "list[int]":
        """Return the forms that anything is kept in, in order."""
        found: "list[int]" = []
        for _part, form in self._at:
            if form not in found:
                found.append(form)
        return sorted(found)

    def _program(self, start: int, record: bytearray) -> None:
        size, done = self._flash.sector_bytes, 0
        while done < len(record):
            at = start + done
            if not at % size:
                self._flash.erase(at // size)
            part = min(len(record) - done, size - at % size)
            self._flash.program(at, memoryview(record)[done : done + part])
            done += part

    def _is_erased(self, at: int, size: int) -> bool:
        buffer = bytearray(size)
        try:
            self._flash.read(at, buffer)
        except OSError:
            return False
        return buffer == b"\xff" * size

    def _head(self, at: int) -> "tuple[int, int, int] | None":
        head = bytearray(_HEAD_BYTES)
        if at + _HEAD_BYTES > self._bytes:
            return None
        try:
            self._flash.read(at, head)
        except OSError:
            return None
        magic, form, part, length, tag = unpack_from(_HEAD, head, 0)
        if magic != _MAGIC or tag != self._tag or at + _padded(length) > self._bytes:
            return None
        return form, part, length

    def _read(self, at: int) -> "bytes | None":
        head = self._head(at)
        if head is None:
            return None
        record = bytearray(_padded(head[2]))
        try:
            self._flash.read(at, record)
        except OSError:
            return None
        if unpack_from(">I", record, _CRC_AT)[0] != _checksum(record):
            return None
        return bytes(memoryview(record)[_HEAD_BYTES : _HEAD_BYTES + head[2]])


def _checksum(record: bytearray) -> int:
    checksum = binascii.crc32(memoryview(record)[:_CRC_AT])
    return binascii.crc32(memoryview(record)[_HEAD_BYTES:], checksum)


def _padded(size: int) -> int:
    return -(-(_HEAD_BYTES + size) // _UNIT_BYTES) * _UNIT_BYTES
