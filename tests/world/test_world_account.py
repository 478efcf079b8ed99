"""What a board used is a sum over the lives of its agents: no loss of power forgets any of it."""

from typing import Any

import pytest

from cma_toolkit.sim.scenario.must import broken
from cma_toolkit.sim.scenario.records import Must
from cma_toolkit.sim.world import driver
from support.fault_world import APPS, CURRENTS_UA

SECONDS = 600
SLEEPERS = {"wake_period_ms": 30_000, "deep_sleep_ms": 1_000}
CUTS = [[200, 0], [400, 0], [500, 0]]


def ran(**more: Any) -> dict[str, Any]:
    spec = {
        "app": str(APPS / "ledger.py"),
        "agents": 2,
        "seconds": SECONDS,
        "seed": 3,
        "loss_permille": 0,
        "range_m": 0,
        "sensors": {},
        "currents": CURRENTS_UA,
    }
    return driver.run({**spec, **more})


@pytest.mark.parametrize("settings", [{}, SLEEPERS])
def test_a_loss_of_power_forgets_nothing(settings: dict[str, int]) -> None:
    whole = ran(settings=settings)
    assert whole["used_uah"] == [status["used_uah"] for status in whole["statuses"]]
    cut = ran(settings=settings, power_cuts=CUTS)
    counted, known = cut["used_uah"][0], cut["statuses"][0]["used_uah"]
    assert known < counted // 2
    assert cut["used_uah"][1] == cut["statuses"][1]["used_uah"]
    if not settings:  # awake all the time, but for where it was dark or booted
        dark_uah = len(CUTS) * 2_350 * CURRENTS_UA["wifi_rx"] // 3_600_000
        assert abs(whole["used_uah"][0] - dark_uah - counted) < counted // 50


def test_lost_memory_of_sleep_forgets_nothing() -> None:
    lost = {"kind": "rtc-lost", "start_ms": 60_000, "end_ms": 500_000, "agent": 0, "count": 40}
    found = ran(settings=SLEEPERS, faults=[lost])
    assert found["statuses"][0]["used_uah"] < found["used_uah"][0] // 2
    assert found["used_uah"][0] > ran(settings=SLEEPERS)["used_uah"][0]  # it searches, too


def test_a_demand_holds_for_all_lives_together() -> None:
    cut = ran(power_cuts=CUTS)
    used_uah = cut["used_uah"][0]
    assert cut["statuses"][0]["used_uah"] < used_uah - 1
    assert broken(Must(used_uah_at_most=max(cut["used_uah"])), cut) == ""
    says = f"agent-01 used {used_uah} uAh: it must be at most {used_uah - 1}"
    assert broken(Must(used_uah_at_most=used_uah - 1), cut) == says
