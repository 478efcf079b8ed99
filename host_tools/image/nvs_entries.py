"""One entry of an NVS page: 32 bytes, and the entries of content that follow it.

Source: ESP-IDF `components/nvs_flash/src/nvs_types.hpp` and the guide's "Entry Structure"
"""

import struct
import zlib
from dataclasses import dataclass

ENTRY_BYTES = 32
NAMESPACES = 0  # the namespace whose keys are the names of the others
INTEGERS = {
    0x01: "B",
    0x11: "b",
    0x02: "H",
    0x12: "h",
    0x04: "I",
    0x14: "i",
    0x08: "Q",
    0x18: "q",
}
STRING = 0x21
BLOB_OLD = 0x41
BLOB_DATA = 0x42
BLOB_INDEX = 0x48
KINDS = {
    0x01: "u8",
    0x11: "i8",
    0x02: "u16",
    0x12: "i16",
    0x04: "u32",
    0x14: "i32",
    0x08: "u64",
    0x18: "i64",
}
_LONG = (STRING, BLOB_OLD, BLOB_DATA)
_ENTRY = struct.Struct("<BBBBI16s8s")


@dataclass(frozen=True, slots=True)
class RawEntry:
    """An intact entry; `content` is empty unless the kind has content behind it."""

    namespace: int
    kind: int
    span: int
    chunk: int
    key: str
    data: bytes
    content: bytes


def entry_at(page: bytes, at: int, room_bytes: int) -> RawEntry | None:
    """Read the entry at an offset of a page; None if it is damaged.

    Units    room_bytes: from the entry's start to the end of the page
    """
    namespace, kind, span, chunk, crc, key, data = _ENTRY.unpack_from(page, at)
    header = page[at : at + 4] + page[at + 8 : at + ENTRY_BYTES]
    known = kind in INTEGERS or kind == BLOB_INDEX or kind in _LONG
    if (
        zlib.crc32(header, 0xFFFFFFFF) != crc
        or not known
        or not 1 <= span * ENTRY_BYTES <= room_bytes
    ):
        return None
    content = b""
    if kind in _LONG:
        size_bytes, _, content_crc = struct.unpack("<HHI", data)
        if size_bytes > (span - 1) * ENTRY_BYTES:
            return None
        content = page[at + ENTRY_BYTES : at + ENTRY_BYTES + size_bytes]
        if zlib.crc32(content, 0xFFFFFFFF) != content_crc:
            return None
    name = key.split(b"\0")[0].decode("utf-8", "replace")
    return RawEntry(namespace, kind, span, chunk, name, data, bytes(content))
