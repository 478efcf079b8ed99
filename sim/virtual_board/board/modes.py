"""What a board can be busy with besides running MicroPython: its ROM loader, or a boot loop."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from cma_toolkit.sim.virtual_board.rom.loader import RomLoader
from cma_toolkit.sim.virtual_board.rom.nor_flash import Fault, NorFlash, PowerCut
from cma_toolkit.sim.virtual_board.runtime.run_config import RadioSettings

BOOT_LOOP_PERIOD_S = 0.7


class Mode(Protocol):
    """One thing that a board does between two resets."""

    def write(self, data: bytes) -> None:
        """Take bytes from the serial line."""

    def kill(self) -> None:
        """End at once; nothing comes from this mode any more."""

    def pause_output(self) -> None:
        """Stop producing output."""

    def resume_output(self) -> None:
        """Go on producing output."""


class RunningMode(Mode, Protocol):
    """MicroPython at work, and what its surroundings do to it."""

    @property
    def cut_left(self) -> int | None:
        """Return after how many more flash operations the power goes, None if it stays."""

    def arm_power_cut(self, after_writes: int, torn_bytes: int | None) -> None:
        """Take the power in a flash write to come."""

    def set_battery(self, battery_mv: int) -> None:
        """Set the battery's voltage."""

    def set_usb(self, is_listening: bool) -> None:
        """Let the chip's own USB see a host, or see it go."""

    def set_radio(self, radio: RadioSettings) -> None:
        """Set what the radio reaches."""

    def set_pin(self, pin: int, level: bool) -> None:
        """Drive an input pin from outside."""


class RomMode:
    """The ROM loader, until it is told to run what lies in flash."""

    def __init__(
        self,
        loader: RomLoader,
        flash: NorFlash,
        on_output: Callable[[bytes], None],
        on_run: Callable[[], None],
        on_power_cut: Callable[[], None],
    ) -> None:
        self._loader = loader
        self._flash = flash
        self._on_output = on_output
        self._on_run = on_run
        self._on_power_cut = on_power_cut
        self._alive = True

    def write(self, data: bytes) -> None:
        """Let the loader answer; it may end itself by running the flash, or lose its power."""
        if not self._alive:
            return
        try:
            reply = self._loader.feed(data)
        except PowerCut:
            self._on_power_cut()
            return
        if reply:
            self._on_output(reply)
        if self._alive and self._loader.take_run_request():
            self._on_run()

    def arm_power_cut(self, fault: Fault) -> None:
        """Take the power in a flash operation to come."""
        self._flash.fault = fault

    def kill(self) -> None:
        """Leave the loader and close the flash."""
        if self._alive:
            self._alive = False
            self._flash.close()

    def pause_output(self) -> None:
        """Do nothing: the loader speaks only when spoken to."""

    def resume_output(self) -> None:
        """Do nothing."""


class BootLoop:
    """A board whose flash does not boot: it says so again and again, as silicon does."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        text: bytes,
        text_again: bytes,
        on_output: Callable[[bytes], None],
    ) -> None:
        self._loop = loop
        self._text_again = text_again
        self._on_output = on_output
        self._paused = False
        self._timer: asyncio.Handle = loop.call_soon(self._say, text)

    def write(self, data: bytes) -> None:
        """Ignore it: nothing listens."""

    def kill(self) -> None:
        """Fall silent."""
        self._timer.cancel()

    def pause_output(self) -> None:
        """Say nothing while a reader is slow."""
        self._paused = True

    def resume_output(self) -> None:
        """Speak again."""
        self._paused = False

    def _say(self, text: bytes) -> None:
        if not self._paused:
            self._on_output(text)
        self._timer = self._loop.call_later(BOOT_LOOP_PERIOD_S, self._say, self._text_again)
