"""The partition table at 0x8000: bytes, CSV, and the map they stand for.

Input    3,072 bytes as in flash, or the CSV of ESP-IDF's gen_esp32part
Bounds   95 entries and one MD5 entry of 32 bytes each
Source   ESP-IDF Programming Guide, "Partition Tables"; `struct esp_partition_info_t`
"""

import csv
import hashlib
import io
import re
import struct
from collections.abc import Iterable, Sequence

from cma_toolkit.boards.errors import FlashMapError
from cma_toolkit.boards.flash_map import (
    APP_ALIGNMENT_BYTES,
    PARTITIONS_MAX,
    SECTOR_BYTES,
    SUBTYPES,
    TABLE_END,
    TABLE_OFFSET,
    TYPES,
    Partition,
    check_fits,
    check_flash_map,
    find,
    implicit_vfs,
    in_order,
    subtype_name,
    type_name,
)

from .errors import ImageError

__all__ = [
    "SECTOR_BYTES",
    "TABLE_BYTES",
    "TABLE_OFFSET",
    "Partition",
    "check",
    "check_fits",
    "effective",
    "find",
    "from_bytes",
    "from_csv",
    "implicit_vfs",
    "in_order",
    "to_bytes",
    "to_csv",
]

TABLE_BYTES = 0xC00
ENTRY_BYTES = 32
_ENTRY = struct.Struct("<2sBBII16sI")
_ENTRY_MAGIC = b"\xaa\x50"
_MD5_MAGIC = b"\xeb\xeb" + b"\xff" * 14
_ERASED = b"\xff" * ENTRY_BYTES
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20}
_FLAGS = {"encrypted": 1, "readonly": 2}
_CSV_HEAD = "# ESP-IDF Partition Table\n# Name, Type, SubType, Offset, Size, Flags\n"


def check(partitions: Sequence[Partition], flash_size_bytes: int | None = None) -> None:
    """Refuse a table that a bootloader would not accept or that does not fit the flash.

    Raises: ImageError (whoever wrote the table).
    """
    try:
        check_flash_map(partitions, flash_size_bytes)
    except FlashMapError as error:
        raise ImageError(str(error)) from error


def effective(partitions: Sequence[Partition], flash_size_bytes: int) -> list[Partition]:
    """Return the partitions that MicroPython will see, its implicit `vfs` included."""
    extra = implicit_vfs(partitions, flash_size_bytes)
    return [*partitions, extra] if extra else list(partitions)


def to_bytes(partitions: Sequence[Partition]) -> bytes:
    """Return the table as it lies in flash, with its MD5 entry, padded with FF.

    Raises: ImageError (whoever wrote the table).
    """
    check(partitions)
    entries = b"".join(
        _ENTRY.pack(
            _ENTRY_MAGIC,
            partition.type,
            partition.subtype,
            partition.offset,
            partition.size_bytes,
            partition.label.encode(),
            partition.flags,
        )
        for partition in partitions
    )
    return (entries + _MD5_MAGIC + hashlib.md5(entries).digest()).ljust(TABLE_BYTES, b"\xff")


def from_bytes(data: bytes) -> list[Partition]:
    """Read a table from flash bytes.

    The MD5 entry is checked where there is one; very old tables have none. Overlaps are not
    judged here (`check` does), so that a strange table can still be shown.

    Raises: ImageError (the flash, or a file that is no table).
    """
    if data[: len(_ENTRY_MAGIC)] != _ENTRY_MAGIC:
        raise ImageError(
            "There is no partition table here: the flash is blank or foreign. Flash the board."
        )
    partitions: list[Partition] = []
    for offset in range(0, min(len(data), TABLE_BYTES), ENTRY_BYTES):
        entry = data[offset : offset + ENTRY_BYTES]
        if entry == _ERASED:
            return partitions
        if entry[:16] == _MD5_MAGIC:
            _check_md5(data[:offset], entry)
            return partitions
        partitions.append(_entry(entry, offset))
    if len(data) < TABLE_BYTES:
        raise ImageError(
            f"The partition table is cut off after {len(data)} bytes: read {TABLE_BYTES:#x}."
        )
    if len(partitions) > PARTITIONS_MAX:
        raise ImageError("The partition table has no end: it is damaged. Flash the board again.")
    return partitions


