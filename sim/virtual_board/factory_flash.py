"""The flash of a new board.

blank    as from the chip's maker
stock    with MicroPython and its own partition table, as its users flash it: ready to adopt
mapped   with MicroPython and our partition table, but no kernel: where tests start
"""

from pathlib import Path

from cma_toolkit.boards.load import Board
from cma_toolkit.host_tools.image import partition_table
from cma_toolkit.sim.virtual_board.chips import find_chip
from cma_toolkit.sim.virtual_board.firmware_image import make_micropython

_CHUNK_BYTES = 1 << 20


def write_flash(path: Path, board: Board, content: str) -> None:
    """Write the flash file of a board that nobody has used yet."""
    image = _CONTENTS[content](board)
    start = board.micropython.image_offset
    with path.open("wb") as file:
        file.write(b"\xff" * start + image)
        left_bytes = board.flash_size_bytes - start - len(image)
        while left_bytes > 0:
            left_bytes -= file.write(b"\xff" * min(left_bytes, _CHUNK_BYTES))


def _blank(board: Board) -> bytes:
    return b""


def _stock(board: Board) -> bytes:
    return make_micropython(find_chip(board.chip))


def _mapped(board: Board) -> bytes:
    image = bytearray(_stock(board))
    at = partition_table.TABLE_OFFSET - board.micropython.image_offset
    table = partition_table.to_bytes(board.partitions)
    image[at : at + len(table)] = table
    return bytes(image)


_CONTENTS = {"blank": _blank, "stock": _stock, "mapped": _mapped}
CONTENTS = tuple(_CONTENTS)
