"""Many agents in one process, in virtual time: one seed, one run.

Same seed and same code give the same trace digest, on CPython and on MicroPython.
"""

import gc

from cma_toolkit.firmware.kernel.codec import frame
from cma_toolkit.firmware.kernel.config import Config
from cma_toolkit.firmware.kernel.prng import Prng, seed_from
from cma_toolkit.firmware.kernel.release.talk import STAGE_CONFIRMED
from cma_toolkit.sim.world import trace
from cma_toolkit.sim.world.board import AIR, CUT, FAULT, Board
from cma_toolkit.sim.world.clock import Clock
from cma_toolkit.sim.world.faults.base import Elsewhere
from cma_toolkit.sim.world.hardware.climate import Climate
from cma_toolkit.sim.world.hardware.supply import Supply, check_supply
from cma_toolkit.sim.world.host import Log
from cma_toolkit.sim.world.medium.medium import Medium
from cma_toolkit.sim.world.medium.places import make_places
from cma_toolkit.sim.world.power import Power
from cma_toolkit.sim.world.sensors import make_sensor
from cma_toolkit.sim.world.watcher import NEVER_MS, Violation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from cma_toolkit.sim.world.faults.base import Fault
    from cma_toolkit.sim.world.guest.host import MicroPythonGuest
    from cma_toolkit.sim.world.watcher import Watcher

    Planned = Sequence[tuple[int, int, Fault]]

_BOOT_MS_SPREAD = 1_000
BATTERY_MV = 4_000
RELEASE_CLASS = 0x2B0A4D  # whom releases of a world are for
DRIFT_PPM_MAX = 100_000  # a tenth: what counts time worse than that is broken
_IDLE_MS = 5_000  # in the updater, if nobody has anything for it: kernel/release/updater.py
_STEPS_PER_RUN = 100  # of progress
# Of the garbage collector: new objects, and looks at the young before one at the older. So many
# objects are new whenever all agents wake; if each wake led to a look, it would take a sixth of
# the time and find nothing.
_COLLECT_AFTER, _EACH_AGENT, _LOOKS = 20_000, 100, 20
_BEGIN, _END, _TIME = 0, 1, 2  # what happens to a fault


