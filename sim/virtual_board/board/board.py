"""One virtual board: what it is busy with, and what its button, its lines and its power do to it.

```
off ──plug in──► power up ──► inspect flash ──► running ⇄ asleep      unplug, from anywhere ► off
                    ▲               │
EN pulse, IO0 low ──┼──► rom        └──► boot-loop                    power cut ► no-power
```
Every boot has a number, and whatever a mode reports carries the number of its boot: what an
earlier boot left on its way finds nobody.
"""

import asyncio
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from cma_toolkit.boards.load import Board
from cma_toolkit.sim.virtual_board.board.console_file import ConsoleFile
from cma_toolkit.sim.virtual_board.board.events import EventLog
from cma_toolkit.sim.virtual_board.board.modes import BootLoop, Mode, RomMode, RunningMode
from cma_toolkit.sim.virtual_board.board.reset_button import ResetButton
from cma_toolkit.sim.virtual_board.board.settings import CONSOLE_FILE, Settings
from cma_toolkit.sim.virtual_board.board.starter import ArmedCut, Starter
from cma_toolkit.sim.virtual_board.endpoints.line import Line
from cma_toolkit.sim.virtual_board.endpoints.port import BoardPort
from cma_toolkit.sim.virtual_board.endpoints.pty import PtyWatcher
from cma_toolkit.sim.virtual_board.rom.nor_flash import PowerCut
from cma_toolkit.sim.virtual_board.runtime.run_config import (
    DEEP_SLEEP,
    POWER_ON,
    SOFTWARE,
    WATCHDOG,
)
from cma_toolkit.sim.virtual_board.runtime.run_mode import Request
from cma_toolkit.sim.virtual_board.supervisor.registry import BoardInfo

NATIVE_USB = "usb-serial-jtag"  # in `boards/`: the chip is its own USB device
# `machine.wake_reason()` after a deep sleep that a timer ended.
TIMER_WAKE = 4


