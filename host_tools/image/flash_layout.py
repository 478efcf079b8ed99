"""What lies where in a board's flash: images by partition, as regions to write.

Pure. The flash tool writes regions through a cable; a virtual board's file gets them all at once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cma_toolkit.boards.flash_map import TABLE_OFFSET, Partition, find, size_text
from cma_toolkit.boards.load import Board

from . import partition_table
from .app_image import with_flash_size
from .errors import ImageError
from .micropython import Parts

BOOTLOADER = "bootloader"
TABLE = "partition-table"
APP = "factory"


@dataclass(frozen=True, slots=True)
class Region:
    """Bytes for one place in flash."""

    offset: int
    data: bytes
    label: str

    @property
    def end(self) -> int:
        """Return the offset of the first byte behind it."""
        return self.offset + len(self.data)


def regions_for(board: Board, parts: Parts, images: Mapping[str, bytes]) -> list[Region]:
    """Return what to write to a board, in the order of flash: MicroPython, and images by label.

    The bootloader's header gets the board's flash size, without which it would refuse a map that
    ends beyond the 4 MiB of official images.

    Raises: ImageError (the caller) for a label that the map has not, or an image too large.
    """
    regions = [
        Region(
            board.micropython.image_offset,
            with_flash_size(parts.bootloader, board.flash_size_bytes),
            BOOTLOADER,
        ),
        Region(TABLE_OFFSET, partition_table.to_bytes(board.partitions), TABLE),
    ]
    for label, data in {APP: parts.app, **images}.items():
        partition = _partition(board, label)
        _check_fits(partition, data)
        regions.append(Region(partition.offset, data, label))
    regions.sort(key=lambda region: region.offset)
    if regions[0].end > TABLE_OFFSET:
        raise ImageError(
            f"The bootloader ends at {regions[0].end:#x}, over the partition table: "
            f"choose another MicroPython image."
        )
    return regions


def flash_image(regions: Iterable[Region], flash_size_bytes: int) -> bytes:
    """Return a whole flash that holds the regions and is blank elsewhere.

    Raises: ImageError (the caller) for a region outside the flash.
    """
    flash = bytearray(b"\xff") * flash_size_bytes
    for region in regions:
        if region.end > flash_size_bytes:
            raise ImageError(
                f'"{region.label}" ends at {region.end:#x}, beyond a flash of '
                f"{size_text(flash_size_bytes)}: choose the board file that fits."
            )
        flash[region.offset : region.end] = region.data
    return bytes(flash)


def _partition(board: Board, label: str) -> Partition:
    partition = find(board.partitions, label)
    if partition is None:
        raise ImageError(
            f'The flash map of {board.id} has no "{label}" partition: add it to {board.path}.'
        )
    return partition


def _check_fits(partition: Partition, data: bytes) -> None:
    if len(data) > partition.size_bytes:
        raise ImageError(
            f'The image for "{partition.label}" has {len(data)} bytes but the partition '
            f"{partition.size_bytes}: enlarge it in the board file."
        )
