"""The process in which an agent of another's world lives: its kernel and its application.

`micropython -m cma_toolkit.sim.world.guest.inside READ_FD WRITE_FD APP`. The board stays with the
world: flash, sensors, actuators and effects are calls through the pipe. Runs on both runtimes.
"""

import sys

from cma_toolkit.firmware.kernel.agent import Agent
from cma_toolkit.firmware.kernel.codec import cbor
from cma_toolkit.firmware.kernel.config import SETTING_NAMES, Config
from cma_toolkit.firmware.kernel.effects import Effects
from cma_toolkit.firmware.kernel.identity import Identity
from cma_toolkit.firmware.kernel.ports import Actuator, Flash, Parts, Sensor
from cma_toolkit.firmware.kernel.prng import Prng
from cma_toolkit.firmware.kernel.state.journal import Journal
from cma_toolkit.firmware.kernel.state.table import JournalTable
from cma_toolkit.sim.world.app_loader import load_setup
from cma_toolkit.sim.world.guest.pipe import ANSWER, CALL, ERROR, GONE, EndError, Pipe
from cma_toolkit.sim.world.host import describe
from cma_toolkit.sim.world.trace import encode_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# Errors of the world's that an agent has to stand, by their name on the pipe.
_ERRORS: "dict[str, type[Exception]]" = {"OSError": OSError, "MemoryError": MemoryError}


class PowerGoneError(BaseException):
    """The power went while the agent called: no error boundary stops it."""