class VirtualBoard:
    """Drive one board; every method returns at once."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        settings: Settings,
        *,
        board: Board,
        folder: Path,
        ptys: PtyWatcher,
        on_change: Callable[[], None],
    ) -> None:
        self._loop = loop
        self.settings = settings
        self._starter = Starter(loop, board, settings, folder)
        self._on_change = on_change
        self._is_native_usb = board.usb == NATIVE_USB
        self._port = BoardPort(loop, self, folder, ptys)
        self._console = ConsoleFile(folder / CONSOLE_FILE)
        self._button = ResetButton(loop, self._hold_reset, self._release_reset)
        self._mode: Mode | None = None
        self._running: RunningMode | None = None
        self._wake_timer: asyncio.TimerHandle | None = None
        self._boot_number = 0
        self._led = False
        self._wake_pins: list[dict[str, Any]] = []
        self.state = "off"
        self.events = EventLog()

    @property
    def line(self) -> Line:
        """Return the board's serial line."""
        return self._port.line

    def info(self) -> BoardInfo:
        """Describe the board as it is now."""
        return BoardInfo(
            name=self.settings.name,
            mac=self.settings.mac,
            url=self._port.url,
            pty=self._port.pty,
            fast=f"virtual://{self.settings.name}",
            state=self.state,
            client=self.line.holder,
            pid=os.getpid(),
            boot_count=self._boot_number,
            event_count=self.events.count,
            led=self._led,
            battery_mv=self.settings.battery_mv,
            output_dropped_bytes=self.line.dropped_bytes,
            **self._starter.facts(),
        )

    def plug_in(self) -> None:
        """Give the board its endpoints and its power."""
        self._console.open()
        self._port.open(self.settings.tcp_port)
        if self.settings.tcp_port != self._port.tcp_port:
            self.settings.tcp_port = self._port.tcp_port
            self._starter.save_settings()
        self._boot(POWER_ON)

    def unplug(self) -> None:
        """Take power and endpoints; harmless when there are none."""
        self._end_boot()
        self._enter("off")
        self._port.close()
        self._console.close()

    def press_reset(self, download: bool) -> None:
        """Press EN, with IO0 held low or not."""
        if self.state != "no-power":
            self._boot(POWER_ON, download=download)

    def cut_power(self) -> None:
        """Take the power; the plug stays."""
        self._end_boot()
        self._starter.armed_cut = None
        self._led = False
        self._enter("no-power")
        self.events.add("power-cut")

    def restore_power(self) -> None:
        """Give the power back."""
        if self.state != "no-power":
            return
        if self._button.held:
            self._enter("reset")
        else:
            self._boot(POWER_ON)

    def arm_power_cut(self, after_flash_writes: int, torn_bytes: int | None) -> None:
        """Take the power in a later flash operation, in whatever mode the board is then."""
        self._starter.armed_cut = ArmedCut(after_flash_writes, torn_bytes)
        if isinstance(self._mode, RomMode):
            self._mode.arm_power_cut(self._starter.armed_cut)
        if self._running:
            self._running.arm_power_cut(after_flash_writes, torn_bytes)

    def set_battery(self, battery_mv: int) -> None:
        """Set the battery's voltage."""
        self.settings.battery_mv = battery_mv
        self._starter.save_settings()
        if self._running:
            self._running.set_battery(battery_mv)

    def radio_changed(self) -> None:
        """Let the radio work as the settings say now."""
        self._starter.save_settings()
        if self._running:
            self._running.set_radio(self._starter.radio())

    def set_pin(self, pin: int, level: bool) -> None:
        """Drive an input pin from outside."""
        if self._running:
            self._running.set_pin(pin, level)
        for source in self._wake_pins:
            if self.state == "asleep" and pin in source["pins"] and level == bool(source["level"]):
                self._boot(DEEP_SLEEP, source["source"])

    def make_flash(self, content: str) -> None:
        """Make the flash of a new board."""
        self._starter.make_flash(content)

    # What the serial line says.

    def on_bytes(self, data: bytes) -> None:
        """Give bytes to whatever the board is busy with; a sleeping board does not listen."""
        if self._mode:
            self._mode.write(data)

    def on_lines(self, dtr: bool, rts: bool) -> None:
        """Give the reset lines to the circuit."""
        self._button.on_lines(dtr, rts)

    def on_attach(self) -> None:
        """Let the chip's own USB see its host."""
        if self._running:
            self._running.set_usb(self._is_native_usb)

    def on_detach(self) -> None:
        """Let the lines float; a reset that was held ends."""
        if self._running:
            self._running.set_usb(False)
        self._button.on_detach()
        self._on_change()

    def pause_output(self) -> None:
        """Stop producing output."""
        if self._mode:
            self._mode.pause_output()

    def resume_output(self) -> None:
        """Go on producing output."""
        if self._mode:
            self._mode.resume_output()

    # What the reset circuit does.

    def _hold_reset(self) -> None:
        if self.state != "no-power":
            self._end_boot()
            self._enter("reset")

    def _release_reset(self, download: bool) -> None:
        if self.state != "no-power":
            self._boot(POWER_ON, download=download)

    # Boots.

    def _boot(self, cause: int, wake: int | None = None, *, download: bool = False) -> None:
        self._end_boot()
        self._boot_number += 1
        number = self._boot_number
        self.events.add("boot", boot=number, cause=cause)
        on_output = partial(self._on_output, number)
        if download:
            on_run = partial(self._on_rom_run, number)
            on_cut = partial(self._on_power_cut, number)
            self._mode = self._starter.start_rom(cause, on_output, on_run, on_cut)
            self._enter("rom")
        else:
            self._start_flash(cause, wake, on_output, partial(self._on_request, number))
        if self._mode and self.line.paused:
            self._mode.pause_output()

    def _start_flash(
        self,
        cause: int,
        wake: int | None,
        on_output: Callable[[bytes], None],
        on_request: Callable[[Request], None],
    ) -> None:
        try:
            mode = self._starter.start_flash(cause, wake, on_output, on_request)
        except PowerCut:
            self.cut_power()
            return
        self._mode = mode
        if isinstance(mode, BootLoop):
            self._enter("boot-loop")
        else:
            self._running = mode
            mode.set_usb(self._is_native_usb and bool(self.line.holder))
            self._enter("running")

    def _end_boot(self) -> None:
        if self._wake_timer:
            self._wake_timer.cancel()
            self._wake_timer = None
        self._wake_pins = []
        if self._running and self._starter.armed_cut:
            # What this boot has not counted down the next one does.
            self._starter.armed_cut.after_flash_writes = self._running.cut_left or 1
        if self._mode:
            self._mode.kill()
            self._mode = self._running = None

    def _enter(self, state: str) -> None:
        if state != self.state:
            self.state = state
            self.events.add(state)
        self._on_change()

    def _on_output(self, number: int, data: bytes) -> None:
        if number == self._boot_number and self._mode:
            self._console.write(data)
            self.line.send(data)

    def _on_rom_run(self, number: int) -> None:
        if number == self._boot_number:
            self._boot(POWER_ON)

    def _on_power_cut(self, number: int) -> None:
        if number == self._boot_number:
            self.cut_power()

    def _on_request(self, number: int, request: Request) -> None:
        if number != self._boot_number:
            return
        if request.kind == "reset":
            self._boot(SOFTWARE)
        elif request.kind == "watchdog":
            self._boot(WATCHDOG)
        elif request.kind == "bootloader":
            self._boot(SOFTWARE, download=True)
        elif request.kind == "power-cut":
            self.cut_power()
        elif request.kind == "panic":
            self._boot(SOFTWARE)
        elif request.kind == "deepsleep":
            self._sleep(request)
        else:
            self._take_note(request)

    def _sleep(self, request: Request) -> None:
        """Fall silent until the timer or a pin wakes the board."""
        self._end_boot()
        self._enter("asleep")
        self.events.add("deep-sleep", ms=request.ms)
        self._wake_pins = request.wake
        if request.ms is not None:
            self._wake_timer = self._loop.call_later(
                request.ms / 1000, self._boot, DEEP_SLEEP, TIMER_WAKE
            )

    def _take_note(self, request: Request) -> None:
        """Tell those who watch: the prompt is there, the LED changed, a pin did."""
        if request.kind == "led":
            self._led = bool(request.fields["on"])
            self._on_change()
        if request.kind != "boot":
            self.events.add(request.kind, **request.fields)
