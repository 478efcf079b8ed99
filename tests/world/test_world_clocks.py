"""Each agent counts time its own way: offset, drift and temperature; a jump is carried out."""

from pathlib import Path
from typing import Any

import pytest

from cma_toolkit.firmware.kernel.ticks import TICKS_PERIOD, ticks_add, ticks_diff
from cma_toolkit.sim.world.app_loader import load_setup
from cma_toolkit.sim.world.board import WAKE
from cma_toolkit.sim.world.clock import Clock
from cma_toolkit.sim.world.fleet import Fleet
from cma_toolkit.sim.world.hardware.climate import STEP_MS, Climate
from cma_toolkit.sim.world.hardware.oscillator import Oscillator

APPS = Path(__file__).parent / "apps"
DAY_MS = 86_400_000
WEATHER = {"mean_c": 0, "swing_c": 20}


def shown(oscillator: Oscillator, clock: Clock, at_ms: int) -> int:
    clock.now_ms = at_ms
    return oscillator.ticks()


@pytest.mark.parametrize("ppb", [0, 20_000, -20_000, 777])
def test_a_day_is_longer_or_shorter_by_the_drift(ppb: int) -> None:
    clock = Clock()
    oscillator = Oscillator(clock, 5, ppb)
    start = oscillator.ticks()
    gone = ticks_diff(shown(oscillator, clock, DAY_MS), start)
    assert gone == (DAY_MS * (1_000_000_000 + ppb)) // 1_000_000_000


@pytest.mark.parametrize("climate", [None, Climate(WEATHER, 1)], ids=["even", "weather"])
@pytest.mark.parametrize("ppb", [0, 40_000, -40_000])
def test_when_is_the_first_instant_that_shows_it(climate: Climate | None, ppb: int) -> None:
    clock = Clock()
    oscillator = Oscillator(clock, 3, ppb, climate)
    for span_ms in (1, 2, 999, 60_000, STEP_MS, 5 * STEP_MS + 7, DAY_MS):
        target = ticks_add(oscillator.ticks(), span_ms)
        at_ms = oscillator.when(target)
        before = ticks_diff(shown(oscillator, clock, at_ms - 1), target)
        assert before < 0 <= ticks_diff(shown(oscillator, clock, at_ms), target) <= 1
    assert oscillator.when(ticks_add(oscillator.ticks(), -5)) == clock.now_ms


def test_cold_and_heat_make_a_crystal_slow() -> None:
    lost_ms = []
    for mean_c in (25, 5, 45, -15):
        clock = Clock()
        oscillator = Oscillator(clock, 0, 0, Climate({"mean_c": mean_c, "swing_c": 0}, 1))
        start = oscillator.ticks()
        lost_ms.append(DAY_MS - ticks_diff(shown(oscillator, clock, DAY_MS), start))
    assert lost_ms[0] == 0
    # 34 thousand-millionths by the square of the degrees away from 25.
    assert lost_ms[1] == lost_ms[2] == DAY_MS * 34 * 400 // 1_000_000_000 + 1
    assert lost_ms[3] == DAY_MS * 34 * 1_600 // 1_000_000_000 + 1


def test_looking_often_changes_no_clock() -> None:
    ends = []
    for span_ms in (DAY_MS, 1_234_567):
        clock = Clock()
        oscillator = Oscillator(clock, 0, 12_345, Climate(WEATHER, 1))
        for at_ms in range(0, DAY_MS, span_ms):
            shown(oscillator, clock, at_ms)
        ends.append(shown(oscillator, clock, DAY_MS))
    assert ends[0] == ends[1]


def test_a_clock_that_is_set_to_another_rate_goes_on_from_where_it_is() -> None:
    clock = Clock()
    oscillator = Oscillator(clock)
    start = oscillator.ticks()
    clock.now_ms = 1_000_000
    oscillator.drift_ppb = 1_000_000
    assert ticks_diff(oscillator.ticks(), start) == 1_000_000
    assert ticks_diff(shown(oscillator, clock, 2_000_000), start) == 2_001_000
    oscillator.jump(-500)
    assert ticks_diff(oscillator.ticks(), start) == 2_000_500


def test_another_rate_is_another_rate_in_the_cold_too() -> None:
    clock = Clock()
    oscillator = Oscillator(clock, 0, 5_000, Climate({"mean_c": 5, "swing_c": 0}, 1))
    start = oscillator.ticks()
    oscillator.drift_ppb = 34 * 400  # what the cold takes
    assert ticks_diff(shown(oscillator, clock, STEP_MS - 1), start) == STEP_MS - 1
    assert ticks_diff(shown(oscillator, clock, DAY_MS), start) == DAY_MS


