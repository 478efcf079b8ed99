"""Agents that sleep: deleted and rebuilt, deaf meanwhile, and none the poorer for it."""

import gc
import weakref
from pathlib import Path
from typing import Any

from cma_toolkit.sim.world.app_loader import load_setup
from cma_toolkit.sim.world.board import FRAME
from cma_toolkit.sim.world.fleet import Fleet

APP = Path(__file__).parent / "apps" / "sampler.py"
PERIOD_MS = 60_000
HOUR_S = 3_600


def fleet(seconds: int, **options: Any) -> Fleet:
    settings = {"wake_period_ms": PERIOD_MS, **options.pop("settings", {})}
    made = Fleet(load_setup(str(APP)), settings=settings, **options)
    made.run(seconds)
    return made


def spent(made: Fleet, key: str) -> list[int]:
    return [board.sleep()[key] for board in made.boards]


def test_agents_that_know_each_other_sleep_almost_always_and_forget_nothing() -> None:
    made = fleet(HOUR_S, agents=3)
    asleep_ms, radio_ms, sleeps = (spent(made, key) for key in ("asleep_ms", "radio_ms", "sleeps"))
    made.run(HOUR_S)
    for index in range(3):
        assert spent(made, "sleeps")[index] - sleeps[index] >= 58
        assert spent(made, "asleep_ms")[index] - asleep_ms[index] > 0.93 * HOUR_S * 1000
        assert spent(made, "radio_ms")[index] - radio_ms[index] < 0.05 * HOUR_S * 1000
    for values, status in zip(made.states(), made.statuses(), strict=True):
        assert isinstance(values["samples"], int) and 115 <= values["samples"] <= 120
        assert isinstance(values["heard"], int) and values["heard"] > 2 * 110
        assert status["boots"] == 1 and status["neighbours"] == 2


def test_deep_sleep_deletes_the_agent_and_a_wake_builds_another() -> None:
    met: list[Any] = []

    def setup(agent: Any) -> None:
        met.append(weakref.ref(agent))

    made = Fleet(setup, agents=2, settings={"wake_period_ms": PERIOD_MS})
    made.run(HOUR_S)
    lives: list[Any] = [(status["boots"], status["wakes"]) for status in made.statuses()]
    assert len(met) == sum(boots + wakes for boots, wakes in lives) > 100
    gc.collect()
    awake = sum(board.agent is not None for board in made.boards)
    assert sum(ref() is not None for ref in met) == awake


def test_what_an_application_keeps_in_variables_is_gone_after_a_sleep() -> None:
    made = fleet(HOUR_S // 2, agents=2)
    starts = [value for _at, _agent, name, value in made.log.events if name == "starts"]
    assert len(starts) > 40 and set(starts) == {1}


def test_a_sleeper_hears_nothing() -> None:
    made = fleet(600, agents=2)
    sleeper = made.boards[1]
    while sleeper.agent is not None:
        made.run(1)
    heard, unheard = sleeper.state()["heard"], sleeper.sleep()["unheard"]
    for _ in range(3):
        made.clock.schedule(0, FRAME, 1, (-50, b"x" * 20, 0, 0))
    made.run(1)
    assert sleeper.agent is None and not sleeper.is_listening()
    assert sleeper.state()["heard"] == heard and sleeper.sleep()["unheard"] == unheard + 3


def test_power_lost_in_sleep_loses_the_snapshot_and_not_the_flash() -> None:
    made = fleet(HOUR_S, agents=3, power_cuts=[(1_830, 1)])
    assert [status["boots"] for status in made.statuses()] == [1, 2, 1]
    samples = [values["samples"] for values in made.states()]
    assert isinstance(samples[1], int) and samples[1] >= 55


def test_a_battery_that_empties_is_spared() -> None:
    settings = {"saving_mv": 3_600, "critical_mv": 3_400, "dormant_mv": 3_200}
    made = fleet(HOUR_S, agents=2, settings=settings, battery=[(0, 4_000), (HOUR_S, 3_100)])
    assert [status["mode"] for status in made.statuses()] == ["normal", "normal"]
    wakes, radio_ms = spent(made, "wakes"), spent(made, "radio_ms")
    made.run(6 * HOUR_S)
    assert [status["mode"] for status in made.statuses()] == ["dormant", "dormant"]
    for index in range(2):
        assert spent(made, "wakes")[index] - wakes[index] < 40
        assert spent(made, "radio_ms")[index] - radio_ms[index] < 120_000


def test_always_awake_agents_never_sleep() -> None:
    made = fleet(60, agents=2, settings={"wake_period_ms": 0})
    assert spent(made, "sleeps") == spent(made, "asleep_ms") == spent(made, "unheard") == [0, 0]
    assert all(59_000 <= on_ms <= 60_000 for on_ms in spent(made, "radio_ms"))
