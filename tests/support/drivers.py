"""The firmware's drivers at the prompt of a board, without the agent over them."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from cma_toolkit.host_tools.flash.contents import FIRMWARE
from cma_toolkit.host_tools.image import mpy, romfs
from support.running_board import PROMPT, RunningBoard

Test = Callable[[RunningBoard], Awaitable[None]]


def with_drivers(test: Test) -> None:
    """Run a test on a board with our firmware in ROM and nothing else."""

    async def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            board = RunningBoard(Path(folder))
            start = board.board.partition("romfs").offset
            flash = bytearray(board.image.read_bytes())
            # File by file: in an image that is flashed all drivers are one module.
            image = romfs.pack(mpy.compile_files(mpy.read_sources(FIRMWARE)))
            flash[start : start + len(image)] = image
            board.image.write_bytes(flash)
            try:
                board.boot()
                await board.until(PROMPT)
                await test(board)
            finally:
                board.kill()

    asyncio.run(run())


async def ask(board: RunningBoard, code: str) -> str:
    """Return what some code prints that may import the drivers."""
    setup = "import sys, machine\nsys.path.append('/rom')\n"
    return (await board.exec(setup + code)).replace("\r\n", "\n")