def test_no_clock_stops_however_slow_faults_make_it() -> None:
    clock = Clock()
    oscillator = Oscillator(clock)
    start = oscillator.ticks()
    for _ in range(12):
        oscillator.drift_ppb -= 100_000_000
    assert oscillator.when(start + 100) == 1000
    clock.now_ms = 1000
    for _ in range(12):
        oscillator.drift_ppb += 100_000_000
    assert ticks_diff(shown(oscillator, clock, 2000), start) == 100 + 1000  # all is undone


def fleet(app: str, seconds: int, **options: Any) -> Fleet:
    made = Fleet(load_setup(str(APPS / f"{app}.py")), seed=6, **options)
    made.run(seconds)
    return made


def test_every_agent_has_an_offset_and_a_drift_of_its_own() -> None:
    made = fleet("chatter", 0, agents=20, drift_ppm=30)
    starts = {board.ticks() for board in made.boards}
    drifts = [board.oscillator.drift_ppb for board in made.boards]
    assert len(starts) > 15 and all(at_ms > TICKS_PERIOD - 60_000 for at_ms in starts)
    assert len(set(drifts)) > 15 and -30_000 <= min(drifts) < 0 < max(drifts) <= 30_000
    again = fleet("chatter", 0, agents=30, drift_ppm=30)
    assert [board.oscillator.drift_ppb for board in again.boards][:20] == drifts


def test_sleepers_whose_clocks_drift_apart_go_on_meeting() -> None:
    made = fleet(
        "sampler", 7_200, agents=3, drift_ppm=50, climate=WEATHER,
        settings={"wake_period_ms": 60_000},
    )  # fmt: skip
    assert [status["neighbours"] for status in made.statuses()] == [2, 2, 2]
    heard = [state["heard"] for state in made.states()]
    assert all(isinstance(count, int) and count > 200 for count in heard)


@pytest.mark.parametrize("by_ms", [40_000, -40_000])
@pytest.mark.parametrize("settings", [{}, {"wake_period_ms": 60_000}], ids=["awake", "asleep"])
def test_a_clock_that_jumps_moves_what_it_was_waiting_for(
    by_ms: int, settings: dict[str, object]
) -> None:
    made = fleet("sampler", 600, agents=2, settings=settings)
    board = made.boards[1]
    before_ms = made.clock.now_ms
    while board.agent is not None and settings:
        made.run(1)
        before_ms = made.clock.now_ms
    target = board._until_at_ms if settings else board.agent.next_wake_at_ms()  # type: ignore[union-attr]
    left_ms = ticks_diff(target, board.ticks())
    board.oscillator.jump(by_ms)
    assert ticks_diff(target, board.ticks()) == left_ms - by_ms
    due_ms = board._boot_at_ms - 350 if settings else board._wake_at_ms
    assert due_ms == before_ms + max(0, left_ms - by_ms)
    made.run(300)
    assert made.statuses()[1]["neighbours"] == 1


def test_a_slow_board_does_one_step_at_a_time_and_every_one() -> None:
    made = fleet("chatter", 20, agents=3)
    board, before = made.boards[1], made.states()[1]["heard"]
    board.slow_ms = 200
    for _ in range(3):
        made.clock.schedule(0, WAKE, 1)  # stale: it costs no time
    made.run(40)
    heard = [state["heard"] for state in made.states()]
    assert isinstance(before, int) and isinstance(heard[1], int) and isinstance(heard[0], int)
    assert before < heard[1] and heard[0] - heard[1] < 12
    assert made.log.errors == []
    board.slow_ms = 0
    made.run(20)
    assert made.statuses()[1]["neighbours"] == 2


def test_a_dead_radio_sends_nothing_and_hears_nothing() -> None:
    made = fleet("chatter", 20, agents=3)
    made.boards[1].is_radio_dead = True
    made.run(1)
    before = [state["heard"] for state in made.states()]
    made.run(20)
    heard = [state["heard"] for state in made.states()]
    assert heard[1] == before[1] and isinstance(heard[0], int) and isinstance(before[0], int)
    assert 0 < heard[0] - before[0] < 30  # of two, one speaks
    made.boards[1].is_radio_dead = False
    made.run(20)
    assert made.states()[1]["heard"] != heard[1]


def test_little_entropy_makes_every_boot_alike() -> None:
    made = fleet("chatter", 5, agents=2)
    firsts = []
    for entropy in (7, 7, None):
        made.boards[0].entropy = entropy
        made.boards[0].cut_power(100)
        while made.boards[0].agent is None:
            made.run(1)
        firsts.append(made.boards[0].agent._rng._x)
    assert firsts[0] == firsts[1] != firsts[2]


@pytest.mark.parametrize("ppm", [-1, 100_001])
def test_a_drift_that_no_clock_has_is_refused(ppm: int) -> None:
    with pytest.raises(ValueError, match=f"drift_ppm is {ppm}: write 0 to 100000"):
        fleet("chatter", 0, drift_ppm=ppm)
