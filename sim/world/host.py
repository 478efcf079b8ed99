"""One agent's surroundings in a world: its store, its parts, and the sink of its effects."""

import sys

from cma_toolkit.firmware.kernel.codec.frame import KIND_MESSAGE
from cma_toolkit.firmware.kernel.codec.messages import read_message
from cma_toolkit.firmware.kernel.effects import Effects
from cma_toolkit.firmware.kernel.limits import HEADER_BYTES
from cma_toolkit.firmware.kernel.ports import Actuator, Parts, Sensor, Store
from cma_toolkit.sim.world import trace
from cma_toolkit.sim.world.clock import Clock
from cma_toolkit.sim.world.sensors import WaveSensor, make_sensor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cma_toolkit.sim.world.fleet import Fleet


ERRORS_KEPT_MAX = 1_000  # tracebacks; what comes after them is counted


class MemoryStore(Store):
    """Records that outlive the agent, as flash does."""

    def __init__(self) -> None:
        self._records: dict[str, bytes] = {}

    def read(self, key: str) -> bytes | None:
        """Return a record."""
        return self._records.get(key)

    def write(self, key: str, data: bytes) -> None:
        """Replace a record."""
        self._records[key] = data


class Log:
    """What happened in a world, in order, as a test looks at it."""

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
    """Carry out the effects of one agent."""

    def __init__(self, fleet: "Fleet", index: int, name: str) -> None:
        self.index = index
        self.name = name
        self.clock: Clock = fleet.clock
        self.log: Log = fleet.log
        self._fleet = fleet

    def trace(self, kind: int, content: bytes) -> None:
        """Fold something into the trace of the run."""
        self._fleet.trace.add(kind, self.clock.now_ms, self.index, content)

    def send(self, link: int, buffer: bytearray, length: int) -> None:
        """Let the frame out into the air."""
        data = bytes(memoryview(buffer)[:length])
        self.trace(trace.SEND, data)
        if data[1] == KIND_MESSAGE:
            self.log.published += 1
            if self.log.keep:
                topic, value = read_message(memoryview(data)[HEADER_BYTES:])
                self.log.messages.append((self.clock.now_ms, self.name, topic, value))
        self._fleet.transmit(self.index, data)

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
        self.log.error_count += 1
        if len(self.log.errors) < ERRORS_KEPT_MAX:
            self.log.errors.append((self.clock.now_ms, self.name, where, describe(error)))


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
