"""What a board counts its time with: a crystal that runs a little fast or slow.

It runs slower the further it is from the temperature for which it was cut.
"""

from cma_toolkit.firmware.kernel.prng import Prng, seed_from
from cma_toolkit.firmware.kernel.ticks import ticks_diff
from cma_toolkit.sim.world.clock import ticks_at
from cma_toolkit.sim.world.hardware.climate import STEP_MS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cma_toolkit.sim.world.clock import Clock
    from cma_toolkit.sim.world.hardware.climate import Climate

_OFFSET_MS_SPREAD = 10_000  # between the clocks of two agents
_RATE = 1_000_000_000  # of a clock that is right; a clock's own counts in these parts of a ms
_RATE_MIN = _RATE // 10  # however many faults slow it down: a clock never stops nor goes back
_TURNOVER_MC = 25_000
_CURVE_PPB_PER_K2 = 34  # of a tuning fork at 32 kHz: 0.034 ppm


class Oscillator:
    """An agent's ticks; they go on through deep sleep.

    Units: `drift_ppb` in thousand millionths, more than 0 for a clock that is fast.
    """

    def __init__(
        self,
        clock: "Clock",
        offset_ms: int = 0,
        drift_ppb: int = 0,
        climate: "Climate | None" = None,
    ) -> None:
        self.on_change: Callable[[], None] | None = None  # told when a fault changes it
        self._clock = clock
        self._climate = climate
        self._drift_ppb = drift_ppb
        self._since_ms = 0  # since when it runs at this rate
        self._parts = offset_ms * _RATE  # what it showed then
        self._rate = self._rate_in(0)
        self._until_ms = 0 if climate is None else STEP_MS  # 0: for ever

    @property
    def drift_ppb(self) -> int:
        """Return how fast it is at 25 degrees."""
        return self._drift_ppb

    @drift_ppb.setter
    def drift_ppb(self, ppb: int) -> None:
        now_ms = self._clock.now_ms
        self._advance(now_ms)
        self._parts += (now_ms - self._since_ms) * self._rate
        self._since_ms = now_ms
        self._drift_ppb = ppb
        self._rate = self._rate_in(now_ms // STEP_MS)
        self._tell()

    def jump(self, by_ms: int) -> None:
        """Have the clock show another time at once."""
        self._parts += by_ms * _RATE
        self._tell()

    def ticks(self) -> int:
        """Return what the board's clock shows."""
        now_ms = self._clock.now_ms
        if self._until_ms:
            self._advance(now_ms)
        return ticks_at((self._parts + (now_ms - self._since_ms) * self._rate) // _RATE)

    def when(self, ticks: int) -> int:
        """Return the first instant of the world, from now on, at which it shows this or more."""
        now_ms = self._clock.now_ms
        left_ms = ticks_diff(ticks, self.ticks())
        if left_ms <= 0:
            return now_ms
        since_ms, parts, rate = self._since_ms, self._parts, self._rate
        target = ((parts + (now_ms - since_ms) * rate) // _RATE + left_ms) * _RATE
        until_ms = self._until_ms
        while until_ms and parts + (until_ms - since_ms) * rate < target:
            parts += (until_ms - since_ms) * rate
            since_ms = until_ms
            rate, until_ms = self._rate_in(since_ms // STEP_MS), since_ms + STEP_MS
        return since_ms - (parts - target) // rate

    def _advance(self, now_ms: int) -> None:
        while 0 < self._until_ms <= now_ms:
            self._parts += (self._until_ms - self._since_ms) * self._rate
            self._since_ms = self._until_ms
            self._until_ms += STEP_MS
            self._rate = self._rate_in(self._since_ms // STEP_MS)

    def _rate_in(self, step: int) -> int:
        slow_ppb = 0
        if self._climate is not None:
            away_mc = self._climate.temperature_mc(step) - _TURNOVER_MC
            slow_ppb = _CURVE_PPB_PER_K2 * away_mc * away_mc // 1_000_000
        return max(_RATE_MIN, _RATE + self._drift_ppb - slow_ppb)

    def _tell(self) -> None:
        if self.on_change is not None:
            self.on_change()


def draw_oscillator(
    clock: "Clock", climate: "Climate | None", seed: int, index: int, drift_ppm: int
) -> Oscillator:
    """Return the clock of one agent: its offset and its drift are its own."""
    rng = Prng(seed_from(seed, "clock", index))
    offset_ms, most_ppb = rng.below(_OFFSET_MS_SPREAD), drift_ppm * 1000
    drift_ppb = rng.below(2 * most_ppb + 1) - most_ppb
    return Oscillator(clock, offset_ms, drift_ppb, climate)
