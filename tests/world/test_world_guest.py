"""One agent of a world in a real MicroPython: everything that happens is the same."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cma_toolkit.boards.load import load_board
from cma_toolkit.sim.world import driver, trace
from cma_toolkit.sim.world.app_loader import load_setup
from cma_toolkit.sim.world.board import Board
from cma_toolkit.sim.world.fleet import Fleet
from cma_toolkit.sim.world.guest.host import MicroPythonGuest
from cma_toolkit.sim.world.micropython import WorldCrashError
from cma_toolkit.sim.world.watcher import Watcher

CURRENTS: dict[str, object] = dict(load_board("esp32-c3-devkitm-1").current_ua)
GUEST = 1

TALKATIVE = """
class Odd:
    pass

def setup(agent):
    soil = agent.sensor("soil")
    pump = agent.actuator("pump")
    wave = agent.sensor("wave")
    agent.state.setdefault("count", 0)
    agent.state.critical("count")

    @agent.every(20_000)
    def look():
        agent.state["count"] += 1
        agent.publish("soil", [soil.read(), wave.read(), agent.state["count"]])
        pump.write(agent.state["count"] % 2 == 1)
        pump.write((1, b"2"))
        pump.write(Odd())
        agent.report("seen", {"soil": soil.read()})
        agent.request("how", "x" * 300, "agent-01", told)

    def told(answer):
        agent.state["told"] = answer.error or len(answer.value)

    @agent.on("how")
    def how(message):
        return message.value + "!"

    @agent.on("soil")
    def heard(message):
        if message.value[2] % 5 == 0:
            raise ValueError(message.source)
        agent.stay_awake(300)

    @agent.every(400_000)
    def again():
        agent.reboot()
"""


class Boots(Watcher):
    """Count those of the guest."""

    count = 0

    def effect(self, fleet: Fleet, index: int, kind: int, content: bytes) -> None:
        self.count += kind == trace.BOOT and index == GUEST


def boot_without_heap(board: Board) -> None:
    board.crash()
    board.flash.fail_in(1, MemoryError())


def lives(
    app: Path, plan: Callable[[Fleet], object] | None = None, **options: Any
) -> tuple[Fleet, Fleet]:
    """Run the same world twice, the second time with one agent in MicroPython."""
    options.setdefault("sensors", {"soil": 250})

    def live(guests: dict[int, Any]) -> Fleet:
        setup = load_setup(str(app))
        fleet = Fleet(setup, 3, 5, currents=CURRENTS, guests=guests, **options)
        for _ in range(6):
            if plan is not None:
                plan(fleet)
            fleet.run(100)
        return fleet

    here = live({})
    with MicroPythonGuest(str(app)) as guest:
        there = live({GUEST: guest})
        assert there.statuses() == here.statuses() and there.states() == here.states()
        assert there.digest() == here.digest()
    return here, there


@pytest.fixture
def app(tmp_path: Path) -> Path:
    path = tmp_path / "app.py"
    path.write_text(TALKATIVE)
    return path


@pytest.mark.parametrize(
    "options",
    [
        {"loss_permille": 50, "drift_ppm": 100},
        {"settings": {"wake_period_ms": 120_000}, "power_cuts": [(250, GUEST)]},
    ],
    ids=["awake", "asleep"],
)
def test_all_that_an_agent_does_is_the_same(app: Path, options: dict[str, Any]) -> None:
    here, there = lives(app, **options)
    assert there.log.messages == here.log.messages and here.log.messages
    assert there.log.events == here.log.events and here.log.events
    assert [row[:3] for row in there.log.errors] == [row[:3] for row in here.log.errors]
    assert any(row[1] == "agent-02" and "ValueError" in row[3] for row in there.log.errors)
    assert there.log.set_sensors == ["soil"] and there.log.unset_sensors == ["wave"]
    assert there.boards[GUEST].sleep() == here.boards[GUEST].sleep()
    assert bool(here.boards[GUEST].sleep()["sleeps"]) is ("settings" in options)
    assert here.statuses()[GUEST]["boots"] != 1  # it rebooted, and was another agent


def test_a_flash_that_fails_fails_the_agent_there_alike(app: Path) -> None:
    plans: list[Callable[[Fleet], object]] = [
        lambda fleet: fleet.boards[GUEST].flash.cut_in(3, 4, 9, 1_500),
        lambda fleet: fleet.boards[GUEST].flash.fail_in(2, OSError(5)),
        lambda fleet: fleet.boards[GUEST].flash.fail_in(2, MemoryError()),
        lambda fleet: boot_without_heap(fleet.boards[GUEST]),
    ]
    failed: list[BaseException] = []

    def plan(fleet: Fleet) -> None:
        flash = fleet.boards[GUEST].flash
        if flash.failed is not None:
            failed.append(flash.failed)
        plans[fleet.clock.now_ms // 100_000 % 4](fleet)

    boots = Boots()
    lives(app, plan, watchers=[boots])
    assert {type(error) for error in failed} == {OSError, MemoryError}
    assert (
        boots.count >= 2 * 5
    )  # here and there: the first, after two cuts, and twice without heap


def test_a_described_world_has_the_same_digest_with_a_guest(app: Path) -> None:
    spec = {
        "app": str(app),
        "agents": 3,
        "seconds": 400,
        "seed": 7,
        "sensors": {},
        "loss_permille": 50,
        "range_m": 0,
        "settings": {"wake_period_ms": 60_000},
    }
    here, there = driver.run(spec), driver.run({**spec, "in_micropython": 2})
    assert there["digest"] == here["digest"]
    traceback = next(row[3] for row in there["errors"] if row[1] == "agent-03")
    assert "ValueError: agent-0" in traceback and "guest/inside.py" not in traceback
    del here["errors"], there["errors"]  # tracebacks are not alike
    assert there == here


def test_it_is_micropython(app: Path) -> None:
    app.write_text(
        "import sys\n"
        "def setup(agent):\n"
        "    agent.every(1000)(lambda: agent.report('in', sys.implementation.name))\n"
    )
    with MicroPythonGuest(str(app)) as guest:
        fleet = Fleet(load_setup(str(app)), 2, guests={GUEST: guest})
        fleet.run(5)
    assert {row[1:] for row in fleet.log.events} == {
        ("agent-01", "in", "cpython"),
        ("agent-02", "in", "micropython"),
    }


def test_what_the_application_prints_is_in_nobodys_way(app: Path) -> None:
    app.write_text("def setup(agent):\n    agent.every(1000)(lambda: print('x' * 100_000))\n")
    with MicroPythonGuest(str(app)) as guest:
        Fleet(load_setup(str(app)), 2, guests={GUEST: guest}).run(10)


def test_a_process_that_ends_is_named_with_what_it_printed(app: Path) -> None:
    app.write_text(
        "import sys\n"
        "def leave():\n"
        "    if sys.implementation.name == 'micropython':\n"
        "        print('no more')\n"
        "        sys.exit(3)\n"
        "def setup(agent):\n"
        "    agent.every(2000)(leave)\n"
    )
    with MicroPythonGuest(str(app)) as guest:
        fleet = Fleet(load_setup(str(app)), 2, guests={GUEST: guest})
        with pytest.raises(WorldCrashError, match="ended in the middle of the run: no more"):
            fleet.run(5)
