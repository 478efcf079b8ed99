"""Many agents in one process, in virtual time: one seed, one run.

Same seed and same code give the same trace digest, on CPython and on MicroPython.
"""

from cma_toolkit.firmware.kernel.agent import Agent
from cma_toolkit.firmware.kernel.codec import frame
from cma_toolkit.firmware.kernel.identity import Identity
from cma_toolkit.firmware.kernel.prng import Prng, seed_from
from cma_toolkit.firmware.kernel.ticks import ticks_diff
from cma_toolkit.sim.world import trace
from cma_toolkit.sim.world.clock import Clock, ticks_at
from cma_toolkit.sim.world.host import Host, Log, MemoryStore, WorldParts
from cma_toolkit.sim.world.radio import Radio

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_WAKE, _FRAME, _UNDELIVERED, _CUT, _BOOT = 0, 1, 2, 3, 4
_BOOT_MS_SPREAD = 1_000
_DARK_MS = 2_000  # from a power cut to the boot after it
_NETWORK = 1
_BOARD = "world"
_CONSTANT_BATTERY_MV = 4_000
_STEPS_PER_RUN = 100  # of progress
AGENTS_MAX = 10_000


class Fleet:
    """Some agents that run the same application.

    `setup` is the application's. `sensors` gives values by name, see `sensors.make_sensor`;
    `power_cuts` are (seconds, agent number) pairs. `keep` records messages for a test to look at.
    """

    def __init__(
        self,
        setup: "Callable[[object], object]",
        agents: int = 3,
        seed: int = 1,
        *,
        sensors: dict[str, object] | None = None,
        loss_permille: int = 0,
        range_m: int = 0,
        power_cuts: "tuple[tuple[int, int], ...] | list[tuple[int, int]]" = (),
        keep: bool = True,
    ) -> None:
        self.clock = Clock()
        self.trace = trace.Trace()
        self.log = Log(keep)
        self.names = _names(agents)
        self._setup = setup
        self._seed = seed
        self._sensors = sensors or {}
        self._radio = Radio(agents, Prng(seed_from(seed, "radio")), range_m, loss_permille)
        self._hosts = [Host(self, index, self.names[index]) for index in range(agents)]
        self._stores = [MemoryStore() for _ in range(agents)]
        self._nodes = [_node(index) for index in range(agents)]
        self._index_of = {self._nodes[index]: index for index in range(agents)}
        self._agents: list[Agent | None] = [None] * agents
        self._boots = [0] * agents
        self._wake_at_ms = [-1] * agents
        boot_rng = Prng(seed_from(seed, "boot"))
        for index in range(agents):
            self.clock.schedule(boot_rng.below(_BOOT_MS_SPREAD), _BOOT, index)
        for at_s, index in power_cuts:
            self.clock.schedule(at_s * 1000, _CUT, index)

    def run(self, seconds: int, on_progress: "Callable[[int, int], object] | None" = None) -> None:
        """Let virtual time pass; `on_progress` is told seconds done and seconds in all."""
        start_ms = self.clock.now_ms
        for step in range(1, _STEPS_PER_RUN + 1):
            self._run_until(start_ms + seconds * 1000 * step // _STEPS_PER_RUN)
            if on_progress is not None:
                on_progress(seconds * step // _STEPS_PER_RUN, seconds)

    def _run_until(self, until_ms: int) -> None:
        while True:
            event = self.clock.take(until_ms)
            if event is None:
                return
            kind, index, data = event
            agent = self._agents[index]
            if kind == _BOOT:
                agent = self._boot(index)
            elif agent is None:
                continue  # it has no power
            elif kind == _FRAME:
                agent.on_frame(self._ticks(index), 0, data, len(data), self._hosts[index])
            elif kind == _WAKE:
                if self._wake_at_ms[index] != self.clock.now_ms:
                    continue  # something earlier took its place
                agent.on_time(self._ticks(index), self._hosts[index])
            elif kind == _UNDELIVERED:
                agent.on_undelivered()
            else:
                self._cut_power(index)
                continue
            self._schedule_wake(index, agent)

    def _boot(self, index: int) -> Agent:
        self._boots[index] += 1
        rng = Prng(seed_from(self._seed, "agent", index, self._boots[index]))
        host = self._hosts[index]
        identity = Identity(self.names[index], self._nodes[index], _NETWORK, _BOARD)
        parts = WorldParts(host, self._sensors)
        agent = Agent(identity, rng, self._stores[index], parts)
        agent.on_battery(_CONSTANT_BATTERY_MV)
        self._agents[index] = agent
        self._wake_at_ms[index] = -1
        agent.start(self._ticks(index), host)
        agent.set_up(self._ticks(index), self._setup, host)
        return agent

    def _cut_power(self, index: int) -> None:
        self.trace.add(trace.POWER, self.clock.now_ms, index, b"")
        self._agents[index] = None
        self.clock.schedule(self.clock.now_ms + _DARK_MS, _BOOT, index)

    def _ticks(self, index: int) -> int:
        return ticks_at(self.clock.now_ms, index)

    def _schedule_wake(self, index: int, agent: Agent) -> None:
        span_ms = max(0, ticks_diff(agent.next_wake_at_ms(), self._ticks(index)))
        at_ms = self.clock.now_ms + span_ms
        if self._wake_at_ms[index] != at_ms:
            self._wake_at_ms[index] = at_ms
            self.clock.schedule(at_ms, _WAKE, index)

    def transmit(self, source: int, data: bytes) -> None:
        """Carry a frame to whoever hears it; called by the hosts."""
        target = frame.read_target(data)
        if target == frame.BROADCAST:
            for index in self._radio.in_reach(source):
                self._carry(index, data)
            return
        index = self._index_of.get(target, -1)
        reached = index in self._radio.in_reach(source) and self._agents[index] is not None
        if not reached or not self._carry(index, data):
            self.clock.schedule(self.clock.now_ms, _UNDELIVERED, source)

    def _carry(self, index: int, data: bytes) -> bool:
        if self._radio.is_lost():
            return False
        self.clock.schedule(self.clock.now_ms + self._radio.delay_ms(), _FRAME, index, data)
        return True

    def digest(self) -> str:
        """Close the trace with each agent's state and return its digest."""
        for index, values in enumerate(self.states()):
            self.trace.add(trace.STATE, self.clock.now_ms, index, trace.encode_value(values))
        return self.trace.digest()

    def states(self) -> list[dict[str, object]]:
        """Return what each agent's `agent.state` holds now, none for one without power."""
        return [agent.keeper.state.as_dict() if agent else {} for agent in self._agents]

    def statuses(self) -> list[dict[str, object]]:
        """Return each agent's status; one without power has its name only."""
        return [
            agent.status() if agent else {"name": name}
            for name, agent in zip(self.names, self._agents)  # noqa: B905 - not in MicroPython
        ]


def _names(count: int) -> list[str]:
    width = max(2, len(str(count)))
    return [("agent-%0" + str(width) + "d") % (index + 1) for index in range(count)]


def _node(index: int) -> int:
    # A locally administered hardware address, as a virtual board would have.
    return frame.node_id(bytes((2, 0, 0, index >> 16, (index >> 8) & 0xFF, index & 0xFF)))
