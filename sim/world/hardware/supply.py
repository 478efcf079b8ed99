"""A board's battery, what the sun puts into it, and what the board takes out.

The voltage follows the charge and sags under the current. Below the brown-out voltage the board
stops; it starts again once the sun has brought the battery to the restart voltage. The charge is
exact: nothing is looked at from time to time.
"""

from cma_toolkit.sim.world.hardware.climate import STEP_MS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cma_toolkit.sim.world.hardware.climate import Climate

DARK = -1  # the state of a board that takes nothing
NEVER = -1
_NC_PER_UAH = 3_600_000
_LOOK_AHEAD_STEPS = 144  # a day; then it is looked at again
_PERMILLE = 1000

# Millivolts of a lithium-ion cell at rest, by each tenth of its charge.
_REST_MV = (3_000, 3_450, 3_580, 3_640, 3_690, 3_740, 3_790, 3_860, 3_940, 4_050, 4_200)

_KEYS = {
    "capacity_mah": (1, 100_000),
    "charge_percent": (0, 100),
    "solar_ma": (0, 10_000),
    "resistance_mohm": (0, 10_000),
    "brown_out_mv": (2_500, 4_200),
    "restart_mv": (2_500, 4_200),
}
_DEFAULTS = {
    "capacity_mah": 2_000,
    "charge_percent": 100,
    "solar_ma": 0,
    "resistance_mohm": 200,
    "brown_out_mv": 3_100,
    "restart_mv": 3_500,
}


