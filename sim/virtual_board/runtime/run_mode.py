"""Run mode: a board's MicroPython between two hard resets.

A soft reset stays inside: the old process ends, a new one starts on the same console. Everything
that ends the mode is a `Request` to whoever owns the board, who then kills this mode and starts
what comes next. After `kill` nothing more is heard from it.

Host input waits until the start-up scripts begin, as early bytes wait in a UART. From then on
Ctrl-C interrupts whatever runs, `main.py` included.
"""

import asyncio
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cma_toolkit.sim.virtual_board.board.air import Air
from cma_toolkit.sim.virtual_board.runtime.bridge_input import InputBridge
from cma_toolkit.sim.virtual_board.runtime.bridge_output import OutputBridge
from cma_toolkit.sim.virtual_board.runtime.child import Child, Interrupt, Pipes
from cma_toolkit.sim.virtual_board.runtime.console_marks import SOFT_REBOOT
from cma_toolkit.sim.virtual_board.runtime.control import Control
from cma_toolkit.sim.virtual_board.runtime.live_settings import child_settings, machine_name
from cma_toolkit.sim.virtual_board.runtime.run_config import (
    POWER_ON,
    SOFT,
    RadioSettings,
    RunConfig,
)
from cma_toolkit.sim.virtual_board.runtime.watchdog import Watchdog

_READ_BYTES = 65536
_CRASH_PAUSE_S = 1.0
_RETRY_S = 0.001
_RETRIES = 500
_ENTER_RAW = b"\x01"


@dataclass(frozen=True)
class Request:
    """What a board asks of the world: to end this mode, or only to take note.

    kind     ends the mode: "reset", "deepsleep", "bootloader", "watchdog", "power-cut", "panic"
             take note: "prompt" (it has been printed), "led", "pin", "boot"
    fields   what belongs to it: deepsleep has `ms` (None: no timer) and `wake` (list of sources)
    """

    kind: str
    fields: dict[str, Any] = field(default_factory=dict)

    @property
    def ms(self) -> int | None:
        """Return how long a deep sleep lasts, None if no timer ends it."""
        value: int | None = self.fields.get("ms")
        return value

    @property
    def wake(self) -> list[dict[str, Any]]:
        """Return the pins that end a sleep: `{"pins": [4], "level": 1, "source": 2}`."""
        value: list[dict[str, Any]] = self.fields.get("wake", [])
        return value


