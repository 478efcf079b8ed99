"""Tell an agent on this computer what a board's agent was told, and see how that ends."""

import builtins
import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from cma_toolkit.firmware.kernel.agent import Agent
from cma_toolkit.firmware.kernel.codec import cbor
from cma_toolkit.firmware.kernel.config import Config
from cma_toolkit.firmware.kernel.effects import Effects
from cma_toolkit.firmware.kernel.identity import Identity
from cma_toolkit.firmware.kernel.ports import Actuator, Parts, Sensor
from cma_toolkit.firmware.kernel.prng import Prng
from cma_toolkit.sim.replay import recording as kinds
from cma_toolkit.sim.replay.limit import TimeLimit
from cma_toolkit.sim.replay.recording import Input, Recording
from cma_toolkit.sim.replay.stand_ins import DivergedError, ResetError, StandIns

if TYPE_CHECKING:
    from cma_toolkit.firmware.kernel.shapes import Table

RAISED, CRASHED, HUNG, RESET, DIVERGED, ENDED = (
    "raised", "crashed", "hung", "reset", "diverged", "ended"
)  # fmt: skip
_BLANK = b"?"


@dataclass(frozen=True)
class Ending:
    """How a replay ended, after how many inputs; `error` has the place in its traceback.

    `has_tasks`: the application began tasks of asyncio, which are not replayed.
    """

    how: str
    inputs: int
    error: BaseException | None = None
    has_tasks: bool = False


class Player(Effects):
    """One agent, its inputs and its parts; what it sends reaches nobody."""

    def __init__(
        self, recording: Recording, identity: Identity, config: Config, table: "Table", app: Path
    ) -> None:
        self._inputs = recording.inputs or ()
        self._recording = recording
        self._app = app
        self._next = 0
        self._now_ms = 0
        self._raised: Exception | None = None
        config.application_id = recording.application_id
        parts = _NotedParts(self._take)
        self._agent = Agent(identity, Prng(recording.seed), table, parts, config)
        self._has_started = False
        self._stand_ins = StandIns(lambda: self._now_ms)

    def play(self, limit_s: float) -> Ending:
        """Play all; an input that takes longer than the limit hangs."""
        limit = TimeLimit(limit_s)
        how = ENDED
        error: BaseException | None = None
        with self._stand_ins.installed(), _importable(self._app.parent), limit:
            try:
                while self._next < len(self._inputs):
                    limit.begin()
                    self._step(self._inputs[self._next])
            except KeyboardInterrupt as stopped:
                if not limit.is_over:
                    raise
                how, error = HUNG, stopped
            except ResetError as reset:
                how, error = RESET, reset
            except DivergedError as diverged:
                how, error = DIVERGED, diverged
            except BaseException as crash:  # noqa: BLE001 - it is what is looked for
                how, error = CRASHED, crash
        if how == ENDED and self._raised:
            how, error = RAISED, self._raised
        return Ending(how, self._next, error, self._stand_ins.has_tasks)

    def app_error(self, where: str, error: Exception) -> None:
        """Remember what the application raised last."""
        self._raised = error

    # --- inputs ---

    def _step(self, told: Input) -> None:
        agent, now_ms = self._agent, told.at_ms
        self._next += 1
        self._now_ms = now_ms
        if told.kind == kinds.START:
            self._start(now_ms)
        elif not self._has_started and told.kind in {kinds.ON_TIME, kinds.ON_FRAME}:
            self._start(now_ms)  # how it began was pushed out: as well as can be
            agent.set_up(now_ms, self._setup(), self)
        if told.kind == kinds.ON_TIME:
            agent.on_time(now_ms, self)
            self._spend(now_ms)
        elif told.kind == kinds.ON_FRAME:
            link, strength = told.number >> 8, told.number & 0xFF
            rssi_dbm = -strength
            agent.on_frame(now_ms, link, told.data, len(told.data), rssi_dbm, self)
            self._spend(now_ms)
        elif told.kind == kinds.SET_UP:
            if not self._has_started:
                self._start(now_ms)
            agent.set_up(now_ms, self._setup(), self)
        elif told.kind == kinds.ON_UNDELIVERED:
            agent.on_undelivered()
        elif told.kind == kinds.ON_BATTERY:
            agent.on_battery(told.number)
        elif told.kind == kinds.KEEP_TRACEBACK:
            agent.keep_traceback(now_ms, _BLANK * told.number)
        elif told.kind == kinds.STOP:
            agent.stop(now_ms, self)
        elif told.kind == kinds.HIBERNATE:
            agent.hibernate(now_ms, bytearray(agent.snapshot_bytes))
        elif told.kind & kinds.LONG and self._has_started and not self._stand_ins.has_tasks:
            raise DivergedError(
                "here the application asks for fewer of its parts than it did on the board; "
                "see whether this is the file that ran there"
            )

    def _start(self, now_ms: int) -> None:
        recording, self._has_started = self._recording, True
        self._agent.start(now_ms, recording.cause, recording.snapshot, self)
        self._names: dict[str, object] = {"__name__": "app", "__file__": str(self._app)}
        if self._agent.is_safe_mode:
            return
        try:
            exec(compile(self._app.read_text(), str(self._app), "exec"), self._names)
        except Exception as error:  # noqa: BLE001 - the boundary to a user's code
            self.app_error("import", error)

    def _setup(self) -> Callable[[object], object]:
        setup = self._names.get("setup")
        if not callable(setup):
            raise DivergedError(f"{self._app} has no setup(agent), which ran on the board")
        return setup

    def _spend(self, now_ms: int) -> None:
        told = self._take((kinds.ON_SPENT,))
        self._agent.on_spent(now_ms, told.number if told else 0)

    def _take(self, wanted: tuple[int, ...]) -> Input | None:
        """Take the next input if it is of one of these kinds."""
        if self._next < len(self._inputs) and self._inputs[self._next].kind in wanted:
            self._next += 1
            return self._inputs[self._next - 1]
        return None


