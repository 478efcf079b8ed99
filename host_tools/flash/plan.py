"""What to write to a board and what to refuse. Pure: facts in, regions or one sentence out.

Order matters: power may fail between any two writes. A board that gets a new flash map first gets
the mark of an unfinished run in its table's place, then everything else, and its table last.
A board that already has our map keeps its `user`, `state` and `nvs` partitions untouched.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cma_toolkit.boards.flash_map import (
    TABLE_OFFSET,
    Partition,
    size_text,
)
from cma_toolkit.host_tools.errors import refused
from cma_toolkit.host_tools.flash.device import Chip
from cma_toolkit.host_tools.flash.files_on_board import BLOCK_BYTES
from cma_toolkit.host_tools.flash.table_state import (
    finished_sector,
    unfinished_sector,
)


@dataclass(frozen=True)
class Region:
    """Bytes for one place in flash."""

    label: str
    offset: int
    data: bytes


@dataclass(frozen=True)
class Contents:
    """What every board of one kind gets, each as its partition's image."""

    bootloader: bytes
    table: bytes
    app: bytes
    vfs: bytes
    empty_user: bytes


def board_for(
    chip: Chip,
    asked: str,
    by_mac: Mapping[str, str],
    defaults: Mapping[str, str],
) -> tuple[str, str]:
    """Choose the board's file: as asked, as the fleet knows this MAC, else the chip's dev kit.

    Returns: the board id, and what to say about the choice.
    Raises: CmaError if the chip is none of ours.
    """
    if asked:
        return asked, ""
    if chip.mac in by_mac:
        return by_mac[chip.mac], f"{chip.mac} is known as {by_mac[chip.mac]}"
    if chip.name not in defaults:
        known = ", ".join(sorted(defaults))
        raise refused(f"This chip is {chip.name}; cma knows {known}. Use one of those boards.")
    board = defaults[chip.name]
    return board, f"no board named: taking {board} for {chip.name}; --board names another"


def check_chip(
    chip: Chip, board_id: str, board_chip: str, partitions: Sequence[Partition]
) -> None:
    """Refuse the wrong chip, a locked one, and a flash smaller than the map.

    Raises: CmaError.
    """
    if chip.locked_by:
        raise refused(
            f"This {chip.name} has {chip.locked_by} enabled, so what cma writes would not run. "
            "Use a board without it."
        )
    if chip.name != board_chip:
        raise refused(
            f"Wrong chip: {board_id} has an {board_chip}, but this is an {chip.name}. "
            "Give the right --board, or leave it out to let the chip decide."
        )
    end = max(part.offset + part.size_bytes for part in partitions)
    if not chip.flash_size_bytes:
        raise refused("The flash chip does not tell its size. Check the board's supply and cable.")
    if end > chip.flash_size_bytes:
        raise refused(
            f"The flash is smaller than the map: {board_id} needs {size_text(end)}, this board "
            f"has {size_text(chip.flash_size_bytes)}. Name a board that fits with --board, or put "
            "your own map into boards/."
        )


def check_fit(contents: Contents, bootloader_offset: int, partitions: Sequence[Partition]) -> None:
    """Refuse what is larger than its place.

    Raises: CmaError.
    """
    if bootloader_offset + len(contents.bootloader) > TABLE_OFFSET:
        raise refused("The image's bootloader is larger than its place. Fetch an official image.")
    for label, data in (("factory", contents.app), ("vfs", contents.vfs)):
        room = find_part(partitions, label).size_bytes
        if len(data) > room:
            raise refused(
                f"{len(data)} bytes do not fit into the partition {label} of {room} bytes. "
                "Use a smaller MicroPython image or a board file with a larger partition."
            )


def find_part(partitions: Sequence[Partition], label: str) -> Partition:
    """Return the partition of that label.

    Raises: CmaError if a board's map lacks it.
    """
    for part in partitions:
        if part.label == label:
            return part
    raise refused(f"The flash map has no partition {label}. Add it to the board's file.")


def regions(
    contents: Contents,
    agent: Sequence[Region],
    bootloader_offset: int,
    partitions: Sequence[Partition],
    *,
    fresh: bool,
    mark: str,
    user: bytes,
    keep_nvs: bool,
) -> list[Region]:
    """Return what to write, in order. `fresh` gives the board a new map and empty partitions."""
    body = [
        *agent,
        Region("root files", find_part(partitions, "vfs").offset, contents.vfs),
    ]
    if fresh:
        body += pieces("user files", find_part(partitions, "user").offset, user)
        body += [
            Region(f"blank {part.label}", part.offset, b"\xff" * part.size_bytes)
            for part in partitions
            if part.label == "state" or (part.label == "nvs" and not keep_nvs)
        ]
    # What comes by cable runs, not what came over the air before.
    body += [
        Region("blank otadata", part.offset, b"\xff" * part.size_bytes)
        for part in partitions
        if part.label == "otadata"
    ]
    body += [
        Region("MicroPython", find_part(partitions, "factory").offset, contents.app),
        Region("bootloader", bootloader_offset, contents.bootloader),
    ]
    if not fresh:
        return body
    begin = Region("mark", TABLE_OFFSET, unfinished_sector(mark))
    end = Region("partition table", TABLE_OFFSET, finished_sector(contents.table))
    return [begin, *body, end]


def pieces(label: str, offset: int, image: bytes) -> list[Region]:
    """Split a file-system image into its runs of blocks that are not blank.

    littlefs erases a block before it programs it, so what lies in the others does not matter.
    """
    runs: list[Region] = []
    start = -1
    for position in range(0, len(image) + BLOCK_BYTES, BLOCK_BYTES):
        block = image[position : position + BLOCK_BYTES]
        if block.strip(b"\xff"):
            start = position if start < 0 else start
        elif start >= 0:
            runs.append(Region(label, offset + start, image[start:position]))
            start = -1
    return runs