class RunMode:
    """Run MicroPython on a board's flash until it asks for something else or is killed."""

    def __init__(
        self,
        config: RunConfig,
        on_output: Callable[[bytes], None],
        on_request: Callable[[Request], None],
    ) -> None:
        self._config = config
        self._on_output = on_output
        self._on_request = on_request
        self._loop = asyncio.get_running_loop()
        self._air = Air(config.radio.air)
        self._slot = self._air.claim(config.mac, config.radio)
        self._output = OutputBridge(machine_name(config))
        self._input = InputBridge(self._type, self._interrupt)
        self._watchdog = Watchdog(self._loop, self._is_fed_at_prompt, self._on_watchdog)
        self._pipes: Pipes | None = None
        self._child: Child | None = None
        self._control: Control | None = None
        self._restart_timer: asyncio.TimerHandle | None = None
        self._held = bytearray()
        self._unwritten = bytearray()
        self._paused = False
        self._is_up = False
        self._is_prompt_due = False
        self._timers = False
        self._cut: dict[str, int] | None = None
        self._live: dict[str, object] = {"battery_mv": config.battery_mv}

    @property
    def cut_left(self) -> int | None:
        """Return after how many more flash operations the power goes, None if it stays."""
        return self._cut["after"] if self._cut else None

    def start(self, reset_cause: int, wake: int | None = None) -> None:
        """Boot. `wake` is what `machine.wake_reason()` returns after a deep sleep.

        Raises: RuntimeMissingError (the person's installation).
        """
        assert self._pipes is None
        if reset_cause == POWER_ON:
            self._config.rtc.unlink(missing_ok=True)
        self._pipes = Pipes.open()
        self._loop.add_reader(self._pipes.stdout_read, self._read_output)
        self._spawn(reset_cause, wake or 0)

    def write(self, data: bytes) -> None:
        """Take what the host types."""
        if self._pipes is None:
            return
        if not self._is_up:
            self._held += data
            return
        if self._child:
            self._child.look_for_prompt()
        self._input.feed(data)

    def kill(self) -> None:
        """End at once; no callback of this boot arrives any more."""
        self._end_child()
        if self._restart_timer:
            self._restart_timer.cancel()
            self._restart_timer = None
        if self._pipes:
            self._loop.remove_reader(self._pipes.stdout_read)
            self._loop.remove_writer(self._pipes.stdin_write)
            self._pipes.close()
            self._pipes = None
        self._air.close()

    def pause_output(self) -> None:
        """Read no more of what the board prints: it waits in `print` once the pipe is full."""
        if self._pipes and not self._paused:
            self._loop.remove_reader(self._pipes.stdout_read)
        self._paused = True

    def resume_output(self) -> None:
        """Go on reading."""
        if self._pipes and self._paused:
            self._loop.add_reader(self._pipes.stdout_read, self._read_output)
        self._paused = False

    def set_battery(self, battery_mv: int) -> None:
        """Change the battery's voltage."""
        self._tell(battery_mv=battery_mv)

    def set_usb(self, is_listening: bool) -> None:
        """Let the chip's own USB see a host, or see it go."""
        self._tell(usb=is_listening)

    def set_radio(self, radio: RadioSettings) -> None:
        """Change place, range, loss and peers of the radio."""
        self._air.describe(self._slot, radio)

    def set_wifi(self, wifi: dict[str, str]) -> None:
        """Change the access points in reach."""
        self._tell(wifi=wifi)

    def set_pin(self, pin: int, level: bool) -> None:
        """Drive an input pin from outside."""
        pins = dict(self._pins())
        pins[str(pin)] = int(level)
        self._live["pins"] = pins
        self._say({"pin": pin, "level": int(level)})

    def arm_power_cut(
        self, after_writes: int, torn_bytes: int | None = None, bits: int = 0
    ) -> None:
        """Ask for a power cut inside the `after_writes`-th flash operation from now."""
        self._cut = {"after": after_writes, "torn": torn_bytes or 0, "bits": bits}
        self._say({"cut": self._cut})

    def _pins(self) -> dict[str, int]:
        pins = self._live.get("pins", {})
        assert isinstance(pins, dict)
        return pins

    def _tell(self, **fields: object) -> None:
        self._live.update(fields)
        self._say(fields)

    def _say(self, message: dict[str, object]) -> None:
        if self._control:
            self._control.say(message)

    # One process after the other.

    def _spawn(self, cause: int, wake: int) -> None:
        assert self._pipes
        self._restart_timer = None
        self._is_up = self._is_prompt_due = self._timers = False
        self._output.restart()
        self._air.silence(self._slot)
        for own, _ in self._config.wires.values():
            own.unlink(missing_ok=True)  # the last process's end; the board itself sees no files
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        settings = child_settings(self._config, self._live, self._slot)
        settings.update(cause=cause, wake=wake, raw=self._output.raw, cut=self._cut)
        settings["build"] = self._config.board.micropython.image_name()
        try:
            self._child = Child(self._pipes, self._config.heap_bytes, settings, theirs.fileno())
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self._control = Control(self._loop, ours, self._on_message)
        self._loop.add_reader(self._child.end_fd, self._on_child_end)

    def _end_child(self) -> int:
        self._watchdog.stop()
        if self._control:
            self._control.close()
            self._control = None
        child, self._child = self._child, None
        if not child:
            return 0
        self._loop.remove_reader(child.end_fd)
        child.kill()
        self._air.silence(self._slot)
        return child.reap()

    def _on_child_end(self) -> None:
        """Treat the end of the process as the soft reset that it is on a board."""
        self._drain_output()
        if not self._child:
            return  # what it printed last made the owner end this mode
        status = self._end_child()
        self._print(self._output.flush())
        if status < 0:
            self._print(b"\r\nGuru Meditation Error: MicroPython ended by signal %d\r\n" % -status)
            self._request("panic", status=status)
            return
        self._soft_reset(pause_s=0.0 if self._is_up else _CRASH_PAUSE_S)

    def _soft_reset(self, pause_s: float) -> None:
        assert self._pipes
        self._print(SOFT_REBOOT)
        if not self._pipes:
            return
        self._is_up = False
        self._held[:0] = self._pipes.take_unread_input() + bytes(self._unwritten)
        self._unwritten.clear()
        self._restart_timer = self._loop.call_later(pause_s, self._spawn, SOFT, 0)

    # The console.

    def _read_output(self) -> bool:
        """Pass some output on; return False if there is none."""
        assert self._pipes
        try:
            data = os.read(self._pipes.stdout_read, _READ_BYTES)
        except BlockingIOError:
            return False
        self._print(self._output.feed(data))
        if self._is_prompt_due and self._output.has_prompted:
            self._is_prompt_due = False
            self._request("prompt")
        return True

    def _drain_output(self) -> None:
        while self._pipes and self._read_output():
            pass

    def _print(self, data: bytes) -> None:
        if data:
            self._on_output(data)

    def _interrupt(self) -> bool:
        """Take a Ctrl-C; return False if it is data."""
        if not self._child:
            return False
        outcome = self._child.interrupt()
        if outcome is Interrupt.LATER:
            self._loop.call_later(_RETRY_S, self._interrupt_later, self._child, _RETRIES)
        return outcome is not Interrupt.DATA

    def _interrupt_later(self, child: Child, retries: int) -> None:
        if child is not self._child:
            return
        outcome = child.interrupt(at_any_cost=retries == 0)
        if outcome is Interrupt.LATER:
            self._loop.call_later(_RETRY_S, self._interrupt_later, child, max(0, retries - 1))

    def _type(self, data: bytes) -> None:
        """Write to the board's UART as far as it reads; the rest waits."""
        assert self._pipes
        if not self._unwritten:
            data = data[self._write_some(data) :]
            if data:
                self._loop.add_writer(self._pipes.stdin_write, self._write_rest)
        self._unwritten += data

    def _write_some(self, data: bytes) -> int:
        assert self._pipes
        try:
            return os.write(self._pipes.stdin_write, data)
        except BlockingIOError:
            return 0

    def _write_rest(self) -> None:
        assert self._pipes
        del self._unwritten[: self._write_some(bytes(self._unwritten[:_READ_BYTES]))]
        if not self._unwritten:
            self._loop.remove_writer(self._pipes.stdin_write)

    # What the board says.

    def _on_message(self, message: dict[str, Any]) -> None:
        kind = message.pop("kind")
        handler = _HANDLERS.get(kind)
        if handler:
            handler(self, message)
        elif kind in _ENDS:
            # What it printed before it asked comes before what happens next.
            self._drain_output()
            self._request(kind, **message)
        else:
            self._request(kind, **message)

    def _on_up(self, message: dict[str, Any]) -> None:
        """Let the host's bytes in: from here on every Ctrl-C has somebody to interrupt."""
        self._is_up = True
        held, self._held = bytes(self._held), bytearray()
        self._request("boot", cause=message["cause"])
        self.write(held)

    def _on_prompt(self, message: dict[str, Any]) -> None:
        """Put a raw REPL back into raw mode before it reads anything else."""
        assert self._pipes
        self._drain_output()
        if not self._pipes:
            return
        if self._output.raw:
            waiting = self._pipes.take_unread_input() + bytes(self._unwritten)
            self._unwritten.clear()
            self._loop.remove_writer(self._pipes.stdin_write)
            self._type(_ENTER_RAW + waiting)
        # Whoever waits for the prompt opens the port then, and must not meet the banner there.
        self._is_prompt_due = True
        self._say({"go": 1})

    def _on_soft_reset(self, message: dict[str, Any]) -> None:
        self._drain_output()
        if self._child:
            self._end_child()
            self._print(self._output.flush())
            self._soft_reset(pause_s=0.0)

    def _on_interrupt_again(self, message: dict[str, Any]) -> None:
        if self._child:
            self._child.forget_interrupt()
            self._interrupt()

    def _on_flash_count(self, message: dict[str, Any]) -> None:
        if self._cut:
            self._cut["after"] = message["left"]

    def _on_feed(self, message: dict[str, Any]) -> None:
        self._watchdog.feed(message["ms"])

    def _on_timers(self, message: dict[str, Any]) -> None:
        self._timers = message["active"]

    def _is_fed_at_prompt(self) -> bool:
        """Tell whether a timer of the board would feed its watchdog now.

        A timer's callback runs at the prompt on a board; the unix port waits there for a key.
        """
        return self._timers and self._child is not None and self._child.is_at_prompt()

    def _on_watchdog(self) -> None:
        self._drain_output()
        self._request("watchdog")

    def _request(self, kind: str, **fields: Any) -> None:
        if kind == "power-cut":
            self._cut = None
        if self._pipes:
            self._on_request(Request(kind, fields))


_ENDS = {"reset", "deepsleep", "bootloader", "power-cut"}
_HANDLERS: dict[str, Callable[[RunMode, dict[str, Any]], None]] = {
    "up": RunMode._on_up,
    "prompt": RunMode._on_prompt,
    "soft-reset": RunMode._on_soft_reset,
    "interrupt-again": RunMode._on_interrupt_again,
    "flash-count": RunMode._on_flash_count,
    "feed": RunMode._on_feed,
    "timers": RunMode._on_timers,
}
