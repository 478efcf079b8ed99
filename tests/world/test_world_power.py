"""Batteries empty by what the boards do, the sun fills them, and an empty one stops its board."""

from pathlib import Path
from typing import Any

import pytest

from cma_toolkit.firmware.kernel.config import STATE_NAMES
from cma_toolkit.firmware.kernel.errors import CAUSE_BROWNOUT, CAUSE_DEEP_SLEEP, CAUSE_POWER_ON
from cma_toolkit.sim.world import trace
from cma_toolkit.sim.world.app_loader import load_setup
from cma_toolkit.sim.world.fleet import Fleet
from cma_toolkit.sim.world.hardware.climate import STEP_MS, Climate
from cma_toolkit.sim.world.hardware.supply import DARK, NEVER, Supply, check_supply
from cma_toolkit.sim.world.watcher import Watcher

SAMPLER = str(Path(__file__).parent / "apps" / "sampler.py")
HOUR_MS = 3_600_000
CURRENTS = {
    "active": 30_000,
    "wifi_rx": 90_000,
    "wifi_tx": 300_000,
    "modem_sleep": 20_000,
    "light_sleep": 800,
    "deep_sleep": 20,
}
CURRENTS_UA = tuple(CURRENTS[name] for name in STATE_NAMES)
ACTIVE, RX = 0, 1


def supply(climate: Climate | None = None, **plain: Any) -> Supply:
    check_supply(plain, CURRENTS_UA)
    return Supply(plain, CURRENTS_UA, climate)


