"""`cma sim` as a person types it."""

import json
from pathlib import Path

import pytest

from cma_toolkit.host_tools.errors import ExitCode
from support.cma_sim import cma_sim

EXAMPLES = Path(__file__).parents[2] / "firmware" / "examples"


def test_it_ends_with_a_digest_that_a_seed_decides() -> None:
    app = str(EXAMPLES / "greenhouse.py")
    runs = [cma_sim(app, "--agents", "3", "--seed", seed, "--loss", "5") for seed in "112"]
    assert [run.returncode for run in runs] == [0, 0, 0]
    lines = [run.stdout.splitlines()[-1] for run in runs]
    assert lines[0].startswith("digest ") and lines[0] == lines[1] != lines[2]


SET = """
def setup(agent):
    @agent.every(5_000)
    def tell():
        for topic in {"ash", "beech", "birch", "elm", "fir", "lime", "oak", "pine"}:
            agent.publish(topic, 1)
"""


def test_a_set_of_texts_has_one_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONHASHSEED", raising=False)
    (tmp_path / "app.py").write_text(SET)
    once = ("app.py", "--agents", "2", "--minutes", "0.1")
    digests = [cma_sim(*once, cwd=tmp_path).stdout.splitlines()[-1] for _ in range(2)]
    assert digests[0] == digests[1]
    swarm = ("swarm", *once, "--seeds", "2", "--jobs")
    digests = [cma_sim(*swarm, jobs, cwd=tmp_path).stdout.splitlines()[-1] for jobs in "12"]
    assert digests[0] == digests[1] and digests[0].startswith("digest ")


def test_it_shows_a_row_per_agent_and_what_nobody_set() -> None:
    run = cma_sim(str(EXAMPLES / "greenhouse.py"), "--agents", "4", "--minutes", "1")
    lines = run.stdout.splitlines()
    assert lines[0].split()[:2] == ["name", "boots"]
    assert [line.split()[0] for line in lines[1:5]] == [f"agent-0{n}" for n in range(1, 5)]
    assert any(line.startswith("sensor soil:") for line in lines)


def test_sensors_can_be_given(tmp_path: Path) -> None:
    (tmp_path / "soil.csv").write_text("0,400\n60,250\n")
    app = str(EXAMPLES / "greenhouse.py")
    run = cma_sim(app, "--agents", "1", "--minutes", "2", "--sensor", "soil=@soil.csv",
                  "-o", "json", cwd=tmp_path)  # fmt: skip
    result = json.loads(run.stdout)
    assert result["unset_sensors"] == [] and result["published"] == 11
    assert result["agents"][0]["name"] == "agent-01"


