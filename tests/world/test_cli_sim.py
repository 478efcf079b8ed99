"""`cma sim` as a person types it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cma_toolkit.host_tools.errors import ExitCode

EXAMPLES = Path(__file__).parents[2] / "firmware" / "examples"


def cma_sim(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cma_toolkit.host_tools.cli.main", "sim", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=cwd,
        env={**os.environ, "CMA_PROGRESS": "plain"},
        check=False,
    )


def test_it_ends_with_a_digest_that_a_seed_decides() -> None:
    app = str(EXAMPLES / "greenhouse.py")
    runs = [cma_sim(app, "--agents", "3", "--seed", seed, "--loss", "5") for seed in "112"]
    assert [run.returncode for run in runs] == [0, 0, 0]
    lines = [run.stdout.splitlines()[-1] for run in runs]
    assert lines[0].startswith("digest ") and lines[0] == lines[1] != lines[2]


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
        (("none.py",), "no such file"),
        (("empty.py",), "no function setup"),
        (("app.py", "--sensor", "soil"), "NAME=VALUE"),
        (("app.py", "--sensor", "soil=@none.csv"), "cannot be read"),
        (("app.py", "--sensor", "soil=@empty.py"), "write lines of seconds,value"),
        (("app.py", "--sensor", "soil=soil.csv"), "soil=@soil.csv"),
        (("app.py", "--sensor", "sol=3"), "asks for no sensor sol: it asks for soil"),
        (("app.py", "--agents", "0"), "--agents"),
        (("app.py", "--loss", "101"), "--loss"),
    ],
)
def test_what_is_typed_wrong_is_named(
    tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    (tmp_path / "app.py").write_text("def setup(agent):\n    agent.sensor('soil')\n")
    (tmp_path / "empty.py").write_text("")
    run = cma_sim(*arguments, cwd=tmp_path)
    assert run.returncode == ExitCode.USAGE
    assert says in run.stderr and "Traceback" not in run.stderr


def test_a_crowd_has_a_range() -> None:
    run = cma_sim(str(EXAMPLES / "majority.py"), "--agents", "120", "--minutes", "0.5",
                  "-o", "json")  # fmt: skip
    neighbours = [agent["neighbours"] for agent in json.loads(run.stdout)["agents"]]
    assert 3 < sum(neighbours) / len(neighbours) < 40
