"""Start what a board does after a reset: its ROM loader, its MicroPython, or its boot loop."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cma_toolkit.boards.flash_map import Partition
from cma_toolkit.boards.load import Board
from cma_toolkit.sim.virtual_board.board.modes import BootLoop, RomMode, RunningMode
from cma_toolkit.sim.virtual_board.board.settings import (
    AIR_FILE,
    FLASH_FILE,
    RTC_FILE,
    Settings,
)
from cma_toolkit.sim.virtual_board.boot import sequence as boot
from cma_toolkit.sim.virtual_board.boot.factory_flash import write_flash
from cma_toolkit.sim.virtual_board.rom.chips import find_chip, parse_mac
from cma_toolkit.sim.virtual_board.rom.loader import RomLoader
from cma_toolkit.sim.virtual_board.rom.nor_flash import Cut, NorFlash
from cma_toolkit.sim.virtual_board.runtime.run_config import RadioSettings, RunConfig
from cma_toolkit.sim.virtual_board.runtime.run_mode import Request, RunMode

Output = Callable[[bytes], None]


@dataclass
class ArmedCut:
    """A power cut that waits for its flash operation, whichever mode makes it."""

    after_flash_writes: int
    torn_bytes: int | None

    def before(self, index: int, kind: str, offset: int, size_bytes: int) -> Cut | None:
        """Count one operation of the ROM loader down."""
        self.after_flash_writes -= 1
        return None if self.after_flash_writes else Cut(self.torn_bytes or 0)


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
        self._chip = find_chip(board.chip)
        self._runs: Partition | None = None  # the app that was started last
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

    def make_flash(self, content: str) -> None:
        """Write the flash of a new board."""
        write_flash(self.image, self._board, content)

    def save_settings(self) -> None:
        """Remember the settings for the next supervisor."""
        self._settings.save(self._folder)

    def start_rom(
        self,
        cause: int,
        on_output: Output,
        on_run: Callable[[], None],
        on_power_cut: Callable[[], None],
    ) -> RomMode:
        """Enter the ROM loader, which first says that it waits."""
        flash = self._open_flash()
        loader = RomLoader(self._chip, flash, parse_mac(self._settings.mac))
        self._loop.call_soon(on_output, boot.download_text(self._chip, cause))
        return RomMode(loader, flash, on_output, on_run, on_power_cut)

    def start_flash(
        self,
        cause: int,
        wake: int | None,
        on_output: Output,
        on_request: Callable[[Request], None],
    ) -> RunningMode | BootLoop:
        """Boot what lies in flash, or begin the boot loop.

        Raises: PowerCut, if the armed cut meets the note that a new slot is on trial.
        """
        flash = self._open_flash()
        try:
            found = boot.start(flash, self._chip, cause, self._runs)
        finally:
            flash.close()
        if isinstance(found, boot.Unbootable):
            return BootLoop(self._loop, found.text, found.text_again, on_output)
        self._loop.call_soon(on_output, found.log)
        self._runs = found.app
        run = RunMode(self._run_config(found), on_output, on_request)
        if self.armed_cut:
            run.arm_power_cut(self.armed_cut.after_flash_writes, self.armed_cut.torn_bytes)
        run.start(cause, wake)
        return run

    def radio(self) -> RadioSettings:
        """Return what the radio reaches now."""
        settings = self._settings
        return RadioSettings(
            air=self._folder.parent / AIR_FILE,
            position_m=settings.position_m,
            range_m=settings.range_m,
            loss_permille=settings.loss_permille,
            peers=settings.peers,
            seed=int(settings.mac.replace(":", ""), 16),
        )

    def _run_config(self, found: boot.Bootable) -> RunConfig:
        return RunConfig(
            name=self._settings.name,
            chip=self._board.chip,
            board=self._board,
            mac=self._settings.mac,
            image=self.image,
            partitions=found.partitions,
            running=found.app.label,
            version=found.version,
            rtc=self._folder / RTC_FILE,
            radio=self.radio(),
            battery_mv=self._settings.battery_mv,
        )

    def _open_flash(self) -> NorFlash:
        return NorFlash(self.image, self._board.flash_size_bytes, self.armed_cut)
