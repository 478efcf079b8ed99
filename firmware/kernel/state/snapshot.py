"""What a sleeping agent remembers in RTC memory, framed so that a wrong one is never believed.

Input    machines, each with `SNAPSHOT_BYTES`, `save_into(buffer, offset) -> offset` and
         `load_from(buffer, offset) -> offset`; their order is part of the format
Effects  none
Bounds   SNAPSHOT_BYTES_MAX in all; writing allocates nothing if the buffer has just its size
Source   SPEC.md, "Snapshot":

    0..1     magic
    2..3     FORMAT
    4..5     length of the whole
    6..9     sequence
    10..13   CRC-32 of the whole with these four bytes zero
    14..     each machine's section: its size (2 bytes), then its bytes

Deep sleep forgets everything but this and the flash. A snapshot is resumed only if

1. the hardware woke from deep sleep; after any other reset what RTC memory holds is older than
   what the agent has done since, and
2. its sequence, which is the boot count, is not below the one in flash. A boot that is no wake
   counts in flash before the agent does anything, so all snapshots from before it are refused
   from then on, and no wake costs a write.

The driver clears RTC memory as soon as it has read it: a snapshot is resumed once.
"""

import binascii

from ..codec.spans import read_short, write_short
from ..fields import read_word, write_word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..shapes import Remembering

FORMAT = 1  # another number whenever the meaning of a section changes
SNAPSHOT_BYTES_MAX = 1_024
_MAGIC = 0xC3A5
_HEAD_BYTES = 14
_CRC_AT = 10
_SIZE_BYTES = 2


def size_bytes(machines: "Sequence[Remembering]") -> int:
    """Return how long the snapshot of some machines is."""
    size = _HEAD_BYTES
    for machine in machines:
        size += _SIZE_BYTES + machine.SNAPSHOT_BYTES
    return size


def write_into(buffer: bytearray, machines: "Sequence[Remembering]", sequence: int) -> int:
    """Write the snapshot of all machines at the start of a buffer; return its length.

    Units: `sequence` is below 2**30; the buffer is at least `size_bytes` long.
    """
    length = size_bytes(machines)
    assert length <= SNAPSHOT_BYTES_MAX and length <= len(buffer)
    write_short(buffer, 0, _MAGIC)
    write_short(buffer, 2, FORMAT)
    write_short(buffer, 4, length)
    write_word(buffer, 6, sequence)
    write_word(buffer, _CRC_AT, 0)
    offset = _HEAD_BYTES
    for machine in machines:
        size = machine.SNAPSHOT_BYTES
        offset = write_short(buffer, offset, size)
        after = machine.save_into(buffer, offset)
        offset += size
        assert after == offset
    whole = buffer if len(buffer) == length else memoryview(buffer)[:length]
    crc = binascii.crc32(whole)
    write_short(buffer, _CRC_AT, crc >> 16)
    write_short(buffer, _CRC_AT + 2, crc & 0xFFFF)
    return length


def read_from(
    data: "bytes | bytearray | None", machines: "Sequence[Remembering]", sequence_min: int
) -> bool:
    """Bring all machines back; False, and none is touched, if the snapshot is not to be believed.

    None, nothing or something else, a torn or damaged snapshot, one with another format or other
    sections, and one that is older than `sequence_min` are not.
    """
    if not data or not _is_good(data, machines, sequence_min):
        return False
    offset = _HEAD_BYTES
    for machine in machines:
        offset += _SIZE_BYTES
        after = machine.load_from(data, offset)
        offset += machine.SNAPSHOT_BYTES
        assert after == offset
    return True


def _is_good(
    data: "bytes | bytearray", machines: "Sequence[Remembering]", sequence_min: int
) -> bool:
    length = size_bytes(machines)
    if len(data) < length:
        return False
    if read_short(data, 0) != _MAGIC or read_short(data, 2) != FORMAT:
        return False
    if read_short(data, 4) != length or read_word(data, 6) < sequence_min:
        return False
    whole = memoryview(data)
    crc = binascii.crc32(bytes(4), binascii.crc32(whole[:_CRC_AT]))
    crc = binascii.crc32(whole[_HEAD_BYTES:length], crc)
    if read_short(data, _CRC_AT) != crc >> 16 or read_short(data, _CRC_AT + 2) != crc & 0xFFFF:
        return False
    offset = _HEAD_BYTES
    for machine in machines:
        if read_short(data, offset) != machine.SNAPSHOT_BYTES:
            return False
        offset += _SIZE_BYTES + machine.SNAPSHOT_BYTES
    return True
