"""What each agent uses, by power state: the kernel's own account, read while the world runs.

Whoever asks how long a battery lasts asks about an ordinary day, so that the time before an
instant, in which agents look for each other, is left out. A loss of power makes an agent's
account begin anew; what it held at its last look stays counted here.

Who leads a cluster listens through a whole period now and then, for clusters that it might join:
every eighth window at first, twice as rarely each time. A run of hours has more of these searches
in it than years of a battery's life will have, so that they are counted apart, and at the end of
the run who leads is charged as many as there will be.

Units   nanocoulombs: 3,600,000 are one uAh
"""

from cma_toolkit.firmware.kernel.config import STATE_NAMES
from cma_toolkit.firmware.kernel.power.schedule import SEARCH_WINDOWS_MAX
from cma_toolkit.sim.world.watcher import Watcher

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cma_toolkit.sim.world.fleet import Fleet

NC_PER_UAH = 3_600_000
_STATES = len(STATE_NAMES)
_RX = STATE_NAMES.index("wifi_rx")
_ASLEEP = (STATE_NAMES.index("light_sleep"), STATE_NAMES.index("deep_sleep"))


class EnergyMeter(Watcher):
    """Read the account of every agent after each of its events, and before it falls asleep."""

    def __init__(self, from_ms: int = 0) -> None:
        self._from_ms = from_ms
        self.used_nc: list[list[int]] = []  # by agent and state
        self.is_known = False  # the board's currents are, and so there is an account
        self.search_nc: list[int] = []  # by agent: spent on searches, and not in `used_nc`
        self._last_nc: list[list[int]] = []
        self._leads: list[bool] = []  # at the last look
        self._searches: list[bool] = []

    def begin(self, fleet: "Fleet") -> None:
        """Begin with nothing used."""
        self.is_known = max(fleet.config.currents_ua) > 0
        self.used_nc = [[0] * _STATES for _ in fleet.boards]
        self.search_nc = [0 for _ in fleet.boards]
        self._last_nc = [[0] * _STATES for _ in fleet.boards]
        self._leads = [False for _ in fleet.boards]
        self._searches = [False for _ in fleet.boards]

    def after_event(self, fleet: "Fleet", kind: int, index: int) -> None:
        """Read the account of whoever the event was for."""
        self.read(fleet, index)

    def effect(self, fleet: "Fleet", index: int, kind: int, content: bytes) -> None:
        """Read the account while the agent is there: the end of the step may delete it."""
        self.read(fleet, index)

    def end(self, fleet: "Fleet") -> None:
        """Charge those who lead the searches of an ordinary day, for those of the run."""
        span_ms, rx_ua = fleet.clock.now_ms - self._from_ms, fleet.config.currents_ua[_RX]
        for index in range(len(self._leads)):
            search_ms = self.search_nc[index] // rx_ua if rx_ua else 0
            if 0 < search_ms < span_ms:
                for state in _ASLEEP:
                    slept_nc = self.used_nc[index][state]
                    self.charge(fleet, index, state, slept_nc * search_ms // (span_ms - search_ms))
            if self._leads[index] and span_ms > 0:
                self.charge(fleet, index, _RX, rx_ua * span_ms // SEARCH_WINDOWS_MAX)

    def read(self, fleet: "Fleet", index: int) -> None:
        """Take what an agent used since the last look."""
        agent = fleet.boards[index].agent
        if agent is None or not self.is_known:
            return
        energy, last_nc = agent.governor.energy, self._last_nc[index]
        is_counted = fleet.clock.now_ms >= self._from_ms
        for state in range(_STATES):
            now_nc = energy.uah[state] * NC_PER_UAH + energy.rest_nc[state]
            if now_nc == last_nc[state]:
                continue
            more_nc = now_nc - last_nc[state]
            last_nc[state] = now_nc
            if more_nc < 0:
                more_nc = now_nc  # the account began anew
            if is_counted and state == _RX and self._searches[index]:
                self.search_nc[index] += more_nc
            elif is_counted:
                self.charge(fleet, index, state, more_nc)
        schedule = agent.schedule
        clock = schedule.clock
        leads = clock.period_ms > 0 and not clock.is_lost and clock.leader == clock.node
        self._leads[index] = leads
        # Who finds somebody to follow listens to the end of its search.
        is_search = leads or self._searches[index]
        self._searches[index] = is_search and schedule.is_seeking and not clock.is_lost

    def charge(self, fleet: "Fleet", index: int, state: int, used_nc: int) -> None:
        """Count what was used in a state."""
        self.used_nc[index][state] += used_nc