def to_csv(partitions: Iterable[Partition]) -> str:
    """Return the table as ESP-IDF's CSV, with explicit offsets and sizes."""
    rows = io.StringIO()
    writer = csv.writer(rows, lineterminator="\n")
    for partition in partitions:
        flags = [name for name, bit in _FLAGS.items() if partition.flags & bit]
        writer.writerow(
            (
                partition.label,
                type_name(partition.type),
                subtype_name(partition.type, partition.subtype),
                hex(partition.offset),
                hex(partition.size_bytes),
                ":".join(flags),
            )
        )
    return _CSV_HEAD + rows.getvalue()


def from_csv(text: str) -> list[Partition]:
    """Read ESP-IDF's CSV; an empty offset means: behind the partition above, aligned.

    Raises: ImageError (the file's author), naming the line.
    """
    partitions: list[Partition] = []
    try:
        for number, row in enumerate(csv.reader(io.StringIO(text)), start=1):
            cells = [cell.strip() for cell in row]
            if not any(cells) or cells[0].startswith("#"):
                continue
            end = partitions[-1].end if partitions else TABLE_END
            partitions.append(_row(cells, end, f"Line {number} of the partition CSV"))
    except csv.Error as error:
        raise ImageError(f"The partition CSV cannot be read: {error}. Mend the file.") from error
    return partitions


def _entry(entry: bytes, offset: int) -> Partition:
    if len(entry) < ENTRY_BYTES or entry[:2] != _ENTRY_MAGIC:
        raise ImageError(
            f"The partition table is damaged at byte {offset:#x}: flash the board again."
        )
    _, type_number, subtype, start, size_bytes, label, flags = _ENTRY.unpack(entry)
    try:
        name = label.split(b"\0")[0].decode()
    except UnicodeDecodeError as error:
        raise ImageError(
            f"The partition table has an unreadable label at byte {offset:#x}: "
            f"flash the board again."
        ) from error
    return Partition(name, type_number, subtype, start, size_bytes, flags)


def _check_md5(entries: bytes, entry: bytes) -> None:
    if hashlib.md5(entries).digest() != entry[16:]:
        raise ImageError(
            "The partition table does not match its own MD5: it is damaged. Flash the board again."
        )


def _row(cells: list[str], previous_end: int, where: str) -> Partition:
    if len(cells) < 5:
        raise ImageError(
            f"{where} has {len(cells)} fields: give Name, Type, SubType, Offset, Size."
        )
    label, type_text, subtype_text, offset_text, size_text, *flag_cells = cells
    type_number = _number(type_text, TYPES, where)
    subtype = _number(subtype_text, SUBTYPES.get(type_number, {}), where)
    unit = APP_ALIGNMENT_BYTES if type_number == TYPES["app"] else SECTOR_BYTES
    offset = _number(offset_text, {}, where) if offset_text else -(-previous_end // unit) * unit
    flags = 0
    for word in ":".join(flag_cells).split(":"):
        if word.strip():
            flags |= _number(word.strip(), _FLAGS, where)
    return Partition(label, type_number, subtype, offset, _number(size_text, {}, where), flags)


def _number(text: str, words: dict[str, int], where: str) -> int:
    """Read a word of `words`, a decimal, a hexadecimal, or a number with K or M behind it."""
    if text.lower() in words:
        return words[text.lower()]
    match = re.fullmatch(r"(0x[0-9a-f]+|[0-9]+)([km]?)", text.lower())
    if not match or len(text) > 18:
        known = f" or one of {', '.join(words)}" if words else ""
        raise ImageError(f'{where}: "{text[:30]}" is not a number{known}: mend it.')
    digits, unit = match.groups()
    return int(digits, 16 if digits.startswith("0x") else 10) * _UNITS[unit]
