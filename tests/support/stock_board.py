"""Boards as they come to us: stock MicroPython with someone's files, or nothing at all."""

import os
import subprocess
import sys
from collections.abc import Mapping
from hashlib import shake_256
from pathlib import Path

from cma_toolkit.boards.load import load_board
from cma_toolkit.host_tools.image import (
    app_image,
    kept,
    littlefs,
    micropython,
    partition_table,
)
from cma_toolkit.host_tools.image.chips import BOOTLOADER_OFFSETS
from cma_toolkit.sim.virtual_board.boot.firmware_image import make_micropython
from cma_toolkit.sim.virtual_board.supervisor.home import HOME_VARIABLE
from cma_toolkit.sim.virtual_board.supervisor.registry import BoardInfo
from support.virtual import VirtualBoards

CMA = (sys.executable, "-m", "cma_toolkit.host_tools.cli.main")
LARGE_BYTES = 1_500_000
OLD_FILES = {
    "boot.py": b"# This file is executed on every boot (including wake-boot from deepsleep)\n",
    "main.py": b"import lib.greet\nprint('old main says', lib.greet.WORD)\n",
    "lib/greet.py": b"WORD = 'hello'\n",
    "data/table.bin": bytes(range(256)) * 40,
}


def stock_flash(board_id: str, files: Mapping[str, bytes]) -> bytes:
    """Return the flash of a board with an official image and a littlefs in its implicit `vfs`."""
    board = load_board(board_id)
    image = make_micropython(board.chip, version="1.28.0")
    start = board.micropython.image_offset
    flash = bytearray(b"\xff" * board.flash_size_bytes)
    flash[start : start + len(image)] = image
    table = partition_table.from_bytes(bytes(flash[0x8000:0x8C00]))
    vfs = partition_table.implicit_vfs(table, board.flash_size_bytes)
    assert vfs is not None
    flash[vfs.offset : vfs.end] = littlefs.build(files, vfs.size_bytes)
    return bytes(flash)


def large_micropython(chip: str) -> bytes:
    """Return an image as large as an official one, so that writing it takes a while."""
    image = make_micropython(chip)
    parts = micropython.split(image, chip)
    app, _ = app_image.from_bytes(parts.app)
    code = app_image.Segment(0x42000000, shake_256(b"code").digest(LARGE_BYTES))
    large = app_image.build(app.chip_id, app.entry, [app.segments[0], code])
    start = next(part.offset for part in parts.partitions if part.is_app)
    return image[: start - BOOTLOADER_OFFSETS[chip]] + large.to_bytes()


def make_stock(
    boards: VirtualBoards,
    name: str,
    board_id: str = "esp32-devkitc",
    files: Mapping[str, bytes] = OLD_FILES,
) -> BoardInfo:
    """Plug in a virtual board with such a flash."""
    info = boards.client.create(name, board_id, start=False)
    Path(info.image).write_bytes(stock_flash(board_id, files))
    return boards.client.start(name)


def cma(*words: str, folder: Path, home: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run one `cma` command as a person does, with the virtual boards of `home`."""
    return subprocess.run(
        [*CMA, *words],
        cwd=folder,
        env=environment(folder, home),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def start_cma(*words: str, folder: Path) -> subprocess.Popen[str]:
    """Start one `cma` command, to meet it in the middle."""
    return subprocess.Popen(
        [*CMA, *words],
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def environment(folder: Path, home: Path | None = None) -> dict[str, str]:
    """Return the environment of a person whose cache and locks lie in `folder`.

    What is made of our firmware is made once for all tests.
    """
    cache = folder / "cache"
    shared = cache / kept.FOLDER
    if not shared.is_symlink():
        cache.mkdir(parents=True, exist_ok=True)
        kept.folder().mkdir(parents=True, exist_ok=True)
        shared.symlink_to(kept.folder())
    own = {"CMA_CACHE": str(cache), "XDG_RUNTIME_DIR": str(folder)}
    boards = {HOME_VARIABLE: str(home)} if home else {}
    return {**os.environ, **own, "CMA_PROGRESS": "plain", **boards}