class Fleet:
    """Some agents that run the same application.

    `setup` is the application's. `sensors` gives values by name, see `sensors.make_sensor`, and
    `battery` millivolts in the same form; `settings` and `currents` (µA by power state) are those
    of a provisioned board, without currents no energy is counted; `power_cuts` are (seconds, agent
    number) pairs. Clocks run up to `drift_ppm` fast or slow in a `climate`, see
    hardware/climate.py; a `supply` is a battery that empties in the place of `battery`, see
    hardware/supply.py. `places` and `radio` are described in medium/places.py and
    medium/medium.py; `range_m` and `loss_permille` are short for those keys of `radio`. `faults`
    are (start ms, end ms, fault) each; `watchers` are told what happens. `guests` are the
    processes of agents that live elsewhere, see guest/host.py, by their numbers. `keep` records
    messages for a test to look at. With `own`, this is a part of a world: only those agents have
    boards, in `boards` at their numbers, and shards/shard.py connects it with the others.
    """

    # What boards run: its number, its class, and how far its trial is.
    release = (1, RELEASE_CLASS, STAGE_CONFIRMED)

    def __init__(
        self,
        setup: "Callable[[object], object]",
        agents: int = 3,
        seed: int = 1,
        *,
        sensors: dict[str, object] | None = None,
        settings: dict[str, object] | None = None,
        battery: object = BATTERY_MV,
        currents: dict[str, object] | None = None,
        loss_permille: int = 0,
        range_m: int = 0,
        drift_ppm: int = 0,
        climate: "dict[str, Any] | None" = None,
        supply: "dict[str, Any] | None" = None,
        places: "dict[str, Any] | None" = None,
        radio: "dict[str, Any] | None" = None,
        power_cuts: "tuple[tuple[int, int], ...] | list[tuple[int, int]]" = (),
        faults: "Planned" = (),
        watchers: "Sequence[Watcher]" = (),
        guests: "dict[int, MicroPythonGuest] | None" = None,
        keep: bool = True,
        own: "Sequence[int] | None" = None,
    ) -> None:
        self.clock = Clock()
        self.watchers = tuple(watchers)
        self.guests = guests or {}
        self._found: list[tuple[int, int, int, str]] = []  # in this ms: agent, place, at, text
        self.active_faults: list[Fault] = []
        self.attended: list[int] = []  # whose power a person cycled
        self.trace = trace.Trace(agents)
        self.log = Log(keep)
        self.names = agent_names(agents)
        self.setup, self.seed = setup, seed
        self.sensors = sensors or {}
        if not 0 <= drift_ppm <= DRIFT_PPM_MAX:
            raise ValueError(f"drift_ppm is {drift_ppm}: write 0 to {DRIFT_PPM_MAX}")
        self.drift_ppm = drift_ppm
        self.climate = None if climate is None else Climate(climate, seed)
        self._configs: dict[int, Config] = {}
        self._settings, self._currents = settings or {}, currents or {}
        self.config = self.config_of(self.release[0])
        if supply is not None:
            check_supply(supply, self.config.currents_ua)
        self._supply = supply
        self.places = make_places(places, agents, seed)
        self.own: Sequence[int] = range(agents) if own is None else own
        self.is_own = bytearray(agents)
        for index in self.own:
            self.is_own[index] = 1
        self.medium = Medium(self, radio, range_m, loss_permille)
        self.radio = self.medium.radio
        nobody: Any = None
        self.boards: list[Board] = [nobody] * agents
        for index in self.own:
            sensor = make_sensor(battery, index, self.clock)
            self.boards[index] = Board(self, index, node_of(index), sensor)
        self._plan(power_cuts, faults)
        for watcher in self.watchers:
            watcher.begin(self)

    def _plan(
        self, power_cuts: "tuple[tuple[int, int], ...] | list[tuple[int, int]]", faults: "Planned"
    ) -> None:
        for index in range(len(self.names)):
            self.medium.connect(node_of(index), index)
        for index in self.own:
            rng = Prng(seed_from(self.seed, "boot", index))
            self.boards[index].power_on(rng.below(_BOOT_MS_SPREAD))
        for at_s, index in power_cuts:
            if self.is_own[index]:
                self.clock.schedule(at_s * 1000, CUT, index)
        for start_ms, end_ms, planned in faults:
            agent = getattr(planned, "agent", self.own[0])  # else it is everybody's
            fault = planned if self.is_own[agent] else Elsewhere(planned, agent)
            self.clock.schedule(start_ms, FAULT, self.own[0], (fault, _BEGIN))
            self.clock.schedule(end_ms, FAULT, self.own[0], (fault, _END))

    def run(self, seconds: int, on_progress: "Callable[..., object] | None" = None) -> None:
        """Let virtual time pass; `on_progress` is told seconds done, seconds in all, events."""
        start_ms = self.clock.now_ms
        before = self.collect_rarely()
        try:
            for step in range(1, _STEPS_PER_RUN + 1):
                self._run_looking(start_ms + seconds * 1000 * step // _STEPS_PER_RUN)
                if on_progress is not None:
                    on_progress(seconds * step // _STEPS_PER_RUN, seconds, self.clock.scheduled)
        finally:
            if before:
                gc.set_threshold(*before)

    def collect_rarely(self) -> "tuple[int, ...]":
        """Have CPython look for garbage less often: each look passes over all agents that live.

        Returns: what was set before, () for MicroPython, which collects when its heap is full.
        """
        if not hasattr(gc, "get_threshold"):
            return ()
        before = gc.get_threshold()
        if before[0]:  # 0: somebody has turned it off
            gc.set_threshold(_COLLECT_AFTER + _EACH_AGENT * len(self.own), _LOOKS, _LOOKS)
        return before

    def end(self) -> None:
        """Tell the watchers that nothing more happens.

        Raises: Violation, if one found something in the end.
        """
        for watcher in self.watchers:
            watcher.end(self)
        self._raise_found()

    def run_until(self, until_ms: int) -> None:
        """Let everything happen that happens before an instant.

        Raises: Violation at the end of the millisecond in which something was found.
        """
        clock, boards, watchers = self.clock, self.boards, self.watchers
        while True:
            if self._found and clock.next_ms() > clock.now_ms:
                self._raise_found()
            event = clock.take(until_ms)
            if event is None:
                self._raise_found()
                return
            kind, index, data = event
            if kind == AIR:
                self.medium.turn()
                continue
            if kind == FAULT:
                self._on_fault(index, data)
                continue
            boards[index].on_event(kind, data)
            for watcher in watchers:
                watcher.after_event(self, kind, index)

    def _run_looking(self, until_ms: int) -> None:
        while True:
            look_at_ms = min([watcher.look_at_ms for watcher in self.watchers] + [NEVER_MS])
            if look_at_ms >= until_ms:
                break
            self.run_until(look_at_ms)
            for watcher in self.watchers:
                if watcher.look_at_ms <= look_at_ms:
                    watcher.look(self)
            self._raise_found()
        self.run_until(until_ms)

    def violated(self, text: str, agent: int = -1) -> None:
        """Have the run end with its millisecond, for what a watcher found.

        Of several in one millisecond, that of the least agent counts: it is the same however
        the world is divided.
        """
        self._found.append((agent, len(self._found), self.clock.now_ms, text))

    def _raise_found(self) -> None:
        if self._found:
            agent, _place, at_ms, text = min(self._found)
            raise Violation(text, agent, at_ms)

    def config_of(self, sequence: int) -> Config:
        """Return what agents of a release are configured with: each has another application."""
        config = self._configs.get(sequence)
        if config is None:
            config = self._configs[sequence] = Config()
            config.take(self._settings)
            config.take_currents(self._currents)
            config.application_id = sequence
        return config

    def serve(self, index: int) -> int:
        """Return for how long a board in its updater is busy there."""
        for fault in self.active_faults:
            span_ms = fault.serve(index)
            if span_ms:
                return span_ms
        return _IDLE_MS

    def make_power(self, board: Board) -> "Power | None":
        """Return the battery of a board, None if it has none that empties."""
        if self._supply is None:
            return None
        supply = Supply(self._supply, self.config.currents_ua, self.climate)
        return Power(self, board, supply)

    def call_fault_at(self, at_ms: int, fault: "Fault", index: int = 0) -> None:
        """Have a fault's `on_time` called at an instant, for an agent."""
        self.clock.schedule(at_ms, FAULT, index, (fault, _TIME))

    def end_faults(self) -> None:
        """End every fault that is on, now."""
        for fault in list(self.active_faults):
            self._turn_fault(fault, False)

    def _on_fault(self, index: int, data: "tuple[Fault, int]") -> None:
        fault, what = data
        if what == _TIME:
            fault.on_time(self, index)
        elif what == _BEGIN or fault in self.active_faults:
            self._turn_fault(fault, what == _BEGIN)

    def _turn_fault(self, fault: "Fault", is_on: bool) -> None:
        if is_on:
            self.active_faults.append(fault)
            fault.begin(self)
        else:
            self.active_faults.remove(fault)
            fault.end(self)
        self.trace.add_fault(self.clock.now_ms, fault.NUMBER, is_on)
        for watcher in self.watchers:
            watcher.fault(self, fault.NAME, fault.describe(), is_on)

    def digest(self) -> str:
        """Close the trace with each agent's state and return its digest."""
        self.close_trace()
        return self.trace.digest()

    def close_trace(self) -> None:
        """Add each agent's state to the trace, as the last of its records."""
        for index in self.own:
            values = trace.encode_value(self.boards[index].state())
            self.trace.add(trace.STATE, self.clock.now_ms, index, values)

    def states(self) -> list[dict[str, object]]:
        """Return what each agent's `agent.state` holds now, none for one without power."""
        return [self.boards[index].state() for index in self.own]

    def statuses(self) -> list[dict[str, object]]:
        """Return each agent's status; one without power has its name only."""
        return [self.boards[index].status() for index in self.own]


def agent_names(count: int) -> list[str]:
    """Return what so many agents are called."""
    width = max(2, len(str(count)))
    return [("agent-%0" + str(width) + "d") % (index + 1) for index in range(count)]


def node_of(index: int) -> int:
    """Return the node id of an agent."""
    # A locally administered hardware address, as a virtual board would have.
    return frame.node_id(bytes((2, 0, 0, index >> 16, (index >> 8) & 0xFF, index & 0xFF)))
