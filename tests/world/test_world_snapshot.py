"""The snapshot of a real agent: nothing is lost on its way, and nothing damaged is believed."""

from pathlib import Path
from typing import Any

import pytest

from cma_toolkit.firmware.kernel.agent import Agent
from cma_toolkit.firmware.kernel.effects import Effects
from cma_toolkit.firmware.kernel.errors import (
    CAUSE_DEEP_SLEEP,
    CAUSE_WATCHDOG,
    EVENT_RESUMED,
    EVENT_SNAPSHOT_LOST,
    EVENT_STARTED,
)
from cma_toolkit.firmware.kernel.identity import Identity
from cma_toolkit.firmware.kernel.ports import Parts
from cma_toolkit.firmware.kernel.prng import Prng
from cma_toolkit.firmware.kernel.state import snapshot
from cma_toolkit.sim.world.app_loader import load_setup
from cma_toolkit.sim.world.board import Board
from cma_toolkit.sim.world.fleet import Fleet

APP = str(Path(__file__).parent / "apps" / "sampler.py")
SETTINGS: dict[str, object] = {
    "wake_period_ms": 20_000,
    "saving_mv": 3_600,
    "budget_uah_per_day": 1_000_000,
}
CURRENTS: dict[str, object] = {"active": 40_000, "wifi_rx": 85_000, "wifi_tx": 240_000}


class Watcher(Effects):
    """Note what the kernel reports."""

    def __init__(self) -> None:
        self.events: list[int] = []

    def report(self, event_id: int, value: int) -> None:
        """Note an event."""
        self.events.append(event_id)


def sleeping_fleet(**options: Any) -> Fleet:
    fleet = Fleet(load_setup(APP), settings=SETTINGS, **options)
    fleet.config.take_currents(CURRENTS)
    fleet.run(600)
    while not fleet.boards[0].rtc:
        fleet.run(1)
    return fleet


def woken(fleet: Fleet, board: Board) -> Agent:
    """Make the agent that would wake on a board; it has not started."""
    identity = Identity(board.name, board.node, 1, "world")
    return Agent(identity, Prng(1), board.table(), Parts(), fleet.config)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_a_machine_remembers_it_would_write_again(seed: int) -> None:
    fleet = sleeping_fleet(agents=9, seed=seed, loss_permille=150, battery=3_700)
    seen = set()
    for _ in range(120):
        fleet.run(1)
        for board in fleet.boards:
            if not board.rtc or board.rtc in seen:
                continue
            seen.add(board.rtc)
            agent = woken(fleet, board)
            sequence = int.from_bytes(board.rtc[6:10], "big")
            assert snapshot.read_from(board.rtc, agent._machines, sequence)
            again = bytearray(agent.snapshot_bytes)
            snapshot.write_into(again, agent._machines, sequence)
            assert again == board.rtc
    assert len(seen) > 20


def test_a_snapshot_with_one_wrong_bit_in_any_byte_starts_from_flash() -> None:
    fleet = sleeping_fleet(agents=3)
    board = fleet.boards[0]
    state, boots = board.state(), board.status()["boots"]
    cells = [bytes(data) for data in board.flash._sectors]
    for index in range(len(board.rtc)):
        damaged = bytearray(board.rtc)
        damaged[index] ^= 1 << index % 8
        board.flash._sectors = [bytearray(data) for data in cells]
        agent, out = woken(fleet, board), Watcher()
        agent.start(board.ticks(), CAUSE_DEEP_SLEEP, damaged, out)
        assert out.events[0] == EVENT_SNAPSHOT_LOST and EVENT_STARTED in out.events
        assert agent.status()["boots"] == boots + 1  # type: ignore[operator]
        assert agent.keeper.state.as_dict() == state
        assert agent.neighbours.count == 0


def test_what_a_crash_left_in_rtc_memory_is_never_resumed() -> None:
    fleet = sleeping_fleet(agents=2)
    board = fleet.boards[0]
    kept = board.rtc
    crashed, out = woken(fleet, board), Watcher()
    crashed.start(board.ticks(), CAUSE_WATCHDOG, kept, out)
    assert EVENT_RESUMED not in out.events and EVENT_STARTED in out.events
    # A deep sleep behind the kernel's back wakes with what RTC memory still holds.
    late, out = woken(fleet, board), Watcher()
    late.start(board.ticks(), CAUSE_DEEP_SLEEP, kept, out)
    assert EVENT_RESUMED not in out.events and EVENT_SNAPSHOT_LOST in out.events
    assert late.status()["boots"] == 3
