"""The fixture `world` of a user's own tests, used as a user uses it: in a pytest of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

APP = """
def setup(agent):
    soil = agent.sensor("soil")
    pump = agent.actuator("pump")

    @agent.every(10_000)
    def look():
        agent.publish("moisture", soil.read())
        pump.write(soil.read() < 300)
        agent.state["looks"] = agent.state.get("looks", 0) + 1
"""

GOOD = """
import pytest

def test_dry_soil_is_watered(world):
    result = world(agents=2, seconds=60, sensors={"soil": 250})
    assert result.runtime in ("cpython", "micropython")
    assert not result.errors
    assert result.values("moisture") and set(result.values("moisture")) == {250}
    assert result.actuators["agent-01"]["pump"][0] is True
    assert result.state["agent-02"]["looks"] == 5
    assert result.status["agent-01"]["neighbours"] == 1
    assert len(result.digest) == 64

def test_sensors_from_a_function_and_a_file(world):
    soil = lambda second, agent: 200 + 100 * agent + second
    assert 320 < world("app.py", agents=2, sensors={"soil": soil}).values("moisture")[-1] < 361
    result = world("app.py", agents=1, seconds=40, sensors={"soil": "soil.csv"})
    assert result.values("moisture") == [400, 400, 250]
"""

SLEEPY = """
def test_sleepers_miss_no_dry_soil(world):
    result = world(agents=2, seconds=1_800, sensors={"soil": 250}, battery=3_700,
                   settings={"wake_period_ms": 60_000}, board="esp32-s3-devkitc-1")
    assert not result.errors
    slept = result.sleep["agent-01"]
    assert 20 <= slept.wakes <= slept.sleeps <= slept.wakes + 1
    assert slept.asleep_ms > 1_000_000 > slept.radio_ms > 0
    assert slept.unheard >= 0
    assert result.status["agent-01"]["battery_mv"] == 3_700
    assert result.status["agent-01"]["used_uah"] > 100
    assert result.state["agent-02"]["looks"] >= 25
    assert result.actuators["agent-02"]["pump"][-1] is True
"""

BATTERY = """
import pytest

RUN = {"agents": 3, "board": "esp32-c3-devkitm-1", "sensors": {"soil": 800}}

def test_a_battery_lasts(world):
    result = world(**RUN, seconds=2_400, settings={"wake_period_ms": 60_000})
    ordinary, worst = world.battery_days(percentile=100), world.battery_days(percentile=1)
    assert 300 < ordinary < 900 and worst < ordinary
    assert world.battery_days(100, battery_mah=1_500) == pytest.approx(ordinary / 2)
    used = result.uah_per_day["agent-01"]
    assert used["light_sleep"] == pytest.approx(130 * 24, rel=0.02)
    assert 0 < used["wifi_tx"] < 3_000 and used["deep_sleep"] == 0

def test_an_agent_that_never_sleeps_needs_a_new_battery_tomorrow(world):
    result = world(**RUN, seconds=600)
    assert world.battery_days() == pytest.approx(3_000 / 84 / 24, rel=0.05)
    assert result.uah_per_day["agent-02"]["wifi_rx"] == pytest.approx(84_000 * 24, rel=0.02)
"""

BATTERY_UNKNOWN = """
def test_without_a_run(world):
    world.battery_days()

def test_without_a_board(world):
    world(seconds=10)
    world.battery_days()

def test_without_a_percentile(world):
    world(seconds=10, board="esp32-c3-devkitm-1")
    world.battery_days(percentile=0)

def test_of_what_does_not_work(world, tmp_path):
    (tmp_path / "broken.py").write_text("def setup(agent):\\n    raise ValueError('wet')\\n")
    world(app=tmp_path / "broken.py", seconds=10, board="esp32-c3-devkitm-1")
    world.battery_days()
