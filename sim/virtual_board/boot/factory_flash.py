"""The flash of a new board.

blank    as from the chip's maker
stock    with MicroPython and its own partition table, as its users flash it: ready to adopt
mapped   with MicroPython and our partition table, but no kernel: where tests start
"""

from pathlib import Path

from cma_toolkit.boards.load import Board
from cma_toolkit.host_tools.image.flash_layout import Region, flash_image, regions_for
from cma_toolkit.host_tools.image.micropython import split
from cma_toolkit.sim.virtual_board.boot.firmware_image import make_micropython
from cma_toolkit.sim.virtual_board.rom.chips import find_chip


def write_flash(path: Path, board: Board, content: str) -> None:
    """Write the flash file of a board that nobody has used yet.

    Raises: ImageError (the board file) for a map that MicroPython does not fit.
    """
    path.write_bytes(flash_image(_CONTENTS[content](board), board.flash_size_bytes))


def _blank(board: Board) -> list[Region]:
    return []


def _stock(board: Board) -> list[Region]:
    return [Region(board.micropython.image_offset, _micropython(board), "MicroPython")]


def _mapped(board: Board) -> list[Region]:
    return regions_for(board, split(_micropython(board), board.chip), {})


def _micropython(board: Board) -> bytes:
    return make_micropython(find_chip(board.chip))


_CONTENTS = {"blank": _blank, "stock": _stock, "mapped": _mapped}
CONTENTS = tuple(_CONTENTS)
