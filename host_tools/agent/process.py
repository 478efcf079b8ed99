"""The agent as a process: the kernel with a real clock, UDP, and SQLite for its flash.

One asyncio loop turns it, as on a board, so an application's own tasks live beside it.
"""

import asyncio
import binascii
import os
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cma_toolkit.firmware.kernel.agent import Agent
from cma_toolkit.firmware.kernel.codec.frame import node_id
from cma_toolkit.firmware.kernel.config import Config
from cma_toolkit.firmware.kernel.errors import CAUSE_POWER_ON, CAUSE_SOFT_RESET
from cma_toolkit.firmware.kernel.identity import Identity
from cma_toolkit.firmware.kernel.ports import Sensor
from cma_toolkit.firmware.kernel.prng import Prng
from cma_toolkit.firmware.kernel.ticks import TICKS_PERIOD, ticks_add, ticks_diff
from cma_toolkit.host_tools.agent.ending import Ending
from cma_toolkit.host_tools.agent.parts import HostParts, HostSettings
from cma_toolkit.host_tools.agent.records import Record, Recorder
from cma_toolkit.host_tools.agent.udp import PORT, Peer, UdpLink

if TYPE_CHECKING:
    from cma_toolkit.firmware.kernel.shapes import Table

_POLL_MS_MAX = 50  # a message's added delay at most, if a task of the application publishes it
_FRAMES_PER_TURN = 64  # received before timers are served again
_STATUS_MS = 5_000
_STATUS_PER_HEALTH = 12  # status records, the first one included
_BOARD = "linux"

Setup = Callable[[object], object]


@dataclass(frozen=True)
class Wanted:
    """What a person asked for on the command line."""

    folder: Path
    name: str
    cluster: str = ""
    port: int = PORT
    peers: Sequence[Peer] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    sensors: dict[str, Sensor] = field(default_factory=dict)


class Sink(Recorder):
    """Carry out effects on this computer; what ends a step is noted for the loop."""

    def __init__(self, name: str, on_record: Callable[[Record], None], link: UdpLink) -> None:
        super().__init__(name, on_record)
        self._link = link
        self.undelivered = 0
        self.is_radio_on = True
        self.reboot_reason = 0

    def send(self, link: int, buffer: bytearray, length: int) -> None:
        """Transmit a frame."""
        if not self._link.send(memoryview(buffer)[:length]):
            self.undelivered += 1

    def radio(self, is_on: bool) -> None:
        """Hear nothing while the agent sleeps: others must find it as deaf as a board."""
        self.is_radio_on = is_on

    def reboot(self, reason: int) -> None:
        """Note it: the loop starts the agent anew after the step."""
        self.reboot_reason = reason


