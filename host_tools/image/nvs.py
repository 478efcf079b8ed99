"""NVS: the settings partition in ESP-IDF's own page format, read and built on a host.

Input    the bytes of an `nvs` partition, whole pages of 4,096
Bounds   126 entries of 32 bytes a page; damaged entries are reported and left out
Source   ESP-IDF Programming Guide, "NVS Library": internals, page and entry structure
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from .errors import ImageError
from .nvs_entries import (
    BLOB_DATA,
    BLOB_INDEX,
    BLOB_OLD,
    ENTRY_BYTES,
    INTEGERS,
    KINDS,
    NAMESPACES,
    STRING,
    RawEntry,
    entry_at,
)

PAGE_BYTES = 4096
ENTRIES_A_PAGE = 126
ENTRIES_AT = 64
STATE_BLANK = 0xFFFFFFFF
STATES_READ = (0xFFFFFFFE, 0xFFFFFFFC, 0xFFFFFFF8)  # active, full, freeing
VERSIONS = (0xFF, 0xFE)
_WRITTEN = 0b10

Value = int | str | bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting; `kind` is `u8` to `i64`, `string` or `blob`."""

    namespace: str
    key: str
    kind: str
    value: Value


@dataclass(frozen=True, slots=True)
class Contents:
    """What a partition holds, and what in it could not be read."""

    entries: tuple[Entry, ...]
    problems: tuple[str, ...]

    def values(self, namespace: str) -> dict[str, Value]:
        """Return the values of one namespace by key."""
        return {entry.key: entry.value for entry in self.entries if entry.namespace == namespace}


@dataclass(slots=True)
class _Reader:
    """Collects entries page by page, later ones over earlier ones."""

    problems: list[str] = field(default_factory=list)
    namespaces: dict[int, str] = field(default_factory=dict)
    values: dict[tuple[int, str], tuple[str, Value]] = field(default_factory=dict)
    indexes: dict[tuple[int, str], RawEntry] = field(default_factory=dict)
    chunks: dict[tuple[int, str, int], bytes] = field(default_factory=dict)

    def take(self, entry: RawEntry) -> None:
        """Keep one intact entry."""
        place = (entry.namespace, entry.key)
        if entry.kind in INTEGERS:
            code = INTEGERS[entry.kind]
            (number,) = struct.unpack_from("<" + code, entry.data)
            if entry.namespace == NAMESPACES:
                self.namespaces[number] = entry.key
            else:
                self._put(place, KINDS[entry.kind], number)
        elif entry.kind == STRING:
            text = entry.content.split(b"\0")[0].decode("utf-8", "replace")
            self._put(place, "string", text)
        elif entry.kind == BLOB_OLD:
            self._put(place, "blob", entry.content)
        elif entry.kind == BLOB_DATA:
            self.chunks[(*place, entry.chunk)] = entry.content
        elif entry.kind == BLOB_INDEX:
            self.values.pop(place, None)
            self.indexes[place] = entry

    def _put(self, place: tuple[int, str], kind: str, value: Value) -> None:
        self.indexes.pop(place, None)
        self.values[place] = (kind, value)

    def contents(self) -> Contents:
        """Join blobs from their chunks and name the namespaces."""
        for place, index in self.indexes.items():
            size_bytes, count, first = struct.unpack_from("<IBB", index.data)
            parts = [self.chunks.get((*place, first + number)) for number in range(count)]
            blob = b"".join(part for part in parts if part is not None)
            if None in parts or len(blob) != size_bytes:
                self.problems.append(f'the blob "{place[1]}" is incomplete')
            else:
                self.values[place] = ("blob", blob)
        entries = [
            Entry(self.namespaces.get(number, f"namespace {number}"), key, kind, value)
            for (number, key), (kind, value) in self.values.items()
        ]
        entries.sort(key=lambda entry: (entry.namespace, entry.key))
        return Contents(tuple(entries), tuple(self.problems))


def from_bytes(data: bytes) -> Contents:
    """Read a partition; what is damaged is left out and reported.

    Raises: ImageError (a board's flash, a file) if no page of it is NVS or its length is wrong.
    """
    if not data or len(data) % PAGE_BYTES:
        raise ImageError(
            f"An NVS partition is made of pages of {PAGE_BYTES} bytes, not {len(data)} bytes: "
            f"read the whole partition."
        )
    reader = _Reader()
    pages = []
    for number in range(len(data) // PAGE_BYTES):
        page = data[number * PAGE_BYTES : (number + 1) * PAGE_BYTES]
        state, sequence = struct.unpack_from("<II", page)
        if state == STATE_BLANK:
            continue
        if not _is_sound(page):
            reader.problems.append(f"page {number} is damaged")
            continue
        pages.append((sequence, number, page))
    if reader.problems and not pages:
        raise ImageError("This is no NVS partition, or all of it is damaged: provision it again.")
    for _, number, page in sorted(pages):
        for entry in _entries(page, number, reader.problems):
            reader.take(entry)
    return reader.contents()


def are_sound(data: bytes) -> bool:
    """Say whether every page is blank or an NVS page with a right header."""
    pages = [data[start : start + PAGE_BYTES] for start in range(0, len(data), PAGE_BYTES)]
    return all(not page.strip(b"\xff") or _is_sound(page) for page in pages)


def _is_sound(page: bytes) -> bool:
    state = int.from_bytes(page[:4], "little")
    return state in STATES_READ and page[8] in VERSIONS and _header_is_intact(page)


def _header_is_intact(page: bytes) -> bool:
    return zlib.crc32(page[4:28], 0xFFFFFFFF) == int.from_bytes(page[28:32], "little")


def _entries(page: bytes, number: int, problems: list[str]) -> Iterator[RawEntry]:
    """Yield the written, intact entries of a page in the order of their writing."""
    index = 0
    while index < ENTRIES_A_PAGE:
        if page[32 + index // 4] >> 2 * (index % 4) & 0b11 != _WRITTEN:
            index += 1
            continue
        at = ENTRIES_AT + index * ENTRY_BYTES
        entry = entry_at(page, at, (ENTRIES_A_PAGE - index) * ENTRY_BYTES)
        if entry is None:
            problems.append(f"entry {index} of page {number} is damaged")
            index += 1
            continue
        yield entry
        index += entry.span
