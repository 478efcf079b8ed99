"""What a sleeping agent keeps in RTC memory, with 8 peers, a schedule, energy and counters."""

from collections.abc import Callable

from cma_toolkit.firmware.kernel.agent import Agent
from cma_toolkit.firmware.kernel.effects import Effects
from cma_toolkit.firmware.kernel.errors import CAUSE_DEEP_SLEEP
from cma_toolkit.firmware.kernel.identity import Identity
from cma_toolkit.firmware.kernel.ports import Parts
from cma_toolkit.firmware.kernel.prng import Prng
from cma_toolkit.sim.world.fleet import Fleet

UNIT = "bytes"
AT_MOST = 1024

_PEERS = 8
_SECONDS = 3_600
_KEPT = ("uptime_ms", "neighbours", "sent", "received", "used_uah", "mode")
_CURRENTS = {
    "active": 40_000,
    "wifi_rx": 85_000,
    "wifi_tx": 240_000,
    "modem_sleep": 31_000,
    "light_sleep": 800,
    "deep_sleep": 8,
}


def _setup(agent: "object") -> None:
    for period_ms in (60_000, 300_000, 600_000):
        agent.every(period_ms)(lambda: agent.publish("level", 1))  # type: ignore[attr-defined]


def measure(say: Callable[[str], object]) -> int:
    """Return the longest snapshot of nine agents that lived together for an hour.

    Each is resumed in a new agent, which must know its peers, its energy and its counters.
    """
    settings: dict[str, object] = {
        "wake_period_ms": 60_000,
        "saving_mv": 3_500,
        "critical_mv": 3_300,
        "dormant_mv": 3_000,
        "budget_uah_per_day": 1_000_000,
    }
    fleet = Fleet(_setup, _PEERS + 1, settings=settings)
    fleet.config.take_currents(dict(_CURRENTS))
    fleet.run(_SECONDS)
    lengths = []
    for board in fleet.boards:
        while not board.rtc:
            fleet.run(1)
        before = board.status()
        assert before["neighbours"] == _PEERS, before
        assert all(before[key] for key in _KEPT), before
        identity = Identity(board.name, board.node, 1, "world")
        agent = Agent(identity, Prng(1), board.table(), Parts(), fleet.config)
        agent.start(board.ticks(), CAUSE_DEEP_SLEEP, board.rtc, Effects())
        after = agent.status()
        assert after["wakes"] == before["wakes"] + 1, after  # type: ignore[operator]
        for key in _KEPT:
            assert before[key] <= after[key], (key, before, after)  # type: ignore[operator]
        lengths.append(len(board.rtc))
    say(f"{len(lengths)} agents, {_SECONDS} s, {min(lengths)} to {max(lengths)} bytes")
    return max(lengths)
