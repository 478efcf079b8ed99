"""A board's flash map: its partitions, and the rules that keep them apart.

Pure. Board files, partition tables read from a board and the images that are built for it all
come through here.

Source: ESP-IDF Programming Guide, "Partition Tables".
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .errors import FlashMapError

SECTOR_BYTES = 0x1000
APP_ALIGNMENT_BYTES = 0x10000
TABLE_OFFSET = 0x8000
TABLE_END = TABLE_OFFSET + SECTOR_BYTES
LABEL_BYTES_MAX = 16
PARTITIONS_MAX = 95
IMPLICIT_VFS_LABELS = ("vfs", "ffat")

TYPE_APP = 0x00
TYPE_DATA = 0x01

SUBTYPE_FACTORY = 0x00
SUBTYPE_OTA_0 = 0x10
SUBTYPE_OTADATA = 0x00
SUBTYPE_PHY = 0x01
SUBTYPE_NVS = 0x02
SUBTYPE_FAT = 0x81
SUBTYPE_LITTLEFS = 0x83

TYPES = {"app": TYPE_APP, "data": TYPE_DATA}
APP_SUBTYPES = {
    "factory": SUBTYPE_FACTORY,
    **{f"ota_{index}": SUBTYPE_OTA_0 + index for index in range(16)},
    "test": 0x20,
}
DATA_SUBTYPES = {
    "ota": SUBTYPE_OTADATA,
    "phy": SUBTYPE_PHY,
    "nvs": SUBTYPE_NVS,
    "coredump": 0x03,
    "nvs_keys": 0x04,
    "efuse": 0x05,
    "undefined": 0x06,
    "esphttpd": 0x80,
    "fat": SUBTYPE_FAT,
    "spiffs": 0x82,
    "littlefs": SUBTYPE_LITTLEFS,
}
SUBTYPES = {TYPE_APP: APP_SUBTYPES, TYPE_DATA: DATA_SUBTYPES}


@dataclass(frozen=True, slots=True)
class Partition:
    """One stretch of flash with a name."""

    label: str
    type: int
    subtype: int
    offset: int
    size_bytes: int
    flags: int = 0

    @property
    def end(self) -> int:
        """Return the offset of the first byte behind it."""
        return self.offset + self.size_bytes

    @property
    def is_app(self) -> bool:
        """Tell whether it holds machine code that the bootloader may start."""
        return self.type == TYPE_APP


def type_name(type_number: int) -> str:
    """Return the word of a partition type, or its number in hexadecimal."""
    return next((name for name, value in TYPES.items() if value == type_number), hex(type_number))


def subtype_name(type_number: int, subtype: int) -> str:
    """Return the word of a subtype within its type, or its number in hexadecimal."""
    names = SUBTYPES.get(type_number, {})
    return next((name for name, value in names.items() if value == subtype), hex(subtype))


def find(partitions: Iterable[Partition], label: str) -> Partition | None:
    """Return the partition with this label, if there is one."""
    return next((partition for partition in partitions if partition.label == label), None)


def in_order(partitions: Iterable[Partition]) -> list[Partition]:
    """Return the partitions as they lie in flash."""
    return sorted(partitions, key=lambda partition: (partition.offset, partition.size_bytes))


def check_flash_map(partitions: Sequence[Partition], flash_size_bytes: int | None = None) -> None:
    """Refuse a map that a bootloader would not accept or that does not fit the flash.

    Raises: FlashMapError (whoever wrote the map).
    """
    if len(partitions) > PARTITIONS_MAX:
        raise FlashMapError(
            f"{len(partitions)} partitions, but a table holds {PARTITIONS_MAX}: remove some."
        )
    labels: set[str] = set()
    for partition in partitions:
        _check_one(partition)
        if partition.label in labels:
            raise FlashMapError(f'Two partitions are called "{partition.label}": rename one.')
        labels.add(partition.label)
    _check_overlaps(partitions)
    if flash_size_bytes is not None:
        check_fits(partitions, flash_size_bytes)


def check_fits(partitions: Iterable[Partition], flash_size_bytes: int) -> None:
    """Refuse a map that is larger than the flash.

    Raises: FlashMapError (the map's author, or a board with less flash than its file says).
    """
    for partition in partitions:
        if partition.end > flash_size_bytes:
            raise FlashMapError(
                f'The flash map needs {size_text(partition.end)} (partition "{partition.label}" '
                f"ends at {partition.end:#x}) but the flash has {size_text(flash_size_bytes)}: "
                f"choose the board file that fits this board, or make the partition smaller."
            )


def implicit_vfs(partitions: Sequence[Partition], flash_size_bytes: int) -> Partition | None:
    """Return the `vfs` that MicroPython adds when a table names neither `vfs` nor `ffat`.

    It reaches from the end of the last partition to the end of the physical flash.

    Source: micropython/ports/esp32, `esp32_partition.c` and `modules/flashbdev.py`.
    """
    if any(partition.label in IMPLICIT_VFS_LABELS for partition in partitions):
        return None
    start = max((partition.end for partition in partitions), default=TABLE_END)
    size_bytes = flash_size_bytes - start
    if size_bytes < SECTOR_BYTES:
        return None
    return Partition("vfs", TYPE_DATA, SUBTYPE_FAT, start, size_bytes)


def size_text(size_bytes: int) -> str:
    """Return a size as people write it: `4 MiB`, `512 KiB`, `100 B`."""
    for unit, name in ((1 << 20, "MiB"), (1 << 10, "KiB")):
        if size_bytes >= unit:
            return f"{size_bytes / unit:.2f}".rstrip("0").rstrip(".") + f" {name}"
    return f"{size_bytes} B"


def _check_one(partition: Partition) -> None:
    name = f'Partition "{partition.label}"'
    if not 1 <= len(partition.label.encode()) <= LABEL_BYTES_MAX or "\0" in partition.label:
        raise FlashMapError(
            f'The partition label "{partition.label}" must have 1 to {LABEL_BYTES_MAX} bytes: '
            f"rename it."
        )
    if not (0 <= partition.type <= 0xFE and 0 <= partition.subtype <= 0xFE):
        raise FlashMapError(f"{name}: type and subtype must be 0 to 254: mend them.")
    if partition.size_bytes <= 0 or partition.offset < 0 or partition.end > 1 << 32:
        raise FlashMapError(f"{name} must lie within 4 GiB and not be empty: mend its size.")
    if partition.offset < TABLE_END:
        raise FlashMapError(
            f"{name} starts at {partition.offset:#x}, over the bootloader and the partition "
            f"table: move it to {TABLE_END:#x} or above."
        )
    unit = APP_ALIGNMENT_BYTES if partition.is_app else SECTOR_BYTES
    if partition.offset % unit:
        raise FlashMapError(
            f"{name} starts at {partition.offset:#x}, which is not a multiple of {unit:#x}: "
            f"move it to {-(-partition.offset // unit) * unit:#x}."
        )
    if partition.size_bytes % SECTOR_BYTES:
        raise FlashMapError(
            f"{name} has {partition.size_bytes:#x} bytes, not a multiple of {SECTOR_BYTES:#x}: "
            f"flash is erased in sectors, so round its size."
        )


def _check_overlaps(partitions: Iterable[Partition]) -> None:
    ordered = in_order(partitions)
    for lower, upper in itertools.pairwise(ordered):
        if lower.end > upper.offset:
            raise FlashMapError(
                f'Partitions "{lower.label}" ({lower.offset:#x} to {lower.end:#x}) and '
                f'"{upper.label}" (from {upper.offset:#x}) overlap: '
                f'move "{upper.label}" to {lower.end:#x} or above.'
            )
