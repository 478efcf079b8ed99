"""One seed is one run: the trace of a world is the same on CPython and on MicroPython."""

from pathlib import Path
from typing import Any

import pytest

from cma_toolkit.sim.world import driver, micropython

EXAMPLES = sorted(
    path
    for path in (Path(__file__).parents[2] / "firmware" / "examples").glob("*.py")
    if path.name != "__init__.py"
)
APPS = Path(__file__).parents[1] / "world" / "apps"
HARSH, SAMPLER = APPS / "harsh.py", APPS / "sampler.py"


def spec(app: Path, **changes: Any) -> dict[str, Any]:
    described: dict[str, Any] = {
        "app": str(app),
        "agents": 4,
        "seconds": 180,
        "seed": 1,
        "loss_permille": 0,
        "range_m": 0,
        "sensors": {},
        "power_cuts": [],
    }
    return {**described, **changes}


def both(described: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    here, there = driver.run(described), micropython.run(described)
    for result in (here, there):
        for error in result["errors"]:
            error.pop()  # a traceback's text differs, its place and time do not
    return here, there


@pytest.mark.parametrize("app", EXAMPLES, ids=lambda path: path.stem)
def test_examples_run_alike(app: Path) -> None:
    here, there = both(spec(app, loss_permille=100))
    assert here == there
    assert here["errors"] == []


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_harsh_world_runs_alike(seed: int) -> None:
    described = spec(
        HARSH,
        agents=4,
        seed=seed,
        seconds=40,
        loss_permille=200,
        range_m=20,
        power_cuts=[[20, 1], [21, 2]],
    )
    here, there = both(described)
    assert here == there
    assert here["errors"]


@pytest.mark.parametrize("app", [HARSH, SAMPLER], ids=lambda path: path.stem)
def test_sleepers_whose_batteries_empty_run_alike(app: Path) -> None:
    described = spec(
        app,
        seconds=240,
        loss_permille=100,
        range_m=20,
        settings={"wake_period_ms": 20_000, "saving_mv": 3_600, "critical_mv": 3_300},
        battery={"agents": [4_000, [[0, 4_000], [120, 3_500]], 3_400, [[0, 3_700], [120, 3_200]]]},
        power_cuts=[[100, 0], [160, 1]],
    )
    here, there = both(described)
    assert here == there
    assert all(slept["sleeps"] > 1 for slept in here["sleep"])
    assert len({status["mode"] for status in here["statuses"]}) > 1


MEDIA = (
    ({"kind": "building", "floors": 2, "width_m": 30, "room_m": 4}, {"range_m": 25}),
    ({"kind": "grid", "columns": 3, "step_m": 9.5}, {"range_m": 12, "edge_loss_permille": 600}),
    (
        {"kind": "positions", "rows": [[-3, 0.25], [40, 1, 9], [80, 2], [120, 3], [500, 5]]},
        {
            "range_m": 45,
            "loss_permille": 100,
            "udp": {"agents": [0, 2, 4], "jitter_ms": 9, "loss_permille": 200},
            "wires": {"pairs": [[3, 1]], "loss_permille": 50},
        },
    ),
)


@pytest.mark.parametrize("place", range(len(MEDIA)))
def test_places_and_media_of_every_kind_run_alike(place: int) -> None:
    places, radio = MEDIA[place]
    here, there = both(spec(HARSH, agents=5, seconds=40, places=places, radio=radio))
    assert here == there
    assert sum(counts["air_us"] for counts in here["air"]) > 0


def test_drifting_clocks_weather_and_batteries_that_empty_run_alike() -> None:
    described = spec(
        SAMPLER,
        agents=3,
        seconds=1_500,
        settings={"wake_period_ms": 20_000},
        currents={"active": 30_000, "wifi_rx": 90_000, "wifi_tx": 300_000, "deep_sleep": 20},
        drift_ppm=60,
        climate={"mean_c": -5, "swing_c": 20, "start_hour": 9},
        supply={"capacity_mah": 1, "charge_percent": 50, "solar_ma": 12, "restart_mv": 3_950},
    )
    here, there = both(described)
    assert here == there
    assert all(battery["brown_outs"] and battery["won_uah"] for battery in here["supply"])
    assert all(state != "a0" for state in here["states"])


def test_sensors_of_every_kind_read_alike() -> None:
    sensors = {"soil": {"agents": [[[0, 1], [60, 2.5]], 7, "text", [[30, -5]]]}}
    here, there = both(spec(EXAMPLES[0].with_name("greenhouse.py"), sensors=sensors))
    assert here == there
    moisture = {row[1]: row[3] for row in here["messages"]}
    assert moisture == {"agent-01": "f94100", "agent-02": "07", "agent-03": "6474657874",
                        "agent-04": "24"}  # fmt: skip
    assert {row[1] for row in here["errors"]} == {"agent-03"}  # text is not comparable


def test_another_seed_is_another_run() -> None:
    described = spec(EXAMPLES[0])
    digests = {driver.run({**described, "seed": seed})["digest"] for seed in (1, 2)}
    assert len(digests) == 2
