"""The flash of a new board: blank, or with MicroPython and the board's partition table."""

from pathlib import Path

from cma_toolkit.boards.load import Board
from cma_toolkit.host_tools.image import partition_table
from cma_toolkit.sim.virtual_board.chips import find_chip
from cma_toolkit.sim.virtual_board.firmware_image import make_micropython

_CHUNK_BYTES = 1 << 20


def write_flash(path: Path, board: Board, *, micropython: bool) -> None:
    """Write the flash file of a board that nobody has used yet."""
    image = _micropython(board) if micropython else b""
    start = board.micropython.image_offset
    with path.open("wb") as file:
        file.write(b"\xff" * start + image)
        left_bytes = board.flash_size_bytes - start - len(image)
        while left_bytes > 0:
            left_bytes -= file.write(b"\xff" * min(left_bytes, _CHUNK_BYTES))


def _micropython(board: Board) -> bytes:
    image = bytearray(make_micropython(find_chip(board.chip)))
    at = partition_table.TABLE_OFFSET - board.micropython.image_offset
    table = partition_table.to_bytes(board.partitions)
    image[at : at + len(table)] = table
    return bytes(image)