def test_errors_of_the_application_are_shown_and_exit_6(tmp_path: Path) -> None:
    app = tmp_path / "app.py"
    app.write_text("def setup(agent):\n    agent.every(1000)(lambda: {}['nothing'])\n")
    run = cma_sim(str(app), "--agents", "2", "--minutes", "0.1")
    assert run.returncode == ExitCode.SOME_FAILED
    assert "KeyError: 'nothing'" in run.stderr and "raised 10 times" in run.stderr
    assert run.stdout.splitlines()[-1].startswith("digest ")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("none.py",), "no such file; name your scenario or your application."),
        (("empty.py",), "no function setup"),
        (("app.py", "--sensor", "soil"), "NAME=VALUE"),
        (("app.py", "--sensor", "soil=@none.csv"), "none.csv: no such file; name a CSV file."),
        (("app.py", "--sensor", "soil=@empty.py"), "write lines of seconds,value"),
        (("app.py", "--sensor", "soil=soil.csv"), "soil=@soil.csv"),
        (("app.py", "--sensor", "sol=3"), "asks for no sensor sol: it asks for soil"),
        (("app.py", "--set", "wake_period=60000"), 'did you mean "wake_period_ms"'),
        (("app.py", "--set", "wake_period_ms"), "whole number"),
        (("app.py", "--set", "wake_period_ms=1m"), "whole number"),
        (("app.py", "--set", "wake_period_ms=5"), "out of bounds"),
        (("app.py", "--cluster", "home"), "leave the cluster out"),
        (("app.py", "--board", "esp32-s4"), "No board is called"),
        (("app.py", "--board", "esp32s3"), "boards that have it are esp32-s3-devkitc-1"),
        (("app.py", "--battery", "full"), "whole millivolts"),
        (("app.py", "--battery", "-5"), "whole millivolts from 0 to 60000"),
        (("app.py", "--battery", "99999999999999"), "whole millivolts from 0 to 60000"),
        (("app.py", "--battery", "@high.csv"), "whole millivolts from 0 to 60000"),
        (("app.py", "--minutes", "nan"), "--minutes: write a number from 0.1 to 44000, not nan"),
        (("app.py", "--battery", "@empty.py"), "write lines of seconds,value"),
        (("app.py", "--agents", "0"), "--agents"),
        (("app.py", "--loss", "101"), "--loss"),
    ],
)
def test_what_is_typed_wrong_is_named(
    tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    (tmp_path / "app.py").write_text("def setup(agent):\n    agent.sensor('soil')\n")
    (tmp_path / "empty.py").write_text("")
    (tmp_path / "high.csv").write_text("0,4000\n9,60001\n")
    run = cma_sim(*arguments, cwd=tmp_path)
    assert run.returncode == ExitCode.USAGE
    assert says in run.stderr and "Traceback" not in run.stderr


def test_a_crowd_has_a_range() -> None:
    run = cma_sim(str(EXAMPLES / "majority.py"), "--agents", "120", "--minutes", "0.5",
                  "-o", "json")  # fmt: skip
    neighbours = [agent["neighbours"] for agent in json.loads(run.stdout)["agents"]]
    assert 3 < sum(neighbours) / len(neighbours) < 40


SLEEPERS = str(Path(__file__).parent / "apps" / "sampler.py")


def test_sleepers_show_how_they_spend_their_time() -> None:
    run = cma_sim(SLEEPERS, "--agents", "3", "--minutes", "60", "--set", "wake_period_ms=60000")
    lines = run.stdout.splitlines()
    assert lines[0].split()[-3:] == ["sleeps", "asleep", "radio"]
    for line in lines[1:4]:
        sleeps, asleep, _, radio, _ = line.split()[-5:]
        assert int(sleeps) >= 50 and 80 < float(asleep) < 100 and 0 < float(radio) < 20
    assert "no --board: whoever sleeps sleeps deep" in run.stdout
    awake = cma_sim(SLEEPERS, "--minutes", "1").stdout
    assert "asleep" not in awake and "no --board" not in awake


def test_energy_is_counted_with_the_currents_of_a_board() -> None:
    options = ("--agents", "2", "--minutes", "60", "--set", "wake_period_ms=60000")
    run = cma_sim(SLEEPERS, *options, "--board", "esp32-s3-devkitc-1")
    lines = run.stdout.splitlines()
    assert lines[0].split()[-1] == "used" and "no --board" not in run.stdout
    for line in lines[1:3]:
        used, unit = line.split()[-2:]
        assert 300 < int(used) < 20_000 and unit == "uAh"
    assert "used" not in cma_sim(SLEEPERS, *options).stdout


FLEET = """
name = "farm"
network = 7
cluster = "slow"
[clusters.slow]
settings = { wake_period_ms = 120000 }
[clusters.awake]
settings = { wake_period_ms = 0 }
[settings.wake_period_ms]
type = "int"
default = 60000
"""


@pytest.mark.parametrize(
    ("options", "least", "most"),
    [
        ((), 20, 30),
        (("--cluster", "awake"), 0, 0),
        (("--set", "wake_period_ms=60000"), 50, 60),
        (("--cluster", "awake", "--set", "wake_period_ms=60000"), 50, 60),
    ],
)
def test_settings_come_from_the_fleet_file_beside_the_application(
    tmp_path: Path, options: tuple[str, ...], least: int, most: int
) -> None:
    (tmp_path / "fleet.toml").write_text(FLEET)
    (tmp_path / "app.py").write_text("def setup(agent):\n    pass\n")
    run = cma_sim("app.py", "--agents", "2", "--minutes", "60", "-o", "json", *options,
                  cwd=tmp_path)  # fmt: skip
    for slept in json.loads(run.stdout)["sleep"]:
        assert least <= slept["sleeps"] <= most


def test_a_cluster_that_the_fleet_file_does_not_have_is_named(tmp_path: Path) -> None:
    (tmp_path / "fleet.toml").write_text(FLEET)
    (tmp_path / "app.py").write_text("def setup(agent):\n    pass\n")
    run = cma_sim("app.py", "--cluster", "slwo", cwd=tmp_path)
    assert run.returncode == ExitCode.USAGE and 'did you mean "slow"' in run.stderr


def test_a_battery_is_a_voltage_or_a_file_of_them(tmp_path: Path) -> None:
    (tmp_path / "battery.csv").write_text("0,4000\n60,3300\n")
    for given, expected in (("3700", 3_700), (f"@{tmp_path / 'battery.csv'}", 3_300)):
        run = cma_sim(
            SLEEPERS, "--minutes", "2", "--agents", "1", "--battery", given, "-o", "json"
        )
        assert json.loads(run.stdout)["agents"][0]["battery_mv"] == expected
