"""`cma sim run --in-micropython`: one agent of a scenario in a real MicroPython."""

import subprocess
from pathlib import Path

import pytest

from cma_toolkit.host_tools.errors import ExitCode
from support.cma_sim import cma_sim

SCENARIO = """
[who]
app = "app.py"
agents = 3

[when]
minutes = 3
calm_minutes = 4

[faults]
draw = ["crash", "loss"]
"""
APP = """
def setup(agent):
    soil = agent.sensor("soil")

    @agent.every(10_000)
    def sample():
        agent.publish("moisture", soil.read())
        agent.state["samples"] = agent.state.get("samples", 0) + 1
"""
DIFFERENT = APP + "        agent.report('in', PLACE)\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "field.toml").write_text(SCENARIO)
    return tmp_path


def run(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return cma_sim("run", *arguments, cwd=folder)


def test_a_scenario_with_faults_has_the_same_digest(folder: Path) -> None:
    ended = run(folder, "field.toml", "--in-micropython", "agent-03", "--seed", "4")
    assert ended.returncode == 0, ended.stderr
    assert "agent-03 in MicroPython: the same digest" in ended.stderr
    assert ended.stdout.splitlines()[-1].startswith("digest ")


def test_an_application_that_differs_is_found_with_what_replays_it(folder: Path) -> None:
    (folder / "app.py").write_text("import sys\nPLACE = sys.implementation.name\n" + DIFFERENT)
    ended = run(folder, "app.py", "--in-micropython", "agent-02", "--minutes", "1")
    assert ended.returncode == ExitCode.SOME_FAILED
    assert "with agent-02 in MicroPython the digest is" in ended.stderr
    assert "--in-micropython agent-02" in ended.stderr.splitlines()[-1]


def test_an_agent_that_is_not_there_is_refused_before_the_run(folder: Path) -> None:
    ended = run(folder, "app.py", "--agents", "4", "--in-micropython", "agent-05")
    assert ended.returncode == ExitCode.USAGE and not ended.stdout
    assert "no such agent; they are called agent-01 to agent-04." in ended.stderr
