"""How often an application's handlers run and what they send: seen in an emulated world."""

from dataclasses import dataclass
from pathlib import Path

from cma_toolkit.boards.load import Board
from cma_toolkit.firmware.kernel.limits import Quotas
from cma_toolkit.firmware.kernel.power.energy import Energy
from cma_toolkit.host_tools.errors import usage
from cma_toolkit.sim.world.calls import Calls, watched

DAY_S = 86_400
_AGENTS = 2  # one would hear nobody, and never get a message
_WARM_PERIODS, _PERIODS = 10, 20


@dataclass
class Handler:
    """One function of the application, over the time that was watched."""

    name: str
    what: str  # "every 60 s", "on water"
    calls: int = 0
    frames: int = 0
    send_nah: int = 0


@dataclass(frozen=True)
class Activity:
    """What one agent did per day, and what the kernel itself says that it used."""

    handlers: tuple[Handler, ...]
    days: float  # that one agent was watched, of all agents together
    used_uah_per_day: float
    errors: int

    def per_day(self, count: float) -> float:
        """Return how much of something one agent does in a day."""
        return count / self.days


class _Seen(Calls):
    """The counts of all agents together."""

    def __init__(self, send_nah: int) -> None:
        self.handlers: dict[tuple[str, str], Handler] = {}
        self._send_nah = send_nah
        self._running: list[Handler] = []

    def found(self, handler: str, what: str) -> None:
        """Have a row for a handler, called or not."""
        self.handlers.setdefault((handler, what), Handler(handler, what))

    def entered(self, agent: str, handler: str, what: str) -> None:
        """Count a call."""
        self._running.append(self.handlers[handler, what])
        self._running[-1].calls += 1

    def left(self, agent: str) -> None:
        """Have it end."""
        self._running.pop()

    def said(self, agent: str, topic: str) -> None:
        """Count a frame of the handler that runs."""
        if self._running:
            self._running[-1].frames += 1
            self._running[-1].send_nah += self._send_nah

    def forget(self) -> None:
        """Begin to count anew."""
        for handler in self.handlers.values():
            handler.calls = handler.frames = handler.send_nah = 0


def watch(app: Path, board: Board, period_ms: int, listen_ms: int, report_bytes: int) -> Activity:
    """Run an application with the board's currents for some periods, once it has settled.

    Raises: CmaError 2 if it cannot be loaded.
    """
    from cma_toolkit.sim.world.app_loader import AppError, load_setup
    from cma_toolkit.sim.world.fleet import Fleet

    currents = board.current_ua
    account = Energy((0, 0, currents["wifi_tx"], 0, 0, 0), 0, Quotas())
    seen = _Seen(account.send_nah(report_bytes))
    try:
        setup = load_setup(str(app))
    except AppError as error:
        raise usage(str(error)) from error
    settings: dict[str, object] = {"wake_period_ms": period_ms, "listen_ms": listen_ms}
    fleet = Fleet(watched(setup, seen), _AGENTS, settings=settings)
    fleet.config.take_currents({str(name): ua for name, ua in currents.items()})
    period_s = max(1, period_ms // 1000)
    fleet.run(_WARM_PERIODS * period_s)
    before = [int(str(status["used_uah"])) for status in fleet.statuses()]
    seen.forget()
    fleet.run(_PERIODS * period_s)
    after = [int(str(status["used_uah"])) for status in fleet.statuses()]
    days = _PERIODS * period_s / DAY_S
    # Who leads looks for other clusters now and then; the other agent shows the ordinary day.
    used_uah = min(now - then for now, then in zip(after, before, strict=True))
    return Activity(
        tuple(seen.handlers.values()), days * _AGENTS, used_uah / days, fleet.log.error_count
    )
