"""Weather around all the boards of a world: how warm it is, and how much sun there is.

The day is a sine: warmest at 15 h, sun from 6 h to 18 h. A cloudy day has less of it. It stays the
same for ten minutes at a time.
"""

from cma_toolkit.firmware.kernel.prng import Prng, seed_from

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

STEP_MS = 600_000
_DAY_MINUTES = 1_440
_STEP_MINUTES = 10
_NOON, _SUNRISE, _SUNSET = 720, 360, 1_080
_WARMEST = 900
_KEYS = {
    "mean_c": (-60, 100),
    "swing_c": (0, 60),
    "clouds_percent": (0, 100),
    "start_hour": (0, 23),
}
_DEFAULTS = {"mean_c": 20, "swing_c": 8, "clouds_percent": 50, "start_hour": 8}


class Climate:
    """The weather at each instant of a run."""

    def __init__(self, plain: "dict[str, Any]", seed: int) -> None:
        check_climate(plain)
        given = dict(_DEFAULTS)
        given.update(plain)
        self._mean_mc = given["mean_c"] * 1000
        self._swing_mc = given["swing_c"] * 1000
        self._clouds_percent = given["clouds_percent"]
        self._start_minutes = given["start_hour"] * 60
        self._seed = seed
        self._cloud_of: tuple[int, int] = (-1, 0)

    def temperature_mc(self, step: int) -> int:
        """Return how warm it is. Units: thousandths of a degree Celsius."""
        minutes = (self._start_minutes + step * _STEP_MINUTES) % _DAY_MINUTES
        quarter = _DAY_MINUTES // 4
        return self._mean_mc + self._swing_mc * sine_permille(minutes - _WARMEST + quarter) // 1000

    def sun_permille(self, step: int) -> int:
        """Return how much of the strongest sun there is."""
        minutes = self._start_minutes + step * _STEP_MINUTES
        day, minute = minutes // _DAY_MINUTES, minutes % _DAY_MINUTES
        if not _SUNRISE < minute < _SUNSET:
            return 0
        height = sine_permille(minute - _SUNRISE)
        return height * (1000 - self._clouds_permille(day)) // 1000

    def _clouds_permille(self, day: int) -> int:
        if self._cloud_of[0] != day:
            rng = Prng(seed_from(self._seed, "clouds", day))
            self._cloud_of = day, rng.below(self._clouds_percent * 10 + 1)
        return self._cloud_of[1]


def check_climate(plain: "dict[str, Any]") -> None:
    """Refuse a climate that cannot be.

    Raises: ValueError with one sentence.
    """
    for key in sorted(plain):
        if key not in _KEYS:
            raise ValueError(f"climate has no '{key}': write {', '.join(sorted(_KEYS))}")
        least, most = _KEYS[key]
        value = plain[key]
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ValueError(f"climate {key} is {value}: write a whole number, {least} to {most}")


def sine_permille(minutes: int) -> int:
    """Return the sine of a time of day, of which a whole day is one period.

    Source: Bhaskara I, seventh century: within 0.2 percent.
    """
    minutes %= _DAY_MINUTES
    half = _DAY_MINUTES // 2
    x = minutes % half
    product = x * (half - x)
    height = 16_000 * product // (5 * half * half - 4 * product)
    return height if minutes < half else -height
