"""Start what a board does after a reset: its ROM loader, its MicroPython, or its boot loop."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cma_toolkit.boards.load import Board
from cma_toolkit.sim.virtual_board import boot
from cma_toolkit.sim.virtual_board.chips import chip_model
from cma_toolkit.sim.virtual_board.factory_flash import write_flash
from cma_toolkit.sim.virtual_board.modes import BootLoop, Mode, RomMode
from cma_toolkit.sim.virtual_board.nor_flash import CutAt, NorFlash
from cma_toolkit.sim.virtual_board.rom_loader import RomLoader
from cma_toolkit.sim.virtual_board.run_config import RadioSettings, RunConfig
from cma_toolkit.sim.virtual_board.runtime import Request, RunMode
from cma_toolkit.sim.virtual_board.settings import FLASH_FILE, RTC_FILE, Settings

Output = Callable[[bytes], None]


@dataclass(frozen=True)
class ArmedCut:
    """A power cut that waits for its flash operation."""

    after_flash_writes: int
    torn_bytes: int | None


class Starter:
    """Know what a board is made of, and make a mode of it."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        board: Board,
        settings: Settings,
        folder: Path,
    ) -> None:
        self._loop = loop
        self._board = board
        self._settings = settings
        self._folder = folder
        self._chip = chip_model(board.chip)
        self.armed_cut: ArmedCut | None = None

    @property
    def image(self) -> Path:
        """Return the file that is the board's flash."""
        return self._folder / FLASH_FILE

    def facts(self) -> dict[str, Any]:
        """Return what of a board never changes, under the names of `BoardInfo`."""
        return {
            "board_id": self._board.id,
            "chip": self._board.chip,
            "image": str(self.image),
            "folder": str(self._folder),
            "flash_size_bytes": self._board.flash_size_bytes,
            "usb": self._board.usb,
        }

    def make_flash(self, micropython: bool) -> None:
        """Write the flash of a new board."""
        write_flash(self.image, self._board, micropython=micropython)

    def save_settings(self) -> None:
        """Remember the settings for the next supervisor."""
        self._settings.save(self._folder)
