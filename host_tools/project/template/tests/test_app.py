"""What this application promises. Each test runs twice: on CPython and on real MicroPython.

`world` runs app.py as several agents in virtual time, so an hour takes a moment. Sensors are a
constant, a function of (seconds, agent number), or a CSV file of seconds and values.
"""

PUMP_ON_THEN_OFF = [1, 0]


def test_wet_soil_is_left_alone(world):
    result = world(agents=3, seconds=300, sensors={"soil": 800})
    assert result.errors == []
    assert result.values("moisture")[:3] == [800, 800, 800]
    assert all("pump" not in pumps for pumps in result.actuators.values())


def test_dry_soil_is_watered_once_and_the_pump_stops(world):
    result = world(agents=1, seconds=600, sensors={"soil": 100})
    assert result.actuators["agent-01"]["pump"] == PUMP_ON_THEN_OFF
    assert result.state["agent-01"]["waterings"] == 1


def test_soil_that_stays_dry_is_watered_again_after_a_rest(world):
    result = world(agents=1, seconds=20 * 60, sensors={"soil": 100})
    assert result.actuators["agent-01"]["pump"] == PUMP_ON_THEN_OFF * 2


def test_watering_begins_as_a_recorded_day_gets_too_dry(world):
    result = world(agents=1, seconds=1500, sensors={"soil": "drying.csv"})
    assert result.values("watering") == [1]
    first = next(message for message in result.messages if message.topic == "watering")
    assert first.at_ms >= 1200 * 1000


def test_only_the_dry_bed_is_watered(world):
    result = world(
        agents=3, seconds=120, sensors={"soil": lambda second, agent: 100 + 400 * agent}
    )
    assert result.state["agent-01"]["waterings"] == 1
    assert result.state["agent-02"]["waterings"] == 0


def test_the_count_of_waterings_survives_a_power_cut(world):
    result = world(agents=1, seconds=300, sensors={"soil": 100}, power_cuts=[(100, 0)])
    assert result.state["agent-01"]["waterings"] == 2


def test_a_battery_lasts_a_year(world):
    # By the kernel's account and the board's currents; `cma energy diff` says what a change costs.
    world(
        agents=3,
        seconds=20 * 60,
        sensors={"soil": 800},
        settings={"wake_period_ms": 60_000},
        board="esp32-c3-devkitm-1",
    )
    assert world.battery_days(percentile=50, battery_mah=3000) > 365