"""

ALONE = """
def test_what_it_does_alone(agent):
    life = agent(seconds=60, sensors={"soil": 250}, power_cuts=[30])
    assert not life.errors and life.name == "agent-01"
    assert set(life.values("moisture")) == {250}
    assert life.actuators["pump"][0] is True
    assert life.state["looks"] >= 4 and life.status["neighbours"] == 0

def test_what_it_hears(agent):
    life = agent("hearing.py", seconds=400, hears=[(250, "b", [1]), (20, "a", None)],
                 settings={"wake_period_ms": 60_000})
    assert life.state == {"heard": [["a", None], ["b", [1]]]}
    assert life.values("b") == [] and life.sleep.sleeps > 1
"""

HEARING = """
def setup(agent):
    def hear(message):
        agent.state["heard"] = agent.state.get("heard", []) + [[message.topic, message.value]]
    agent.on("a")(hear)
    agent.on("b")(hear)
"""

BAD = """
def test_it_fails(world):
    assert world(sensors={"soil": 1}).values("moisture") == []
"""

DIFFERENT = """
import sys

def setup(agent):
    agent.every(1000)(lambda: agent.publish("t", sys.implementation.name))
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "tests").mkdir()
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "tests" / "soil.csv").write_text("seconds,value\n0,400\n25,250\n")
    return tmp_path