class _NotedParts(Parts):
    """Parts that say what those of the board said."""

    def __init__(self, take: Callable[[tuple[int, ...]], Input | None]) -> None:
        self._take = take

    def sensor(self, name: str) -> Sensor:
        """Return a sensor, or raise what the board raised instead."""
        self._raise_if_unmade()
        return _NotedSensor(self._take)

    def actuator(self, name: str) -> Actuator:
        """Return an actuator that does nothing, or raise what the board raised instead."""
        self._raise_if_unmade()
        return Actuator()

    def _raise_if_unmade(self) -> None:
        told = self._take((kinds.UNMADE,))
        if told:
            raise _error_of(told.data)


class _NotedSensor(Sensor):
    def __init__(self, take: Callable[[tuple[int, ...]], Input | None]) -> None:
        self._take = take

    def read(self) -> object:
        """Return the next value that was noted."""
        told = self._take((kinds.SENSED, kinds.FAILED))
        if told is None:
            raise DivergedError(
                "here the application reads a sensor where the board noted none; see whether "
                "this is the file that ran there"
            )
        if told.kind == kinds.FAILED:
            raise _error_of(told.data)
        return cbor.decode(told.data)


def _error_of(data: bytes) -> Exception:
    told = cbor.decode(data)
    assert isinstance(told, list)
    name, arguments = told
    kind = getattr(builtins, str(name), None)
    if not (isinstance(kind, type) and issubclass(kind, Exception)):
        kind = RuntimeError
    try:
        found: Exception = kind(*arguments)
    except (TypeError, ValueError):  # here its class wants other arguments
        found = RuntimeError(*arguments)
    return found


@contextlib.contextmanager
def _importable(folder: Path) -> Iterator[None]:
    before = set(sys.modules)
    sys.path[:0] = [str(folder), str(folder / "lib")]
    try:
        yield
    finally:
        del sys.path[:2]
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None) or ""
            if file.startswith(str(folder)):
                del sys.modules[name]


def last_frame(error: BaseException | None) -> TracebackType | None:
    """Return the innermost place of an exception's traceback."""
    trace = error.__traceback__ if error else None
    while trace and trace.tb_next:
        trace = trace.tb_next
    return trace
