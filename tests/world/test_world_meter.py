"""The meter counts what the kernel's own account says, through sleep, crashes and power cuts."""

from typing import Any

import pytest

from cma_toolkit.boards.load import load_board
from cma_toolkit.firmware.kernel.config import STATE_NAMES
from cma_toolkit.sim.world.fleet import Fleet
from cma_toolkit.sim.world.meter import NC_PER_UAH, EnergyMeter

CURRENTS: dict[str, object] = dict(load_board("esp32-c3-devkitm-1").current_ua)
HOUR_S = 3600


def setup(agent: Any) -> None:
    agent.every(300_000)(lambda: agent.publish("moisture", 800))


def metered(from_s: int = 0, **options: Any) -> tuple[Fleet, EnergyMeter]:
    meter = EnergyMeter(from_s * 1000)
    options.setdefault("settings", {"wake_period_ms": 300_000})
    fleet = Fleet(setup, 3, currents=CURRENTS, watchers=[meter], keep=False, **options)
    fleet.run(HOUR_S)
    return fleet, meter


def account_uah(fleet: Fleet) -> list[int]:
    return [int(str(status["used_uah"])) for status in fleet.statuses()]


def test_it_agrees_with_the_agents_own_account_through_deep_sleep() -> None:
    fleet, meter = metered()
    assert all(board.sleep()["sleeps"] > 5 for board in fleet.boards)
    for index, account in enumerate(account_uah(fleet)):
        whole_nc = sum(meter.used_nc[index]) + meter.search_nc[index]
        assert whole_nc / NC_PER_UAH == pytest.approx(account, abs=len(STATE_NAMES))
        assert meter.used_nc[index][STATE_NAMES.index("deep_sleep")] > 0


def test_only_who_leads_searches_and_is_charged_as_in_years_to_come() -> None:
    fleet, meter = metered()
    leader = min(fleet.boards, key=lambda board: board.node).index
    period_uah = meter.search_nc[leader] / NC_PER_UAH / (84_000 / 12)  # of 300 s at 84 mA
    assert period_uah == pytest.approx(1, rel=0.05)
    assert [index for index, nc in enumerate(meter.search_nc) if nc] == [leader]
    before = list(meter.used_nc[leader])
    fleet.end()
    more = [after - then for after, then in zip(meter.used_nc[leader], before, strict=True)]
    listening, asleep = STATE_NAMES.index("wifi_rx"), STATE_NAMES.index("deep_sleep")
    assert more[listening] / NC_PER_UAH == pytest.approx(84_000 / 2_048, rel=0.01)
    assert more[asleep] / before[asleep] == pytest.approx(300 / (HOUR_S - 300), rel=0.05)


def test_what_came_before_its_instant_is_left_out() -> None:
    _, whole = metered()
    _, late = metered(from_s=HOUR_S // 2)
    listening = STATE_NAMES.index("wifi_rx")
    assert all(
        0 < part[listening] < every[listening] / 2
        for part, every in zip(late.used_nc, whole.used_nc, strict=True)
    )


def test_a_power_cut_loses_the_account_and_not_what_was_counted() -> None:
    fleet, meter = metered(power_cuts=[(HOUR_S // 2, 0)])
    _, undisturbed = metered()
    assert sum(meter.used_nc[0]) / NC_PER_UAH > account_uah(fleet)[0] + 1_000
    assert sum(meter.used_nc[0]) > sum(undisturbed.used_nc[0])  # it had to find the others again


def test_without_currents_it_counts_nothing() -> None:
    meter = EnergyMeter()
    Fleet(setup, 2, watchers=[meter]).run(60)
    assert not meter.is_known and not any(map(any, meter.used_nc))


def test_it_changes_nothing() -> None:
    bare = Fleet(setup, 3, currents=CURRENTS, settings={"wake_period_ms": 300_000})
    bare.run(HOUR_S)
    assert metered()[0].digest() == bare.digest()
