"""What is read back from a board's flash: partition tables, application images, NVS, ROMFS.

The first byte says which; with its highest bit the digests in it are made right.
"""

import struct
import zlib
from hashlib import md5, sha256

from cma_toolkit.boards.flash_map import Partition
from cma_toolkit.host_tools.flash import table_state
from cma_toolkit.host_tools.image import app_image, nvs, nvs_entries, partition_table, romfs
from cma_toolkit.host_tools.image.errors import ImageError

MODULES = (
    "cma_toolkit.host_tools.image.partition_table",
    "cma_toolkit.host_tools.image.app_image",
    "cma_toolkit.host_tools.image.nvs",
    "cma_toolkit.host_tools.image.nvs_entries",
    "cma_toolkit.host_tools.image.romfs",
    "cma_toolkit.host_tools.flash.table_state",
)
TABLE, APPLICATION, NVS, ROMFS = range(4)
_RIGHT = 0x80
_ENTRY_BYTES = 32
_OURS = partition_table.to_bytes([Partition("nvs", 1, 2, 0x9000, 0x6000)])
_IMAGE = app_image.build(9, 0x40000000, [app_image.Segment(0x3F400020, bytes(64))]).to_bytes()
_FILES = {"a.mpy": b"bytes", "kernel/b.mpy": b"more", "kernel/c/d": b""}


def _entry(namespace: int, kind: int, key: bytes, data: bytes, span: int = 1) -> bytes:
    return struct.pack("<BBBBI16s8s", namespace, kind, span, 255, 0, key, data)


def seeds() -> list[bytes]:
    """Return one of each, with right digests and without."""
    values = _entry(0, 1, b"cma", b"\x01") + _entry(1, 0x14, b"count", struct.pack("<i", -7))
    text = _entry(1, 0x21, b"text", struct.pack("<HHI", 5, 0, 0), 2) + b"text\0".ljust(32, b"\xff")
    index = _entry(1, 0x48, b"blob", struct.pack("<IBB", 3, 1, 0))
    chunk = struct.pack("<BBBBI16s8s", 1, 0x42, 2, 0, 0, b"blob", struct.pack("<HHI", 3, 0, 0))
    made = [
        (TABLE, _OURS.rstrip(b"\xff") + b"\xff" * 32),
        (TABLE, table_state.unfinished_sector("adopt " + "0" * 20)[0xE00:]),
    ]
    made += [(APPLICATION, _IMAGE), (APPLICATION, _IMAGE[:-33])]
    made += [(NVS, values + text), (NVS, index + chunk + b"abc".ljust(32, b"\xff"))]
    made += [(ROMFS, romfs.pack(_FILES)), (ROMFS, romfs.pack({}))]
    return [bytes((form | right,)) + data for form, data in made for right in (0, _RIGHT)]


def take(data: bytes) -> bytes:
    """Return what was read."""
    if not data:
        return b""
    form, body = data[0] & 3, data[1:]
    is_right = data[0] & _RIGHT > 0
    reader = (_table, _application, _nvs, _romfs)[form]
    try:
        return reader(body, is_right)
    except ImageError as error:
        assert str(error).endswith(".")  # a sentence that says what to do
        return b""


def _table(body: bytes, is_right: bool) -> bytes:
    if is_right:
        rows = body[: len(body) // _ENTRY_BYTES * _ENTRY_BYTES]
        body = rows + b"\xeb\xeb" + b"\xff" * 14 + md5(rows).digest() + b"\xff" * 32
    state = table_state.judge(body.ljust(4096, b"\xff"), _OURS.ljust(3072, b"\xff"))
    partitions = partition_table.from_bytes(body)
    try:
        partition_table.check(partitions)
    except ImageError:
        return state.mark.encode()
    text = partition_table.to_csv(partitions)
    assert [row.offset for row in partition_table.from_csv(text)] == [
        row.offset for row in partitions
    ]
    return text.encode()


def _application(body: bytes, is_right: bool) -> bytes:
    if is_right:
        body = _summed(body)
    image, end = app_image.from_bytes(body)
    assert end <= len(body)
    return b"".join(segment.data for segment in image.segments)


def _summed(body: bytes) -> bytes:
    # Cut to 16 with a right checksum; its SHA-256 follows.
    body = body[: len(body) & ~15]
    if len(body) < 32:
        return body
    at, sum_ = 24, 0xEF
    for _ in range(body[1]):
        if at + 8 > len(body):
            break
        size = int.from_bytes(body[at + 4 : at + 8], "little")
        for byte in body[at + 8 : at + 8 + size]:
            sum_ ^= byte
        at += 8 + size
    body = body[:-1] + bytes((sum_,))
    return body + sha256(body).digest()


def _nvs(body: bytes, is_right: bool) -> bytes:
    if not is_right:
        whole = body.ljust(nvs.PAGE_BYTES, b"\xff")
        assert isinstance(nvs.are_sound(whole), bool)
        return repr(nvs.from_bytes(whole)).encode()
    head = struct.pack("<IIB", 0xFFFFFFFE, 0, 0xFE).ljust(28, b"\xff")
    head += struct.pack("<I", zlib.crc32(head[4:], 0xFFFFFFFF))
    entries = bytearray(body[: 126 * _ENTRY_BYTES])
    _make_right(entries)
    page = head + b"\xaa" * 32 + bytes(entries)
    found = nvs.from_bytes(page.ljust(nvs.PAGE_BYTES, b"\xff"))
    return repr(found).encode()


def _make_right(entries: bytearray) -> None:
    at = 0
    while at + _ENTRY_BYTES <= len(entries):
        span = max(1, entries[at + 2])
        if entries[at + 1] in nvs_entries._LONG:
            size = int.from_bytes(entries[at + 24 : at + 26], "little")
            content = entries[at + _ENTRY_BYTES : at + _ENTRY_BYTES + size]
            entries[at + 28 : at + 32] = struct.pack("<I", zlib.crc32(content, 0xFFFFFFFF))
        covered = entries[at : at + 4] + entries[at + 8 : at + _ENTRY_BYTES]
        entries[at + 4 : at + 8] = struct.pack("<I", zlib.crc32(covered, 0xFFFFFFFF))
        at += span * _ENTRY_BYTES


def _romfs(body: bytes, is_right: bool) -> bytes:
    # With its highest bit the length in front is that of the rest.
    if is_right:
        size = len(body)
        body = b"\xd2\xcd\x31" + bytes((0x80 | size >> 7 & 0x7F, size & 0x7F)) + body
    files = romfs.read(body)
    assert sum(map(len, files.values())) <= len(body), "more than there is"
    return repr(files).encode()
