"""What a board keeps of a release besides its image: to hand it on as it came, to go on with it.

A log in the sectors that an image leaves free: documents, and blocks in the form in which they
travel, each piece put away as it comes. Nothing depends on it. What does not fit, or is torn, is
not kept; only what was found sound is handed on.

Input    load(), put(part, form, data), get(part, form); begin(part, form, size), add(part, index,
         data), judge(part, is_sound), started(part)
Effects  flash
Bounds   the free sectors; some 60 B of heap for each record

    0        B8
    1..4     form
    5..6     part
    7..8     length of the data
    9..12    the tag of the release: what an older one left here is not its own
    13..16   CRC-32 of these
    32..63   erased as long as it is not known what it is worth; SOUND; else it is wrong
    64..     each piece, zeros, and in its last four bytes its CRC-32; a multiple of 32
"""

import binascii
from struct import pack_into, unpack_from

from .talk import PIECE_BYTES, piece_count, piece_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..ports import Flash

_MAGIC = 0xB8
_HEAD = ">BIHHI"
_HEAD_BYTES = 13  # and its checksum
_UNIT_BYTES = 32
_MARK_AT, _PIECES_AT = _UNIT_BYTES, 2 * _UNIT_BYTES
_CHECKSUM_BYTES = 4
_PART_MAX = 0xFFFF
_OPEN, _SOUND, _WRONG = 0xFF, 0x55, 0