def run_pytest(project: Path, source: str, **environment: str) -> subprocess.CompletedProcess[str]:
    (project / "tests" / "test_app.py").write_text(source)
    plain = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider"],
        cwd=project,
        env={**plain, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_project_is_tested_on_both_runtimes(project: Path) -> None:
    ended = run_pytest(project, GOOD)
    assert ended.returncode == 0, ended.stdout
    assert "4 passed" in ended.stdout
    assert "[cpython]" in ended.stdout and "[micropython]" in ended.stdout


def test_agents_that_sleep_are_tested_alike(project: Path) -> None:
    ended = run_pytest(project, SLEEPY)
    assert ended.returncode == 0 and "2 passed" in ended.stdout, ended.stdout


def test_battery_life_is_a_test(project: Path) -> None:
    ended = run_pytest(project, BATTERY)
    assert ended.returncode == 0 and "4 passed" in ended.stdout, ended.stdout


def test_a_battery_nobody_can_know_is_one_sentence(project: Path) -> None:
    ended = run_pytest(project, BATTERY_UNKNOWN)
    assert "8 failed" in ended.stdout and "Traceback" not in ended.stdout, ended.stdout
    for sentence in (
        *("nothing was run; first", "run the world with board=", "percentile=0: give"),
        "the application raised 'ValueError: wet'",
    ):
        assert sentence in ended.stdout, ended.stdout


def test_one_agent_is_tested_on_its_own(project: Path) -> None:
    (project / "hearing.py").write_text(HEARING)
    ended = run_pytest(project, ALONE)
    assert ended.returncode == 0 and "4 passed" in ended.stdout, ended.stdout
    wrong = "def test_it(agent):\n    agent(hears=[(1, 'a', {1, 2})])\n"
    ended = run_pytest(project, wrong)
    assert "2 failed" in ended.stdout and "cannot be sent" in ended.stdout, ended.stdout


def test_a_wrong_expectation_fails_on_both(project: Path) -> None:
    ended = run_pytest(project, BAD)
    assert ended.returncode == 1 and "2 failed" in ended.stdout


def test_an_application_that_differs_between_runtimes_is_found(project: Path) -> None:
    (project / "app.py").write_text(DIFFERENT)
    ended = run_pytest(project, "def test_it(world):\n    world()\n")
    assert "1 failed, 1 passed" in ended.stdout
    assert "differs between CPython and MicroPython" in ended.stdout


def test_an_application_that_is_missing_or_broken_is_named(project: Path) -> None:
    ended = run_pytest(project, "def test_it(world):\n    world('none.py')\n")
    assert "2 failed" in ended.stdout and "none.py: not found" in ended.stdout
    (project / "app.py").write_text("x = 1\n")
    ended = run_pytest(project, "def test_it(world):\n    world()\n")
    assert "2 failed" in ended.stdout and "no function setup" in ended.stdout


def test_an_application_that_never_returns_is_named(project: Path) -> None:
    (project / "conftest.py").write_text(
        "from cma_toolkit.sim.world import hang\nhang.LIMIT_S = 0.2\n"
    )
    (project / "app.py").write_text("def setup(agent):\n    while True:\n        pass\n")
    ended = run_pytest(project, "def test_it(world):\n    world()\n")
    assert "2 failed" in ended.stdout
    assert "the application never returns from setup, line 1" in ended.stdout
    assert "During handling of the above exception" not in ended.stdout


def test_a_board_that_nobody_knows_is_named(project: Path) -> None:
    ended = run_pytest(project, "def test_it(world):\n    world(board='esp32-s4')\n")
    assert "2 failed" in ended.stdout and 'No board is called "esp32-s4"' in ended.stdout


MISTAKES = {
    "world(agents=0)": "agents=0: write a whole number from 1 to 100000.",
    "world(seconds=-5)": "seconds=-5: write a whole number from 1 to 2640000.",
    "world(loss=101)": "loss=101: write a whole number from 0 to 100.",
    'world(settings={"wake_period": 9})': 'no such setting; did you mean "wake_period_ms"?',
    'world(settings={"wake_period_ms": 5})': "wake_period_ms: out of bounds",
    'world(sensors={"sool": 1})': "app.py asked for no sensor sool; it asked for soil.",
    "world(seed=-1)": "seed=-1: write a whole number from 0",
    "world(range_m=-5)": "range_m=-5: write a whole number from 0 to 100000.",
    "world(battery='full')": "battery='full': write whole millivolts from 0 to 60000",
    "world(power_cuts=[5])": "power_cuts: 5: write (second, agent number) for each.",
    "world(power_cuts=[(5, 3)])": "power_cuts: (5, 3): the agents have the numbers 0 to 2.",
    "world(power_cuts=[(5, -1)])": "(5, -1): the agents have the numbers 0 to 2.",
    "world(power_cuts=[(60, 1)])": "(60, 1): its second is none of the 60 of the run.",
    'agent(hears=[(1, "water")])': "(1, 'water'): write (second, topic, value)",
    'agent(seconds=5, hears=[(9, "water", 1)])': "its second is none of the 5 of the run",
}


def test_a_mistake_in_a_test_is_a_sentence_and_no_test_that_holds(project: Path) -> None:
    tests = [
        f"def test_{number}(world, agent):\n    {call}\n" for number, call in enumerate(MISTAKES)
    ]
    ended = run_pytest(project, "\n\n".join(tests))
    assert f"{2 * len(MISTAKES)} failed" in ended.stdout, ended.stdout
    assert "Traceback" not in ended.stdout and "Error" not in ended.stdout
    for says in MISTAKES.values():
        assert says in ended.stdout, ended.stdout


def test_without_micropython_the_test_fails_and_says_what_to_install(project: Path) -> None:
    # A module of that name without an origin is what Python finds when the wheel is not there.
    hide = "import importlib.util, sys\nsys.modules['micropython_run'] = None\n"
    (project / "tests" / "conftest.py").write_text(
        hide
        + "found = importlib.util.find_spec\n"
        + "importlib.util.find_spec = lambda name, *rest: (\n"
        + "    None if name == 'micropython_run' else found(name, *rest))\n"
    )
    ended = run_pytest(project, "def test_it(world):\n    world()\n")
    assert "1 failed, 1 passed" in ended.stdout, ended.stdout
    assert "pip install cma-toolkit[virtual]" in ended.stdout


def test_an_interpreter_may_be_named(project: Path) -> None:
    interpreter = Path(sys.executable).with_name("micropython")
    ended = run_pytest(project, GOOD, CMA_MICROPYTHON=str(interpreter))
    assert "4 passed" in ended.stdout, ended.stdout
