"""An agent of this world that lives in a MicroPython of its own; its board stays here.

For CPython alone. What crosses the pipe are the ports of an agent: its events go there; its
flash, sensors, actuators and effects come back as calls, served here while the agent waits.
"""

import os
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from cma_toolkit.firmware.kernel.agent import Agent
from cma_toolkit.firmware.kernel.codec import cbor
from cma_toolkit.firmware.kernel.config import SETTING_NAMES
from cma_toolkit.firmware.kernel.errors import CAUSE_DEEP_SLEEP
from cma_toolkit.firmware.kernel.identity import Identity
from cma_toolkit.firmware.kernel.ports import Parts, Sensor
from cma_toolkit.sim.world.board import Board
from cma_toolkit.sim.world.fleet import Fleet
from cma_toolkit.sim.world.guest.pipe import ANSWER, CALL, ERROR, GONE, EndError, Pipe
from cma_toolkit.sim.world.hardware.flash import PowerCut
from cma_toolkit.sim.world.host import Host
from cma_toolkit.sim.world.micropython import WorldCrashError, import_root, interpreter

HEAP = "64M"
_END_S = 10.0
_PIPE_END = "MicroPython ended in the middle of the run"


class MicroPythonGuest:
    """The process for one agent; each of its boots makes the agent in it anew."""

    def __init__(self, app: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="cma-guest-")
        root = import_root(Path(self._folder.name))
        reads, to_guest = os.pipe()
        from_guest, writes = os.pipe()
        with Path(self._folder.name, "printed").open("wb") as printed:
            self._process = subprocess.Popen(
                [*interpreter(), "-X", f"heapsize={HEAP}", "-m",
                 "cma_toolkit.sim.world.guest.inside", str(reads), str(writes), app],
                env={**os.environ, "MICROPYPATH": f"{root}:.frozen"},
                pass_fds=(reads, writes),
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
            )  # fmt: skip
        os.close(reads)
        os.close(writes)
        self.pipe = Pipe(os.fdopen(from_guest, "rb", 0), os.fdopen(to_guest, "wb", 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()

    def close(self) -> None:
        """End the process."""
        self.pipe.close()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()

    def make_agent(
        self, fleet: Fleet, board: Board, identity: Identity, seed: int, parts: Parts
    ) -> Agent:
        """Make the agent of a boot in the process; what is returned stands for it here."""
        config = fleet.config_of(board.release[0])
        plain = {
            "name": identity.name,
            "node": identity.node,
            "network": identity.network,
            "board": identity.board,
            "seed": seed,
            "settings": {name: getattr(config, name) for name in SETTING_NAMES},
            "currents_ua": list(config.currents_ua),
            "application_id": config.application_id,
            "release": list(board.release),
            "sector_bytes": board.flash.sector_bytes,
            "sector_count": board.flash.sector_count,
        }
        return cast(Agent, GuestAgent(self, board, parts, plain))

    def crashed(self) -> WorldCrashError:
        """Return the error for a process that is not there any more, with what it printed."""
        printed = Path(self._folder.name, "printed").read_text(errors="replace").strip()
        return WorldCrashError(f"{_PIPE_END}: {printed or 'it printed nothing'}")


class GuestAgent:
    """What a board calls of its agent."""

    snapshot_bytes = 0

    def __init__(
        self, guest: MicroPythonGuest, board: Board, parts: Parts, plain: dict[str, object]
    ) -> None:
        self._guest = guest
        self._pipe = guest.pipe
        self._board = board
        self._host: Host = board.host
        self._parts = parts
        self._plain = plain
        self._sensors: dict[str, Sensor] = {}
        self.keeper = self.state = self  # board.state() asks agent.keeper.state.as_dict()

    # --- what the board calls ---

    def start(self, now_ms: int, cause: int, snapshot: bytes | None, out: Host) -> None:
        """Make and start it; its effects come to the board's host."""
        is_after_sleep = cause == CAUSE_DEEP_SLEEP
        self.snapshot_bytes = self.call("make", {**self._plain, "is_after_sleep": is_after_sleep})
        self.call("start", now_ms, cause, snapshot)

    def set_up(self, now_ms: int, setup: object, out: Host) -> bool:
        """Have it run its own copy of the application."""
        return bool(self.call("set_up", now_ms))

    def on_frame(  # noqa: PLR0917 - as the agent's own
        self, now_ms: int, link: int, buffer: bytes, length: int, rssi_dbm: int, out: Host
    ) -> None:
        """Give it a frame."""
        self.call("on_frame", now_ms, link, bytes(buffer[:length]), rssi_dbm)

    def on_time(self, now_ms: int, out: Host) -> None:
        """Have it serve what is due."""
        self.call("on_time", now_ms)

    def on_battery(self, millivolts: int) -> None:
        """Tell it the voltage of its battery."""
        self.call("on_battery", millivolts)

    def on_undelivered(self) -> None:
        """Tell it that nobody acknowledged its frame."""
        self.call("on_undelivered")

    def on_spent(self, now_ms: int, span_ms: int) -> None:
        """Tell it how long its last step took."""
        self.call("on_spent", now_ms, span_ms)

    def reboot(self) -> None:
        """Have it boot again at the end of its next step."""
        self.call("reboot")

    def next_wake_at_ms(self) -> int:
        """Ask it when it is to be called next."""
        return int(self.call("next_wake_at_ms"))

    def hibernate(self, now_ms: int, buffer: bytearray) -> int:
        """Have it fill its snapshot."""
        snapshot: bytes = self.call("hibernate", now_ms)
        buffer[: len(snapshot)] = snapshot
        return len(snapshot)

    def status(self) -> dict[str, object]:
        """Ask it for its status."""
        return dict(self.call("status"))

    def as_dict(self) -> dict[str, object]:
        """Ask it what its application remembers."""
        return dict(self.call("state"))

    # --- what it calls back for ---

    def call(self, name: str, *arguments: object) -> Any:
        """Have it do something, and serve it until it has.

        Raises: PowerCut, and the error that its flash was to fail with, if it stood neither.
        """
        try:
            self._pipe.put(CALL, name, *arguments)
            failed: MemoryError | None = None
            while True:
                fields = self._pipe.take()
                if fields[0] == ANSWER:
                    return fields[1]
                if fields[0] == ERROR:
                    if failed is not None and fields[1] == "MemoryError":
                        raise failed
                    raise WorldCrashError(f"{name} raised in MicroPython: {fields[2]}")
                try:
                    self._pipe.put(ANSWER, getattr(self, "_serve_" + fields[1])(*fields[2:]))
                except PowerCut:
                    self._pipe.put(GONE)
                    raise
                except MemoryError as error:
                    failed = error
                    self._pipe.put(ERROR, "MemoryError", [])
                except OSError as error:
                    self._pipe.put(ERROR, "OSError", [error.errno or 5])
        except EndError:
            raise self._guest.crashed() from None

    def _serve_read(self, address: int, size_bytes: int) -> bytes:
        buffer = bytearray(size_bytes)
        self._board.flash.read(address, buffer)
        return bytes(buffer)

    def _serve_program(self, address: int, data: bytes) -> None:
        self._board.flash.program(address, data)

    def _serve_erase(self, sector: int) -> None:
        self._board.flash.erase(sector)

    def _serve_sync(self) -> None:
        self._board.flash.sync()

    def _serve_sensor(self, name: str) -> None:
        self._sensors[name] = self._parts.sensor(name)

    def _serve_sense(self, name: str) -> object:
        return self._sensors[name].read()

    def _serve_actuate(self, name: str, value: bytes, kind: str) -> None:
        self._parts.actuator(name).write(_value(value, kind))

    def _serve_send(self, link: int, data: bytes) -> None:
        self._host.send(link, bytearray(data), len(data))

    def _serve_radio(self, is_on: bool) -> None:
        self._host.radio(is_on)

    def _serve_sleep(self, until_at_ms: int, depth: int) -> None:
        self._host.sleep(until_at_ms, depth)

    def _serve_reboot(self, reason: int) -> None:
        self._host.reboot(reason)

    def _serve_report(self, event_id: int, value: int) -> None:
        self._host.report(event_id, value)

    def _serve_app_event(self, name: str, value: bytes, kind: str) -> None:
        self._host.app_event(name, _value(value, kind))

    def _serve_app_error(self, where: str, kind: str, told: str) -> None:
        self._host.app_error(where, type(kind, (Exception,), {})(told))


def _value(data: bytes, kind: str) -> object:
    """Return what the application handed out; of what has no CBOR form, one of that name."""
    return type(kind, (), {})() if kind else cbor.decode(data)