class AgentProcess:
    """Compose an agent and run it until it is told to stop."""

    def __init__(
        self, wanted: Wanted, setup: Setup, table: "Table", on_record: Callable[[Record], None]
    ) -> None:
        self._folder = wanted.folder
        self._setup = setup
        self._table = table
        self._settings = HostSettings(wanted.settings)
        place = f"{wanted.name}:{wanted.port}".encode()
        node = node_id(uuid.getnode().to_bytes(6, "big") + place)
        self._identity = Identity(wanted.name, node, self._network(wanted.cluster), _BOARD)
        self._link = UdpLink(node, wanted.port, wanted.peers)
        self.sink = Sink(wanted.name, on_record, self._link)
        self._parts = HostParts(
            wanted.folder, self._settings, wanted.sensors, self.sink.note, self._on_write
        )
        self._status_ms = self._settings.whole("status_ms", _STATUS_MS)
        self._status_at_ms = now_ms()
        self._status_count = 0
        self._application = ""
        self._is_twin_told = False
        self._agent = self._make_agent()

    async def run(self, seconds: float | None) -> None:
        """Run so long, or until SIGTERM or Ctrl-C; then commit and end in order."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._on_task_error)
        stopped, came = asyncio.Event(), asyncio.Event()
        if seconds is not None:
            loop.call_later(seconds, stopped.set)
        loop.add_reader(self._link.fileno(), came.set)
        try:
            with Ending(stopped, self._folder) as ending:
                await self._turn(stopped, came)
                ending.heed()
                # Not in `finally`: after an error of ours it would be a lie.
                self._agent.stop(now_ms(), self.sink)
        finally:
            loop.remove_reader(self._link.fileno())
            self._link.close()

    async def _turn(self, stopped: asyncio.Event, came: asyncio.Event) -> None:
        ending = asyncio.create_task(stopped.wait())
        self._start(CAUSE_POWER_ON)
        while not ending.done():
            self._step()
            came.clear()
            coming = asyncio.create_task(came.wait())
            await asyncio.wait(
                (coming, ending),
                timeout=self._pause_ms() / 1000,
                return_when=asyncio.FIRST_COMPLETED,
            )
            coming.cancel()

    def _make_agent(self) -> Agent:
        config = Config()
        config.take(self._settings.values)
        rng = Prng(int.from_bytes(os.urandom(4), "big"))
        return Agent(self._identity, rng, self._table, self._parts, config)

    def _start(self, cause: int) -> None:
        agent, sink = self._agent, self.sink
        sink.is_radio_on = True  # as after every boot
        self._application = "running"
        agent.start(now_ms(), cause, None, sink)
        if agent.is_safe_mode:
            self._application = "safe mode"
        elif not agent.set_up(now_ms(), self._setup, sink):
            self._application = "failed"

    def _step(self) -> None:
        agent, sink = self._agent, self.sink
        for _ in range(_FRAMES_PER_TURN):
            length = self._link.receive()
            if not length:
                break
            if sink.is_radio_on:
                at_ms = now_ms()
                agent.on_frame(at_ms, 0, self._link.buffer, length, 0, sink)
                agent.on_spent(at_ms, ticks_diff(now_ms(), at_ms))
        if self._link.has_twin and not self._is_twin_told:
            self._is_twin_told = True
            sink.note(
                "twin", "an agent of the same name runs on this computer; give each a --name"
            )
        at_ms = now_ms()
        if ticks_diff(agent.next_wake_at_ms(), at_ms) <= 0:
            agent.on_time(at_ms, sink)
            agent.on_spent(at_ms, ticks_diff(now_ms(), at_ms))
        while sink.undelivered:
            sink.undelivered -= 1
            agent.on_undelivered()
        if sink.traceback:
            agent.keep_traceback(at_ms, sink.traceback)
            sink.traceback = b""
        if self._status_ms and ticks_diff(at_ms, self._status_at_ms) >= 0:
            self._status_at_ms = ticks_add(at_ms, self._status_ms)
            self._tell_status()
        if sink.reboot_reason:
            self._reboot()

    def _reboot(self) -> None:
        self.sink.note("reboot", self.sink.reboot_reason)
        self.sink.reboot_reason = 0
        self._agent.stop(now_ms(), self.sink)
        self._agent = self._make_agent()
        self._start(CAUSE_SOFT_RESET)

    def _pause_ms(self) -> int:
        until_ms = ticks_diff(self._agent.next_wake_at_ms(), now_ms())
        return max(1, min(_POLL_MS_MAX, until_ms))

    def _tell_status(self) -> None:
        fields = self._agent.status()
        self.sink.record(
            "status", {**fields, "app": self._application, "links": [self._link.name]}
        )
        if self._status_count % _STATUS_PER_HEALTH == 0:
            self.sink.record("health", self._agent.report_health())
        self._status_count += 1

    def _on_write(self, name: str, value: object) -> None:
        self.sink.record("event", {"event": "actuator", "what": name, "value": value})

    def _on_task_error(self, _: object, context: dict[str, Any]) -> None:
        error = context.get("exception") or RuntimeError(context["message"])
        self.sink.app_error("task", error)

    def _network(self, cluster: str) -> int:
        # As the settings of a board decide it.
        if "network" in self._settings.values:
            return self._settings.whole("network", 0) & 0xFFFF
        return binascii.crc32(cluster.encode()) & 0xFFFF if cluster else 0


def now_ms() -> int:
    """Return the agent's clock: this computer's monotonic one."""
    return time.monotonic_ns() // 1_000_000 % TICKS_PERIOD
