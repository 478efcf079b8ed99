"""What a board's battery lets it do: run, stop when it is empty, and start again with the sun."""

from cma_toolkit.firmware.kernel.config import (
    STATE_ACTIVE,
    STATE_DEEP_SLEEP,
    STATE_LIGHT_SLEEP,
    STATE_RX,
    STATE_TX,
)
from cma_toolkit.firmware.kernel.errors import CAUSE_BROWNOUT, CAUSE_DEEP_SLEEP
from cma_toolkit.sim.world.hardware.supply import DARK, NEVER, Supply

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cma_toolkit.sim.world.board import Board
    from cma_toolkit.sim.world.fleet import Fleet

SUPPLY = 7  # the event, after those of board.py


class Power:
    """The supply of one board, which follows what the board does."""

    def __init__(self, fleet: "Fleet", board: "Board", supply: Supply) -> None:
        self.supply = supply
        self.is_empty = False  # the battery, and the board waits for the sun
        self.brown_outs = 0
        self._fleet = fleet
        self._board = board
        self._look_at_ms = NEVER
        self._air_us = 0  # that was taken from the supply
        self._has_sagged = False  # while it sent, below what the board needs

    def millivolts(self) -> int:
        """Return what the board measures."""
        return self.supply.millivolts(self._fleet.clock.now_ms)

    def status(self) -> dict[str, int]:
        """Return how the battery is, and what went in and out since the start of the run."""
        now_ms, supply = self._fleet.clock.now_ms, self.supply
        return {
            "millivolts": supply.millivolts(now_ms),
            "charge_permille": supply.charge_permille(now_ms),
            "used_uah": supply.used_uah(),
            "won_uah": supply.won_uah(),
            "brown_outs": self.brown_outs,
        }

    def boot(self, span_ms: int) -> None:
        """Charge the time that a boot took until now."""
        active_ua = self._fleet.config.currents_ua[STATE_ACTIVE]
        over_ua = max(0, active_ua - self.supply.current_ua())
        self.supply.take(over_ua, span_ms * 1000)

    def draw(self) -> None:
        """Take from now on what the board does now, and know when that empties the battery."""
        fleet, board, supply = self._fleet, self._board, self.supply
        now_ms, currents_ua = fleet.clock.now_ms, fleet.config.currents_ua
        sent_us = fleet.radio.air_us(board.index) - self._air_us
        if sent_us:
            self._air_us += sent_us
            supply.take(max(0, currents_ua[STATE_TX] - supply.current_ua()), sent_us)
        supply.enter(now_ms, _state_of(board))
        if sent_us and not board.is_dark and supply.is_too_low_for(STATE_TX):
            self._has_sagged = True
        if board.is_dark and not self.is_empty:
            return  # whoever cut its power gives it back
        is_over = self._has_sagged or supply.is_low(now_ms) != self.is_empty
        at_ms = now_ms if is_over else supply.next_look_ms(now_ms)
        if at_ms != NEVER and not now_ms <= self._look_at_ms <= at_ms:
            self._look_at_ms = at_ms
            fleet.clock.schedule(at_ms, SUPPLY, board.index)

    def look(self) -> None:
        """Stop the board if its battery is empty now, or start it if it is no more."""
        board, now_ms = self._board, self._fleet.clock.now_ms
        if self._look_at_ms != now_ms:
            return
        self._look_at_ms = NEVER
        is_low = self.supply.is_low(now_ms)
        has_sagged, self._has_sagged = self._has_sagged, False
        if (is_low or has_sagged) and not board.is_dark:
            self.is_empty = True
            self.brown_outs += 1
            board.lose_power()
        elif self.is_empty and not is_low:
            self.is_empty = False
            board.boot(CAUSE_BROWNOUT)


def _state_of(board: "Board") -> int:
    if board.is_dark:
        return DARK
    if board.is_updating:
        return STATE_RX
    if board.agent is None:
        return STATE_DEEP_SLEEP if board.cause == CAUSE_DEEP_SLEEP else STATE_ACTIVE
    if board.is_asleep:
        return STATE_LIGHT_SLEEP
    return STATE_RX if board.has_radio_on else STATE_ACTIVE
