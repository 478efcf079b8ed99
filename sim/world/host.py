"""One agent's surroundings in a world: its parts, and the sink of its effects."""

import sys

from cma_toolkit.firmware.kernel.codec import cbor
from cma_toolkit.firmware.kernel.codec.frame import KIND_FRAGMENT, KIND_MESSAGE
from cma_toolkit.firmware.kernel.effects import Effects
from cma_toolkit.firmware.kernel.limits import HEADER_BYTES
from cma_toolkit.firmware.kernel.ports import Actuator, Parts, Sensor
from cma_toolkit.sim.world import trace
from cma_toolkit.sim.world.clock import Clock
from cma_toolkit.sim.world.sensors import WaveSensor, make_sensor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cma_toolkit.sim.world.board import Board
    from cma_toolkit.sim.world.fleet import Fleet


ERRORS_KEPT_MAX = 1_000  # tracebacks; what comes after that instant is counted


class Log:
    """What happened in a world, as a test looks at it; at one instant in no stated order."""

    def __init__(self, keep: bool) -> None:
        self.keep = keep
        self.messages: list[tuple[int, str, str, object]] = []
        self.events: list[tuple[int, str, str, object]] = []
        self.actuations: list[tuple[int, str, str, object]] = []
        self.errors: list[tuple[int, str, str, str]] = []
        self.error_count = 0
        self.set_sensors: list[str] = []
        self.unset_sensors: list[str] = []
        self.published = 0


class WorldActuator(Actuator):
    """Record what is written."""

    def __init__(self, host: "Host", name: str) -> None:
        self._host = host
        self._name = name

    def write(self, value: object) -> None:
        """Note the value."""
        host = self._host
        host.trace(trace.ACTUATE, trace.encode_value((self._name, value)))
        if host.log.keep:
            host.log.actuations.append((host.clock.now_ms, host.name, self._name, value))


class WorldParts(Parts):
    """Have every sensor that is asked for, and every actuator."""

    def __init__(self, host: "Host", sensors: dict[str, object]) -> None:
        self._host = host
        self._sensors = sensors

    def sensor(self, name: str) -> Sensor:
        """Return the sensor that was given for this name, else a slow wave."""
        host = self._host
        if name in self._sensors:
            if name not in host.log.set_sensors:
                host.log.set_sensors.append(name)
            return make_sensor(self._sensors[name], host.index, host.clock)
        if name not in host.log.unset_sensors:
            host.log.unset_sensors.append(name)
        return WaveSensor(host.index, host.clock)

    def actuator(self, name: str) -> Actuator:
        """Return an actuator that records."""
        return WorldActuator(self._host, name)


class Host(Effects):
    """Carry out the effects of one agent; sleep and reboot wait for the end of its step."""

    def __init__(self, fleet: "Fleet", board: "Board") -> None:
        self.index = board.index
        self.name = board.name
        self.clock: Clock = fleet.clock
        self.log: Log = fleet.log
        self._fleet = fleet
        self._board = board
        self._parts = b""  # of the message that is being sent in fragments
        self._reason = 0
        self._depth = 0
        self._until_at_ms = 0

    def take_wishes(self) -> tuple[int, int, int]:
        """Return why to reboot, how deep to sleep and until when; 0 each if not asked for."""
        wishes = self._reason, self._depth, self._until_at_ms
        self._reason = self._depth = self._until_at_ms = 0
        return wishes

    def trace(self, kind: int, content: bytes) -> None:
        """Fold something into the trace of the run."""
        fleet = self._fleet
        fleet.trace.add(kind, self.clock.now_ms, self.index, content)
        for watcher in fleet.watchers:
            watcher.effect(fleet, self.index, kind, content)

    def send(self, link: int, buffer: bytearray, length: int) -> None:
        """Let the frame out into the air."""
        data = bytes(memoryview(buffer)[:length])
        self.trace(trace.SEND, data)
        if data[1] == KIND_MESSAGE:
            self._on_published(memoryview(data)[HEADER_BYTES:])
        elif data[1] == KIND_FRAGMENT:
            self._on_fragment(memoryview(data)[HEADER_BYTES:])
        self._fleet.medium.transmit(self.index, link, data)

    def _on_fragment(self, payload: memoryview) -> None:
        # They leave in order, so that what came before belongs to the same message.
        _number, index, count, kind, part = _fields(payload)
        self._parts = (self._parts if index else b"") + part
        if kind == KIND_MESSAGE and index == count - 1:
            self._on_published(self._parts)

    def _on_published(self, payload: "bytes | memoryview") -> None:
        self.log.published += 1
        if self.log.keep:
            topic, value = _fields(payload)
            self.log.messages.append((self.clock.now_ms, self.name, topic, value))

    def radio(self, is_on: bool) -> None:
        """Switch the radio."""
        self.trace(trace.RADIO, bytes([is_on]))
        self._board.switch_radio(is_on)

    def sleep(self, until_at_ms: int, depth: int) -> None:
        """Sleep at the end of the step."""
        self.trace(trace.SLEEP, trace.encode_value((until_at_ms, depth)))
        self._until_at_ms, self._depth = until_at_ms, depth

    def reboot(self, reason: int) -> None:
        """Reboot at the end of the step."""
        self.trace(trace.REBOOT, bytes([reason]))
        self._reason = reason

    def report(self, event_id: int, value: int) -> None:
        """Note an event of the kernel in the trace."""
        self.trace(trace.REPORT, trace.encode_value((event_id, value)))

    def app_event(self, name: str, value: object) -> None:
        """Note what the application reported."""
        self.trace(trace.APP_EVENT, trace.encode_value((name, value)))
        if self.log.keep:
            self.log.events.append((self.clock.now_ms, self.name, name, value))

    def app_error(self, where: str, error: Exception) -> None:
        """Note the traceback; only its place and type are the same on every runtime."""
        self.trace(trace.APP_ERROR, trace.encode_value((where, type(error).__name__)))
        log, now_ms = self.log, self.clock.now_ms
        log.error_count += 1
        if len(log.errors) < ERRORS_KEPT_MAX or log.errors[-1][0] == now_ms:
            log.errors.append((now_ms, self.name, where, describe(error)))


def _fields(payload: "bytes | memoryview") -> "list[Any]":
    fields = cbor.decode(payload)
    assert isinstance(fields, list)
    return fields


def describe(error: BaseException) -> str:
    """Return the traceback of an exception as text."""
    import io

    text = io.StringIO()
    if hasattr(sys, "print_exception"):
        sys.print_exception(error, text)
    else:
        import traceback

        traceback.print_exception(error, file=text)
    return text.getvalue()