def test_what_is_taken_is_current_times_time() -> None:
    battery = supply(capacity_mah=100)
    battery.enter(0, ACTIVE)
    battery.enter(HOUR_MS, RX)
    battery.enter(HOUR_MS + HOUR_MS // 3, ACTIVE)
    assert battery.used_uah() == 30_000 + 30_000
    assert battery.charge_permille(HOUR_MS + HOUR_MS // 3) == 400
    battery.take(210_000, 1_000_000)  # a second of sending
    assert battery.used_uah() == 60_058


def test_an_empty_battery_gives_no_more() -> None:
    battery = supply(capacity_mah=10)
    battery.enter(0, ACTIVE)
    assert battery.charge_permille(HOUR_MS) == 0
    assert battery.used_uah() == 10_000


def test_the_voltage_falls_with_the_charge_and_sags_under_the_current() -> None:
    battery = supply(capacity_mah=100, resistance_mohm=1_000)
    levels = [battery.millivolts(0)]
    battery.enter(0, RX)
    assert battery.millivolts(0) == levels[0] - 90
    for minutes in range(0, 72, 6):
        levels.append(battery.millivolts(minutes * 60_000))
    assert levels == sorted(levels, reverse=True) and levels[0] == 4_200
    assert 2_900 <= levels[-1] <= 3_010


@pytest.mark.parametrize("state", [ACTIVE, RX])
def test_it_says_to_the_millisecond_when_it_is_low(state: int) -> None:
    battery = supply(capacity_mah=100, resistance_mohm=1_000)
    battery.enter(0, state)
    at_ms = battery.next_look_ms(0)
    assert not battery.is_low(at_ms - 1) and battery.is_low(at_ms)
    assert battery.millivolts(at_ms) <= 3_100 <= battery.millivolts(at_ms) + 2


def test_the_sun_fills_it_and_it_says_when_it_can_start() -> None:
    climate = Climate({"clouds_percent": 0, "start_hour": 0}, 1)
    battery = supply(climate, capacity_mah=100, charge_percent=0, solar_ma=50)
    battery.enter(0, DARK)
    at_ms, looks = battery.next_look_ms(0), 0
    while battery.is_low(at_ms):
        at_ms, looks = battery.next_look_ms(at_ms), looks + 1
    assert looks <= 1
    assert 7 * HOUR_MS < at_ms < 10 * HOUR_MS
    assert battery.charge_permille(at_ms) == 138  # of 3,500 mV at rest
    assert battery.charge_permille(24 * HOUR_MS) == 1000
    assert battery.won_uah() == 100_000 and battery.used_uah() == 0


def test_how_often_it_is_looked_at_changes_nothing() -> None:
    ends = []
    for span_ms in (HOUR_MS, 7_777_777):
        battery = supply(Climate({}, 3), capacity_mah=200, charge_percent=50, solar_ma=80)
        battery.enter(0, ACTIVE)
        for at_ms in range(0, 72 * HOUR_MS, span_ms):
            battery.charge_permille(at_ms)
        battery.enter(72 * HOUR_MS, DARK)
        ends.append((battery.used_nc, battery.won_nc))
    assert ends[0] == ends[1]


def test_without_sun_a_dark_board_stays_dark() -> None:
    battery = supply(capacity_mah=10, charge_percent=0)
    assert battery.is_low(0) and battery.next_look_ms(0) == NEVER


def test_the_sun_shines_by_day_and_clouds_take_some_of_it() -> None:
    clear = Climate({"clouds_percent": 0, "start_hour": 0}, 1)
    day = [clear.sun_permille(step) for step in range(144)]
    assert max(day) == day[72] == 1000 and sum(day[:37]) == sum(day[108:]) == 0
    cloudy = Climate({"clouds_percent": 100, "start_hour": 0}, 1)
    noons = [cloudy.sun_permille(144 * number + 72) for number in range(30)]
    assert len(set(noons)) > 20 and min(noons) < 200 and max(noons) > 800
    assert noons == [cloudy.sun_permille(144 * number + 72) for number in range(30)]


def test_it_is_warmest_in_the_afternoon() -> None:
    climate = Climate({"mean_c": 10, "swing_c": 15, "start_hour": 0}, 1)
    day = [climate.temperature_mc(step) for step in range(144)]
    assert max(day) == day[90] == 25_000 and min(day) == day[18] == -5_000
    assert STEP_MS * 144 == 24 * HOUR_MS


class Boots(Watcher):
    def __init__(self) -> None:
        self.causes: list[tuple[int, int]] = []

    def effect(self, fleet: Fleet, index: int, kind: int, content: bytes) -> None:
        if kind == trace.BOOT and content[0] != CAUSE_DEEP_SLEEP:
            self.causes.append((index, content[0]))


def sleepers(hours: int, boots: Boots | None = None, **options: Any) -> Fleet:
    given = {"settings": {"wake_period_ms": 60_000}, "currents": CURRENTS, **options}
    watchers = [boots] if boots else []
    made = Fleet(load_setup(SAMPLER), agents=2, seed=4, watchers=watchers, **given)
    made.run(hours * 3600)
    return made


@pytest.mark.parametrize("deep_sleep_ms", [1, 3_600_000], ids=["deep", "light"])
def test_the_supply_and_the_agents_own_account_agree(deep_sleep_ms: int) -> None:
    settings = {"wake_period_ms": 60_000, "deep_sleep_ms": deep_sleep_ms}
    made = sleepers(2, supply={"capacity_mah": 1_000}, settings=settings)
    for board in made.boards:
        assert board.power is not None
        real, own = board.power.status(), board.status()
        assert isinstance(own["used_uah"], int) and own["used_uah"] > 1_000
        assert abs(real["used_uah"] - own["used_uah"]) < own["used_uah"] / 20
        assert real["brown_outs"] == 0
        assert 3_900 < real["millivolts"] < 4_200
        assert own["battery_mv"] in range(real["millivolts"], real["millivolts"] + 60)


def test_what_is_sent_is_taken_by_its_time_on_the_air() -> None:
    used, air_us = [], []
    for tx_ua in (CURRENTS["wifi_rx"], CURRENTS["wifi_rx"] + 1_000_000):
        made = sleepers(1, supply={}, currents={**CURRENTS, "wifi_tx": tx_ua})
        assert made.boards[0].power is not None
        used.append(made.boards[0].power.supply.used_nc)
        air_us.append(made.radio.counts(0)["air_us"])
    assert air_us[0] == air_us[1] > 10_000
    assert used[1] - used[0] == air_us[0] * 1_000


def test_an_empty_battery_stops_its_board_and_the_sun_starts_it_with_its_state() -> None:
    boots = Boots()
    made = sleepers(
        7,
        boots,
        supply={"capacity_mah": 4, "charge_percent": 70, "solar_ma": 12, "restart_mv": 3_950},
        climate={"clouds_percent": 0, "start_hour": 3},
    )
    assert [(index, CAUSE_POWER_ON) for index in range(2)] == sorted(boots.causes[:2])
    assert {cause for _index, cause in boots.causes[2:]} == {CAUSE_BROWNOUT}
    for board in made.boards:
        assert board.power is not None
        assert board.power.status()["brown_outs"] >= 1
        state = made.boards[board.index].state()
        assert isinstance(state["samples"], int) and state["samples"] > 60
        assert board.sleep()["asleep_ms"] < 6 * HOUR_MS


def test_a_board_without_sun_ends_when_its_battery_does() -> None:
    made = sleepers(8, supply={"capacity_mah": 5, "brown_out_mv": 3_400})
    for board in made.boards:
        assert board.agent is None and board.is_dark and board.state() == {}
        assert board.power is not None and board.power.brown_outs == 1
        used = board.power.status()["used_uah"]
        board.cut_power(100)
        made.run(60)
        assert board.agent is None and board.power.status()["used_uah"] == used


@pytest.mark.parametrize(
    ("plain", "sentence"),
    [
        ({"capacity": 1}, "supply has no 'capacity': write brown_out_mv, capacity_mah"),
        ({"solar_ma": -1}, "supply solar_ma is -1: write a whole number, 0 to 10000"),
        ({"capacity_mah": True}, "supply capacity_mah is True: write a whole number"),
        ({"restart_mv": 3_000}, "supply restart_mv is not above the brown-out at 3100 mV"),
    ],
)
def test_a_supply_that_cannot_be_is_refused(plain: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        sleepers(1, supply=plain)


def test_a_supply_without_currents_and_a_climate_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="a supply needs the currents of a board"):
        Fleet(load_setup(SAMPLER), supply={})
    with pytest.raises(ValueError, match="climate mean_c is 200: write a whole number, -60 to"):
        Fleet(load_setup(SAMPLER), climate={"mean_c": 200})
    with pytest.raises(ValueError, match="climate has no 'rain': write clouds_percent"):
        Fleet(load_setup(SAMPLER), climate={"rain": 1})


def asks(agent: Any) -> None:
    """Ask a neighbour every second."""
    agent.on("level")(lambda message: message.value)
    agent.every(1_000)(lambda: agent.request("level", 1, "agent-02", lambda *answer: None))


def weak(rest: dict[str, Any], **options: Any) -> Fleet:
    """Run boards whose batteries bear the receiver, and not what is said of the sender."""
    plain = {"capacity_mah": 1_000, "resistance_mohm": 3_000, "brown_out_mv": 3_200, **rest}
    made = Fleet(asks, 2, seed=1, supply=plain, **{"currents": CURRENTS, **options})
    made.run(20)
    return made


def test_a_board_whose_battery_bears_the_receiver_but_not_the_sender_resets_as_it_sends() -> None:
    class Sends(Watcher):
        def __init__(self) -> None:
            self.sent_at_ms: list[int] = []
            self.cut_at_ms: list[int] = []

        def sent(self, fleet: Fleet, source: int, data: bytes) -> None:
            if source == 0:
                self.sent_at_ms.append(fleet.clock.now_ms)

        def effect(self, fleet: Fleet, index: int, kind: int, content: bytes) -> None:
            if kind == trace.POWER and index == 0:
                self.cut_at_ms.append(fleet.clock.now_ms)

    sends = Sends()
    made = weak({"charge_percent": 20}, watchers=[sends])
    power = made.boards[0].power
    assert power is not None and power.brown_outs == len(sends.cut_at_ms) > 2
    for at_ms in sends.cut_at_ms:
        assert any(at_ms - 3 <= sent_at_ms < at_ms for sent_at_ms in sends.sent_at_ms)
    full = weak({"charge_percent": 100}).boards[0].power
    quiet = weak({"charge_percent": 20}, currents={**CURRENTS, "wifi_tx": 95_000}).boards[0].power
    assert full is not None and full.brown_outs == 0
    assert quiet is not None and quiet.brown_outs == 0