class World:
    """The world at the other end of the pipe."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    def call(self, name: str, *arguments: object) -> "Any":
        """Have the world do something; return its answer.

        Raises: PowerGoneError; OSError and MemoryError, if the world's flash is to fail so.
        """
        self._pipe.put(CALL, name, *arguments)
        answer = self._pipe.take()
        if answer[0] == GONE:
            raise PowerGoneError()
        if answer[0] == ERROR:
            raise _ERRORS[answer[1]](*answer[2])
        return answer[1]


class _Flash(Flash):
    def __init__(self, world: World, sector_bytes: int, sector_count: int) -> None:
        self.sector_bytes = sector_bytes
        self.sector_count = sector_count
        self._world = world

    def read(self, address: int, buffer: "bytearray | memoryview") -> None:
        memoryview(buffer)[:] = self._world.call("read", address, len(buffer))

    def program(self, address: int, data: "bytes | bytearray | memoryview") -> None:
        self._world.call("program", address, bytes(data))

    def erase(self, sector: int) -> None:
        self._world.call("erase", sector)

    def sync(self) -> None:
        self._world.call("sync")


class _Sensor(Sensor):
    def __init__(self, world: World, name: str) -> None:
        self._world = world
        self._name = name

    def read(self) -> object:
        return self._world.call("sense", self._name)


class _Actuator(Actuator):
    def __init__(self, world: World, name: str) -> None:
        self._world = world
        self._name = name

    def write(self, value: object) -> None:
        self._world.call("actuate", self._name, *_sent(value))


class _Parts(Parts):
    def __init__(self, world: World) -> None:
        self._world = world

    def sensor(self, name: str) -> Sensor:
        self._world.call("sensor", name)
        return _Sensor(self._world, name)

    def actuator(self, name: str) -> Actuator:
        return _Actuator(self._world, name)


class _Effects(Effects):
    def __init__(self, world: World) -> None:
        self._call = world.call

    def send(self, link: int, buffer: bytearray, length: int) -> None:
        self._call("send", link, bytes(memoryview(buffer)[:length]))

    def radio(self, is_on: bool) -> None:
        self._call("radio", is_on)

    def sleep(self, until_at_ms: int, depth: int) -> None:
        self._call("sleep", until_at_ms, depth)

    def reboot(self, reason: int) -> None:
        self._call("reboot", reason)

    def report(self, event_id: int, value: int) -> None:
        self._call("report", event_id, value)

    def app_event(self, name: str, value: object) -> None:
        self._call("app_event", name, *_sent(value))

    def app_error(self, where: str, error: Exception) -> None:
        self._call("app_error", where, type(error).__name__, describe(error))


class Guest:
    """What the world calls: an agent, one life of it after another."""

    agent: Agent

    def __init__(self, world: World, setup: "Callable[[object], object]") -> None:
        self._world = world
        self._setup = setup
        self._effects = _Effects(world)

    def make(self, plain: "dict[str, Any]") -> int:
        """Make the agent of a boot; return how long its snapshot is."""
        config = Config()
        for name in SETTING_NAMES:
            setattr(config, name, plain["settings"][name])
        config.currents_ua = tuple(plain["currents_ua"])
        config.application_id = plain["application_id"]
        flash = _Flash(self._world, plain["sector_bytes"], plain["sector_count"])
        journal = Journal(flash)
        journal.recover(plain["is_after_sleep"])
        identity = Identity(plain["name"], plain["node"], plain["network"], plain["board"])
        parts = _Parts(self._world)
        rng = Prng(plain["seed"])
        self.agent = Agent(identity, rng, JournalTable(journal), parts, config)
        self.agent.release = tuple(plain["release"])
        return self.agent.snapshot_bytes

    def start(self, now_ms: int, cause: int, snapshot: "bytes | None") -> None:
        """Start it."""
        self.agent.start(now_ms, cause, snapshot, self._effects)

    def set_up(self, now_ms: int) -> bool:
        """Have it run the application's `setup`."""
        return self.agent.set_up(now_ms, self._setup, self._effects)

    def on_frame(self, now_ms: int, link: int, content: bytes, rssi_dbm: int) -> None:
        """Give it a frame."""
        self.agent.on_frame(now_ms, link, content, len(content), rssi_dbm, self._effects)

    def on_time(self, now_ms: int) -> None:
        """Have it serve what is due."""
        self.agent.on_time(now_ms, self._effects)

    def on_battery(self, millivolts: int) -> None:
        """Tell it the voltage of its battery."""
        self.agent.on_battery(millivolts)

    def on_undelivered(self) -> None:
        """Tell it that nobody acknowledged its frame."""
        self.agent.on_undelivered()

    def on_spent(self, now_ms: int, span_ms: int) -> None:
        """Tell it how long its last step took."""
        self.agent.on_spent(now_ms, span_ms)

    def reboot(self) -> None:
        """Have it boot again."""
        self.agent.reboot()

    def next_wake_at_ms(self) -> int:
        """Ask it when it is to be called next."""
        return self.agent.next_wake_at_ms()

    def hibernate(self, now_ms: int) -> bytes:
        """Have it fill its snapshot."""
        buffer = bytearray(self.agent.snapshot_bytes)
        return bytes(memoryview(buffer)[: self.agent.hibernate(now_ms, buffer)])

    def status(self) -> "dict[str, object]":
        """Ask it for its status."""
        return self.agent.status()

    def state(self) -> "dict[str, object]":
        """Ask it what its application remembers."""
        return self.agent.keeper.state.as_dict()


def _sent(value: object) -> "tuple[bytes, str]":
    """Return a value as it goes through the pipe: its CBOR, or the name of its type."""
    try:
        return cbor.encode(value, 4096), ""
    except cbor.CborError:
        return encode_value(None), type(value).__name__


def serve(pipe: Pipe, setup: "Callable[[object], object]") -> None:
    """Do what the world calls for, until it closes the pipe."""
    guest = Guest(World(pipe), setup)
    while True:
        try:
            fields = pipe.take()
        except EndError:
            return
        try:
            pipe.put(ANSWER, getattr(guest, fields[1])(*fields[2:]))
        except PowerGoneError:
            pass  # the world does not wait for an answer any more
        except MemoryError:
            pipe.put(ERROR, "MemoryError", "")
        except Exception as error:  # noqa: BLE001 - told to the world, which ends the run with it
            pipe.put(ERROR, type(error).__name__, describe(error))


def main(arguments: "list[str]") -> None:
    """Serve on the descriptors that the world opened."""
    reads, writes, app = arguments
    with open(int(reads), "rb") as reader, open(int(writes), "wb") as writer:
        serve(Pipe(reader, writer), load_setup(app))


if __name__ == "__main__":
    main(sys.argv[1:])
