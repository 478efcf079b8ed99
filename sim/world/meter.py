"""What each agent uses, by power state: the kernel's own account, read while the world runs.

Whoever asks how long a battery lasts asks about an ordinary day, so that the time before an
instant, in which agents look for each other, is left out. A loss of power makes an agent's
account begin anew; what it held at its last look stays counted here.

Units   nanocoulombs: 3,600,000 are one uAh
"""

from cma_toolkit.firmware.kernel.config import STATE_NAMES
from cma_toolkit.sim.world.watcher import Watcher

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cma_toolkit.sim.world.fleet import Fleet

NC_PER_UAH = 3_600_000
_STATES = len(STATE_NAMES)


class EnergyMeter(Watcher):
    """Read the account of every agent after each of its events, and before it falls asleep."""

    def __init__(self, from_ms: int = 0) -> None:
        self._from_ms = from_ms
        self.used_nc: list[list[int]] = []  # by agent and state
        self.is_known = False  # the board's currents are, and so there is an account
        self._last_nc: list[list[int]] = []

    def begin(self, fleet: "Fleet") -> None:
        """Begin with nothing used."""
        self.is_known = max(fleet.config.currents_ua) > 0
        self.used_nc = [[0] * _STATES for _ in fleet.boards]
        self._last_nc = [[0] * _STATES for _ in fleet.boards]

    def after_event(self, fleet: "Fleet", kind: int, index: int) -> None:
        """Read the account of whoever the event was for."""
        self.look(fleet, index)

    def effect(self, fleet: "Fleet", index: int, kind: int, content: bytes) -> None:
        """Read the account while the agent is there: the end of the step may delete it."""
        self.look(fleet, index)

    def look(self, fleet: "Fleet", index: int) -> None:
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
            if is_counted:
                self.charge(fleet, index, state, more_nc if more_nc > 0 else now_nc)

    def charge(self, fleet: "Fleet", index: int, state: int, used_nc: int) -> None:
        """Count what was used in a state."""
        self.used_nc[index][state] += used_nc
