"""An agent on a board that updates, while it is awake: what it runs on and what it asks for."""

from typing import TYPE_CHECKING

from cma_toolkit.firmware.kernel.agent import Agent
from cma_toolkit.firmware.kernel.config import Config
from cma_toolkit.firmware.kernel.effects import Effects
from cma_toolkit.firmware.kernel.ports import Actuator, Parts, Sensor
from cma_toolkit.firmware.kernel.prng import Prng, seed_from
from cma_toolkit.firmware.kernel.state.table import JournalTable
from cma_toolkit.sim.world.clock import Clock
from cma_toolkit.sim.world.hardware.flash import NorFlash
from cma_toolkit.sim.world.hardware.recovered import Recovered
from cma_toolkit.sim.world.sensors import WaveSensor

if TYPE_CHECKING:
    from cma_toolkit.firmware.kernel.identity import Identity
    from cma_toolkit.sim.rollout.board import Board


class _Parts(Parts):
    """Have every sensor, as a slow wave, and every actuator."""

    def __init__(self, index: int, clock: Clock) -> None:
        self._index, self._clock = index, clock

    def sensor(self, name: str) -> Sensor:
        """Return a wave."""
        return WaveSensor(self._index, self._clock)

    def actuator(self, name: str) -> Actuator:
        """Return one that does nothing."""
        return Actuator()


class Life(Effects):
    """What outlives the agents of a board, and the sink of the one that is awake."""

    def __init__(self, board: "Board", clock: Clock, seed: int) -> None:
        self.agent: Agent | None = None
        self.snapshot = b""  # in RTC memory
        self.is_asleep = False  # lightly
        self.errors = 0
        self._board = board
        self._clock = clock
        self._seed = seed
        self._flash = NorFlash()
        self._recovered = Recovered()
        self._config = Config()
        self._config.take({"wake_period_ms": board.member.wake_period_ms, **board.member.settings})
        self._config.take_currents(dict(board.member.currents_ua))
        self._lives = 0
        self._reason = self._depth = self._until_at_ms = 0

    def begin(self, identity: "Identity", release: tuple[int, int, int], is_wake: bool) -> Agent:
        """Make the agent of a boot or a wake."""
        self._lives += 1
        self._flash.power_on()
        rng = Prng(seed_from(self._seed, "agent", identity.node, self._lives))
        table = JournalTable(self._recovered.open(self._flash, is_wake))
        parts = _Parts(self._board.index, self._clock)
        self.agent = Agent(identity, rng, table, parts, self._config)
        self.agent.release = release
        self.agent.on_battery(self._board.member.battery_mv)
        return self.agent

    def end(self) -> None:
        """Lose the agent."""
        self.agent = None
        self.is_asleep = False
        self._reason = self._depth = self._until_at_ms = 0

    def take_wishes(self) -> tuple[int, int, int]:
        """Return why to reboot, how deep to sleep and until when; 0 each if not asked for."""
        wishes = self._reason, self._depth, self._until_at_ms
        self._reason = self._depth = self._until_at_ms = 0
        return wishes

    def hibernate(self, now_ms: int) -> None:
        """Have the agent write its snapshot."""
        assert self.agent is not None
        buffer = bytearray(self.agent.snapshot_bytes)
        self.snapshot = bytes(buffer[: self.agent.hibernate(now_ms, buffer)])

    def send(self, link: int, buffer: bytearray, length: int) -> None:
        """Let a frame out."""
        self._board.send(link, buffer, length)

    def radio(self, is_on: bool) -> None:
        """Switch the radio."""
        self._board.radio.turn(is_on, self._clock.now_ms)

    def sleep(self, until_at_ms: int, depth: int) -> None:
        """Sleep at the end of the step."""
        self._until_at_ms, self._depth = until_at_ms, depth

    def reboot(self, reason: int) -> None:
        """Reboot at the end of the step."""
        self._reason = reason

    def app_error(self, where: str, error: Exception) -> None:
        """Count what the application raised."""
        self.errors += 1