class Supply:
    """The battery of one board.

    Shape: `currents_ua` by power state, as in `kernel.config`.
    """

    def __init__(
        self, plain: "dict[str, Any]", currents_ua: "tuple[int, ...]", climate: "Climate | None"
    ) -> None:
        given = dict(_DEFAULTS)
        given.update(plain)
        self._currents_ua = currents_ua
        self._climate = climate if given["solar_ma"] else None
        self._solar_ua = given["solar_ma"] * 1000
        self._resistance_mohm = given["resistance_mohm"]
        self._full_nc = given["capacity_mah"] * 1000 * _NC_PER_UAH
        self._start_nc = self._charge_nc = self._full_nc * given["charge_percent"] // 100
        self._restart_nc = self._charge_at(given["restart_mv"])
        # The charge at which each state's current brings the voltage down to the limit.
        self._floors_nc = [
            self._charge_at(given["brown_out_mv"] + self._sag_mv(ua)) for ua in currents_ua
        ]
        self._state = DARK
        self._since_ms = 0
        self.used_nc = 0
        self.won_nc = 0  # from the sun

    def enter(self, now_ms: int, state: int) -> None:
        """Take a state's current from now on."""
        self._advance(now_ms)
        self._state = state

    def take(self, over_ua: int, span_us: int) -> None:
        """Take some more for a short while, such as a frame in the air."""
        used_nc = over_ua * span_us // 1000
        self._flow(-used_nc, used_nc)

    def is_low(self, now_ms: int) -> bool:
        """Tell whether the voltage is now too low for what the board does, or to start."""
        self._advance(now_ms)
        return self._charge_nc < self._limit_nc()

    def is_too_low_for(self, state: int) -> bool:
        """Tell whether the voltage gives way as soon as the board takes a state's current."""
        return self._charge_nc < self._floors_nc[state]

    def next_look_ms(self, now_ms: int) -> int:
        """Return when that may change, if the board goes on as it does; NEVER without sun."""
        self._advance(now_ms)
        charge_nc, limit_nc = self._charge_nc, self._limit_nc()
        is_dark = self._state == DARK
        at_ms = now_ms
        for _ in range(_LOOK_AHEAD_STEPS):
            end_ms, net_ua = self._segment(at_ms)
            left_nc = limit_nc - charge_nc if is_dark else charge_nc - limit_nc + 1
            gain_ua = net_ua if is_dark else -net_ua
            if gain_ua > 0 and (end_ms == NEVER or gain_ua * (end_ms - at_ms) >= left_nc):
                return at_ms + max(1, -(-left_nc // gain_ua))
            if end_ms == NEVER:
                return NEVER
            charge_nc = min(self._full_nc, charge_nc + net_ua * (end_ms - at_ms))
            at_ms = end_ms
        return at_ms

    def millivolts(self, now_ms: int) -> int:
        """Return the voltage at the board, under its present current."""
        self._advance(now_ms)
        place, rest = divmod(self._charge_nc * 10, self._full_nc)
        below = _REST_MV[place]
        above = _REST_MV[min(10, place + 1)]
        sag_mv = self._sag_mv(self.current_ua())
        return below + (above - below) * rest // self._full_nc - sag_mv

    def charge_permille(self, now_ms: int) -> int:
        """Return how full the battery is."""
        self._advance(now_ms)
        return self._charge_nc * _PERMILLE // self._full_nc

    def peek_permille(self, now_ms: int) -> int:
        """Return how full the battery is, for whoever watches: the run goes on as without it.

        A frame is taken before the sun since the last look is added, and so what a full battery
        could not take depends on when it is looked at.
        """
        before = self._charge_nc, self._since_ms, self.used_nc, self.won_nc
        permille = self.charge_permille(now_ms)
        self._charge_nc, self._since_ms, self.used_nc, self.won_nc = before
        return permille

    def current_ua(self) -> int:
        """Return what the board takes now."""
        return 0 if self._state == DARK else self._currents_ua[self._state]

    def used_uah(self) -> int:
        """Return what was taken out since the start."""
        return self.used_nc // _NC_PER_UAH

    def won_uah(self) -> int:
        """Return what the sun brought since the start."""
        return self.won_nc // _NC_PER_UAH

    def _limit_nc(self) -> int:
        return self._restart_nc if self._state == DARK else self._floors_nc[self._state]

    def _advance(self, now_ms: int) -> None:
        while self._since_ms < now_ms:
            end_ms, net_ua = self._segment(self._since_ms)
            if end_ms == NEVER or end_ms > now_ms:
                end_ms = now_ms
            span_ms = end_ms - self._since_ms
            self._flow(net_ua * span_ms, self.current_ua() * span_ms)
            self._since_ms = end_ms

    def _flow(self, net_nc: int, used_nc: int) -> None:
        before_nc = self._charge_nc
        self._charge_nc = max(0, min(self._full_nc, before_nc + net_nc))
        # What an empty battery does not give is not used, and what a full one cannot take not won.
        self.used_nc += used_nc if before_nc + net_nc >= 0 else used_nc + before_nc + net_nc
        self.won_nc = self._charge_nc - self._start_nc + self.used_nc

    def _segment(self, at_ms: int) -> tuple[int, int]:
        """Return until when the sun stays the same, and what the battery then gains in all."""
        ua = self.current_ua()
        if self._climate is None:
            return NEVER, -ua
        step = at_ms // STEP_MS
        sun_ua = self._solar_ua * self._climate.sun_permille(step) // _PERMILLE
        return (step + 1) * STEP_MS, sun_ua - ua

    def _sag_mv(self, ua: int) -> int:
        return ua * self._resistance_mohm // 1_000_000

    def _charge_at(self, millivolts: int) -> int:
        for place in range(10):
            below, above = _REST_MV[place], _REST_MV[place + 1]
            if millivolts <= above:
                part_mv = max(0, millivolts - below)
                return self._full_nc * (place * (above - below) + part_mv) // (above - below) // 10
        return self._full_nc


def check_supply(plain: "dict[str, Any]", currents_ua: "tuple[int, ...]") -> None:
    """Refuse a supply that cannot be.

    Raises: ValueError with one sentence.
    """
    for key in sorted(plain):
        if key not in _KEYS:
            raise ValueError(f"supply has no '{key}': write {', '.join(sorted(_KEYS))}")
        least, most = _KEYS[key]
        value = plain[key]
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ValueError(f"supply {key} is {value}: write a whole number, {least} to {most}")
    brown_out_mv = plain.get("brown_out_mv", _DEFAULTS["brown_out_mv"])
    if plain.get("restart_mv", _DEFAULTS["restart_mv"]) <= brown_out_mv:
        raise ValueError(f"supply restart_mv is not above the brown-out at {brown_out_mv} mV")
    if not any(currents_ua):
        raise ValueError("a supply needs the currents of a board: name the board")