class Kept:
    """The log of one release in some sectors, each erased when it is begun."""

    def __init__(self, flash: "Flash", tag: int) -> None:
        self._flash = flash
        self._tag = tag
        self._at: "dict[tuple[int, int], int]" = {}  # of each sound record, by part and form
        self._started: "dict[int, tuple[int, int, int]]" = {}  # place, form and size of the others
        self._end = 0
        self._bytes = flash.sector_bytes * flash.sector_count

    def load(self) -> None:
        """Find what is there."""
        at, size = 0, self._flash.sector_bytes
        while at < self._bytes:
            head = self._head(at)
            if head is not None:
                self._note(at, head)
                at += _padded(head[2])
            elif at % size and self._is_erased(at, size - at % size):
                break
            elif at % size:
                at += size - at % size  # something torn: go on behind it
            else:
                break
        self._end = at

    def put(self, part: int, form: int, data: "bytes | bytearray") -> bool:
        """Keep a sound part; False if there is no room."""
        if (part, form) in self._at:
            return True
        if not self.begin(part, form, len(data)):
            return False
        for index in range(piece_count(len(data))):
            self.add(part, index, piece_of(data, index))
        self.judge(part, True)
        return (part, form) in self._at

    def get(self, part: int, form: int) -> "bytes | None":
        """Return a sound part as it came, None if it is not kept."""
        at = self._at.get((part, form))
        head = None if at is None else self._head(at)
        if at is None or head is None:
            return None
        data, missing = self._pieces(at, head[2])
        return None if missing else bytes(data)

    def forms(self) -> "list[int]":
        """Return the forms that anything sound is kept in, in order."""
        found: "list[int]" = []
        for _part, form in self._at:
            if form not in found:
                found.append(form)
        return sorted(found)

    def begin(self, part: int, form: int, size: int) -> bool:
        """Make a place for the pieces of a part; False if there is no room."""
        start, end = self._end, self._end + _padded(size)
        if end > self._bytes or part > _PART_MAX:
            return False
        head, sector_bytes = bytearray(_UNIT_BYTES), self._flash.sector_bytes
        pack_into(_HEAD, head, 0, _MAGIC, form, part, size, self._tag)
        pack_into(">I", head, _HEAD_BYTES, binascii.crc32(memoryview(head)[:_HEAD_BYTES]))
        try:
            for sector in range(-(-start // sector_bytes), -(-end // sector_bytes)):
                self._flash.erase(sector)
            self._flash.program(start, head)
        except OSError:
            self._end = self._bytes  # of a medium that fails nothing more is asked
            return False
        self._end = end
        self._started[part] = start, form, size
        return True

    def is_started(self, part: int, form: int, size: int) -> bool:
        """Tell whether pieces of a part of this form and size have a place."""
        return self._started.get(part, (0, -1, -1))[1:] == (form, size)

    def add(self, part: int, index: int, data: bytes) -> None:
        """Put a piece into the place that was made for its part."""
        at = self._started[part][0] + _PIECES_AT + index * _piece_bytes(PIECE_BYTES)
        piece = bytearray(_piece_bytes(len(data)))
        piece[: len(data)] = data
        checksum = binascii.crc32(data)
        pack_into(">I", piece, len(piece) - _CHECKSUM_BYTES, checksum)
        if self._is_erased(at, len(piece)):  # else the power went while it was programmed
            self._program(at, piece)

    def judge(self, part: int, is_sound: bool) -> None:
        """Say what a part is worth, of which pieces may have been put away."""
        at, form, _size = self._started.pop(part, (-1, 0, 0))
        if at < 0:
            return
        self._program(at + _MARK_AT, bytes((_SOUND if is_sound else _WRONG,)) * _UNIT_BYTES)
        if is_sound:
            self._at[part, form] = at

    def started(self, part: int) -> "tuple[int, bytearray, int] | None":
        """Return form, data and missing pieces of a part that is not yet known to be sound.

        Where a piece is torn the part is to be begun anew, with what is there of it.
        """
        at, form, size = self._started.get(part, (-1, 0, 0))
        if at < 0:
            return None
        data, missing = self._pieces(at, size)
        for index in range(piece_count(size)):
            place = at + _PIECES_AT + index * _piece_bytes(PIECE_BYTES)
            length = _piece_bytes(min(PIECE_BYTES, size - index * PIECE_BYTES))
            if missing >> index & 1 and not self._is_erased(place, length):
                self._started.pop(part, None)
        return form, data, missing

    def _note(self, at: int, head: "tuple[int, int, int]") -> None:
        form, part, size = head
        mark = bytearray(_UNIT_BYTES)
        self._read(at + _MARK_AT, mark)
        self._started.pop(part, None)  # what came later counts
        if mark == bytes((_SOUND,)) * _UNIT_BYTES:
            self._at[part, form] = at
        elif mark == bytes((_OPEN,)) * _UNIT_BYTES:
            self._started[part] = at, form, size

    def _pieces(self, at: int, size: int) -> "tuple[bytearray, int]":
        data, missing = bytearray(size), 0
        for index in range(piece_count(size)):
            length = min(PIECE_BYTES, size - index * PIECE_BYTES)
            piece = bytearray(_piece_bytes(length))
            is_read = self._read(at + _PIECES_AT + index * _piece_bytes(PIECE_BYTES), piece)
            checksum = unpack_from(">I", piece, len(piece) - _CHECKSUM_BYTES)[0]
            held = memoryview(piece)[:length]
            if is_read and binascii.crc32(held) == checksum:
                data[index * PIECE_BYTES : index * PIECE_BYTES + length] = held
            else:
                missing |= 1 << index
        return data, missing

    def _head(self, at: int) -> "tuple[int, int, int] | None":
        head = bytearray(_HEAD_BYTES + _CHECKSUM_BYTES)
        if at + _UNIT_BYTES > self._bytes or not self._read(at, head):
            return None
        magic, form, part, length, tag = unpack_from(_HEAD, head, 0)
        if magic != _MAGIC or tag != self._tag or at + _padded(length) > self._bytes:
            return None
        checksum = binascii.crc32(memoryview(head)[:_HEAD_BYTES])
        if unpack_from(">I", head, _HEAD_BYTES)[0] != checksum:
            return None
        return form, part, length

    def _is_erased(self, at: int, size: int) -> bool:
        buffer = bytearray(size)
        return self._read(at, buffer) and buffer == b"\xff" * size

    def _read(self, at: int, buffer: bytearray) -> bool:
        try:
            self._flash.read(at, buffer)
        except OSError:
            return False
        return True

    def _program(self, at: int, data: "bytes | bytearray") -> None:
        try:
            self._flash.program(at, data)
        except OSError:
            self._end = self._bytes


def _piece_bytes(size: int) -> int:
    return -(-(size + _CHECKSUM_BYTES) // _UNIT_BYTES) * _UNIT_BYTES


def _padded(size: int) -> int:
    count = piece_count(size)
    last = size - max(0, count - 1) * PIECE_BYTES
    return _PIECES_AT + max(0, count - 1) * _piece_bytes(PIECE_BYTES) + _piece_bytes(last)
