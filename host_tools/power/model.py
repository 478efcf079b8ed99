"""The charge of a wake, the average over a period, and how long a battery lasts. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cma_toolkit.boards.load import Board
from cma_toolkit.firmware.kernel.config import STATE_NAMES
from cma_toolkit.firmware.kernel.limits import Quotas
from cma_toolkit.firmware.kernel.power.energy import Energy, break_even_ms
from cma_toolkit.firmware.kernel.power.schedule import Schedule
from cma_toolkit.firmware.kernel.prng import Prng
from cma_toolkit.host_tools.errors import CmaError, usage
from cma_toolkit.host_tools.power.parts import (
    CHIPS_MEASURED,
    CHIPS_OF_TWO_CORES,
    LOADER_UA,
    Boot,
    Part,
    boot,
    report,
)

SUPPLY_V = 3.3
DAY_MS = 86_400_000
_UC_PER_UAH = 3_600.0


@dataclass(frozen=True)
class Share:
    """One part of a period: how long it lasts, what it draws, the charge of it."""

    part: Part
    current_ua: float

    @property
    def charge_uc(self) -> float:
        """Return the charge of one such part."""
        return self.current_ua * self.part.span_ms / 1000


@dataclass(frozen=True)
class Budget:
    """What a board draws over one period, part by part, its sleep last."""

    period_ms: float
    shares: tuple[Share, ...]
    is_measured: bool  # the chip's wakes were

    @property
    def wake_uc(self) -> float:
        """Return the charge of one wake."""
        return sum(share.charge_uc for share in self.shares[:-1])

    @property
    def awake_ms(self) -> float:
        """Return how long one wake lasts."""
        return sum(share.part.span_ms for share in self.shares[:-1])

    @property
    def average_ua(self) -> float:
        """Return the mean current."""
        return sum(share.charge_uc for share in self.shares) / self.period_ms * 1000

    @property
    def average_mw(self) -> float:
        """Return the mean power at the supply's voltage."""
        return self.average_ua * SUPPLY_V / 1000

    @property
    def uah_per_day(self) -> float:
        """Return the charge of a day."""
        return self.average_ua * 24

    def per_day_uah(self, share: Share) -> float:
        """Return what one part uses in a day."""
        return share.charge_uc * DAY_MS / self.period_ms / _UC_PER_UAH


def current_of(state: str, chip: str, currents: Mapping[str, int], base_ua: float = 0) -> float:
    """Return what a board draws in a state; `base_ua` is what else is on the board."""
    if state == "loader":
        return LOADER_UA + base_ua
    if state == "one_core":
        other = "modem_sleep" if chip in CHIPS_OF_TWO_CORES else "active"
        return (currents["active"] + currents[other]) / 2 + base_ua
    return currents[state] + base_ua


def charge_uc(
    parts: Sequence[Part], chip: str, currents: Mapping[str, int], base_ua: float = 0
) -> float:
    """Return the charge of some parts of a wake."""
    return sum(
        current_of(part.state, chip, currents, base_ua) * part.span_ms / 1000 for part in parts
    )


def air_ms(payload_bytes: int) -> float:
    """Return how long a frame of the kernel is on the air, as the kernel accounts for it."""
    energy = Energy((0, 0, 360_000, 0, 0, 0), 0, Quotas())  # 360 mA: 100 nAh per millisecond
    return sum(energy.sent(payload_bytes) for _ in range(100)) / 10_000


def quiet_listen_ms(period_ms: int, listen_ms: int = 0) -> int:
    """Return how long the radio listens in a window in which nobody else speaks."""
    schedule = Schedule(1, Prng(1), period_ms, listen_ms, 0)
    return 2 * schedule.clock.guard_ms() + schedule.listen_ms


def break_even_s(board: Board) -> float:
    """Return the gap from which on an agent on this board sleeps deep."""
    return break_even_ms(tuple(board.current_ua[name] for name in STATE_NAMES)) / 1000


def budget(
    board: Board,
    kind: Boot,
    period_ms: int,
    *,
    listen_ms: int = 0,
    report_bytes: int = 100,
    start_ms: float = 0,
    is_light: bool = False,
) -> Budget:
    """Return what a board uses that reports once per period and sleeps in between.

    `start_ms`: what the agent and its application take to start after the boot, which nobody has
    measured yet. `is_light`: memory stays, and nothing boots.

    Raises: CmaError for a board without all currents, or a wake that does not fit its period.
    """
    check_currents(board)
    parts = [] if is_light else boot(board.chip, kind)
    if start_ms:
        parts.append(Part("agent and application", "one_core", start_ms))
    parts += report(air_ms(report_bytes), quiet_listen_ms(period_ms, listen_ms))
    left_ms = period_ms - sum(part.span_ms for part in parts)
    if left_ms <= 0:
        raise usage(
            f"A wake takes {period_ms - left_ms:.0f} ms, the period is {period_ms} ms: "
            "choose a longer --period or a shorter --listen."
        )
    parts.append(Part("sleep", "light_sleep" if is_light else "deep_sleep", left_ms))
    currents = board.current_ua
    shares = tuple(Share(part, current_of(part.state, board.chip, currents)) for part in parts)
    return Budget(period_ms, shares, board.chip in CHIPS_MEASURED)


def check_currents(board: Board) -> None:
    """Refuse a board whose file does not say what it draws.

    Raises: CmaError 2.
    """
    missing = [name for name in STATE_NAMES if name not in board.current_ua]
    if missing:
        raise no_currents(board, missing)


def no_currents(board: Board, missing: Sequence[str]) -> CmaError:
    """Make the error for a board file without currents."""
    return usage(
        f"{board.path} gives no current for {', '.join(missing)}: "
        f"add [currents.{missing[0]}] with current_ua and source."
    )


def battery_days(battery_mah: float, uah_per_day: float) -> float:
    """Return how long a battery lasts that loses nothing by itself."""
    return battery_mah * 1000 / uah_per_day
