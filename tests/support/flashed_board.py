"""Boards as `cma flash` leaves them, made without esptool: MicroPython, kernel, boot and main."""

import functools
from collections.abc import Mapping
from pathlib import Path

from cma_toolkit.boards.flash_map import TABLE_OFFSET
from cma_toolkit.boards.load import Board, load_board
from cma_toolkit.host_tools.flash.agent import make_agent
from cma_toolkit.host_tools.flash.agent import regions as agent_regions
from cma_toolkit.host_tools.flash.contents import FIRMWARE, build_image, build_user, contents_for
from cma_toolkit.host_tools.flash.table_state import finished_sector
from cma_toolkit.host_tools.image.chips import BOOTLOADER_OFFSETS
from cma_toolkit.host_tools.image.loader import build_loader
from cma_toolkit.sim.virtual_board.boot.firmware_image import make_micropython
from cma_toolkit.sim.virtual_board.supervisor.registry import BoardInfo
from support.virtual import VirtualBoards


def make_flashed(
    boards: VirtualBoards,
    name: str,
    board_id: str = "esp32-devkitc",
    files: Mapping[str, bytes] | None = None,
) -> BoardInfo:
    """Plug in a virtual board with our firmware, and `files` in its `/user`."""
    info = boards.client.create(name, board_id, start=False)
    board = load_board(board_id)
    flash = bytearray(b"\xff" * board.flash_size_bytes)
    for offset, data in _regions(board_id):
        flash[offset : offset + len(data)] = data
    user = board.partition("user")
    image = build_user(dict(files or {}), user.size_bytes)
    flash[user.offset : user.offset + len(image)] = image
    Path(info.image).write_bytes(flash)
    return boards.client.start(name)


@functools.cache
def _regions(board_id: str) -> tuple[tuple[int, bytes], ...]:
    board: Board = load_board(board_id)
    made = contents_for(board, make_micropython(board.chip))
    agent = make_agent(build_loader(FIRMWARE), build_image(), board.chip)
    return (
        (BOOTLOADER_OFFSETS[board.chip], made.bootloader),
        (TABLE_OFFSET, finished_sector(made.table)),
        (board.partition("factory").offset, made.app),
        *(
            (region.offset, region.data)
            for region in agent_regions(agent, board.partitions, keep=True)
        ),
        (board.partition("vfs").offset, made.vfs),
    )
