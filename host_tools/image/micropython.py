"""Official MicroPython images: one file that holds bootloader, partition table and application.

Such a file begins at the chip's bootloader offset and is what micropython.org publishes; an
`.app-bin` is the application alone, for updates over the air.
"""

import re
from dataclasses import dataclass

from . import partition_table
from .app_image import AppImage, check_chip, from_bytes
from .chips import BOOTLOADER_OFFSETS
from .errors import ImageError
from .partition_table import TABLE_BYTES, TABLE_OFFSET, Partition

_BANNER = re.compile(rb"MicroPython (v?[0-9][0-9A-Za-z.+-]{0,40}) on [0-9]{4}-[0-9]{2}-[0-9]{2}")
_MACHINE = re.compile(rb"[ -~]{2,60} with ESP32[-A-Z0-9]*")
_MACHINE_MARK = b" with ESP32"
_MACHINE_BYTES_MAX = 80
_VERSION = re.compile(r"v?([0-9]+\.[0-9]+(?:\.[0-9]+)?(?:-[0-9A-Za-z.]+)?)")


@dataclass(frozen=True, slots=True)
class Identity:
    """What an image says it is; `machine` is the board as MicroPython's banner names it."""

    chip: str
    version: str
    machine: str
    idf_version: str
    is_micropython: bool


@dataclass(frozen=True, slots=True)
class Parts:
    """The three parts of a full image, each as it is written to flash."""

    bootloader: bytes
    table: bytes
    app: bytes
    partitions: tuple[Partition, ...]
    identity: Identity


def split(merged: bytes, chip: str) -> Parts:
    """Take a full image apart, checking each part.

    Raises: ImageError (a person's file): no image, truncated, damaged, or for another chip.
    """
    bootloader_offset = _bootloader_offset(chip)
    first, first_bytes = from_bytes(merged, "The MicroPython image")
    check_chip(first, chip, "The MicroPython image")
    if first.description is not None:
        raise ImageError(
            "The file holds MicroPython without its bootloader (an .app-bin): "
            "choose the .bin of the same release."
        )
    table_at = TABLE_OFFSET - bootloader_offset
    if len(merged) < table_at + TABLE_BYTES:
        raise ImageError(
            f"The MicroPython image is truncated after {len(merged)} bytes: download it again."
        )
    table = merged[table_at : table_at + TABLE_BYTES]
    partitions = tuple(partition_table.from_bytes(table))
    app, app_bytes = _application(merged, partitions, bootloader_offset, chip)
    return Parts(
        bootloader=merged[:first_bytes],
        table=table,
        app=app_bytes,
        partitions=partitions,
        identity=identify(app),
    )


def identify(app: AppImage) -> Identity:
    """Return which MicroPython an application is, as far as it says so."""
    description = app.description
    data = b"".join(segment.data for segment in app.segments)
    banner = _BANNER.search(data)
    version = banner[1].decode() if banner else description.version if description else ""
    matched = _VERSION.match(version)
    return Identity(
        chip=app.chip,
        version=matched[1] if matched else version,
        machine=_machine(data),
        idf_version=description.idf_version if description else "",
        is_micropython=banner is not None
        or (description is not None and description.project == "micropython"),
    )


def chip_of(merged: bytes) -> str:
    """Return the chip that a full image or an application is for.

    Raises: ImageError (a person's file) that is no image.
    """
    image, _ = from_bytes(merged, "The file")
    return image.chip


def _machine(data: bytes) -> str:
    """Return the text in which MicroPython names its board, or an empty one."""
    mark = data.find(_MACHINE_MARK)
    if mark < 0:
        return ""
    around = data[max(0, mark - _MACHINE_BYTES_MAX) : mark + _MACHINE_BYTES_MAX]
    found = _MACHINE.search(around)
    return found[0].decode() if found else ""


def _application(
    merged: bytes, partitions: tuple[Partition, ...], bootloader_offset: int, chip: str
) -> tuple[AppImage, bytes]:
    start = next((partition.offset for partition in partitions if partition.is_app), None)
    if start is None or start < bootloader_offset:
        raise ImageError(
            "The MicroPython image's table names no application: it is damaged. Download it again."
        )
    data = merged[start - bootloader_offset :]
    app, length = from_bytes(data, "MicroPython in the image")
    check_chip(app, chip, "MicroPython in the image")
    return app, data[:length]


def _bootloader_offset(chip: str) -> int:
    if chip not in BOOTLOADER_OFFSETS:
        known = ", ".join(BOOTLOADER_OFFSETS)
        raise ImageError(f'No image layout is known for the chip "{chip}": choose one of {known}.')
    return BOOTLOADER_OFFSETS[chip]
