"""What several boards at work look like to a person, a log and a script."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import click
import pytest

from cma_toolkit.host_tools.cli import progress
from cma_toolkit.host_tools.errors import ExitCode
from cma_toolkit.host_tools.ports.workers import Event, Job, Outcome

JOBS = [
    Job("greenhouse-07", "/dev/ttyUSB0", "m", {}),
    Job("greenhouse-08", "/dev/ttyUSB1", "m", {}),
]
RUN = """
import sys
from cma_toolkit.host_tools.cli.progress import run_with_progress, print_summary, exit_code_of
from cma_toolkit.host_tools.ports.workers import Job
jobs = [Job("one", "/dev/a", "support.obedient_worker", {"progress": 3, "value": {"size": 4}}),
        Job("two", "/dev/b", "support.obedient_worker", {"code": 5})]
output = sys.argv[1]
outcomes = run_with_progress(jobs, "Trying", output)
print_summary(outcomes, [("bytes", "size")], output)
sys.exit(exit_code_of(outcomes))
"""


def run(output: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), **environment}
    return subprocess.run(
        [sys.executable, "-c", RUN, output], capture_output=True, text=True, env=env, check=False
    )


def outcomes(*codes: int) -> list[Outcome]:
    return [Outcome(Job(str(n), "", "", {}), code) for n, code in enumerate(codes)]


@pytest.mark.parametrize(
    ("codes", "code"),
    [((), 0), ((0, 0), 0), ((5,), 5), ((3, 3), 3), ((0, 5), 6), ((3, 5), 6), ((0, 0, 7), 6)],
)
def test_the_exit_code_of_several_boards(codes: tuple[int, ...], code: int) -> None:
    assert progress.exit_code_of(outcomes(*codes)) == code


def test_a_log_gets_a_line_per_event_and_a_table_at_the_end() -> None:
    done = run("table")
    assert done.returncode == ExitCode.SOME_FAILED
    errors = done.stderr.splitlines()
    assert errors[0] == "Trying: 2 boards"
    assert {"one: write", "one: half way", "two: write"} <= set(errors)
    assert any(line.startswith("one: PASS, ") for line in errors)
    assert "two: FAIL: the board is wet. Dry it." in errors
    heading, one, two = done.stdout.splitlines()
    assert heading.split() == ["board", "result", "took", "bytes"]
    assert one.split()[:2] == ["one", "PASS"] and one.split()[-1] == "4"
    assert two.split()[:2] == ["two", "FAIL"]


def test_a_script_gets_one_json_object_per_line() -> None:
    done = run("json")
    assert done.stderr == ""
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert {"event": "progress", "board": "one", "port": "/dev/a", "done": 3, "total": 3} in lines
    ends = {line["board"]: line["code"] for line in lines if line["event"] == "end"}
    assert ends == {"one": 0, "two": 5}
    assert lines[-1]["event"] == "summary"
    assert (lines[-1]["ok"], lines[-1]["failed"], lines[-1]["exit_code"]) == (1, 1, 6)


def test_a_terminal_gets_a_bar_per_board() -> None:
    master, slave = pty.openpty()
    env = {key: value for key, value in os.environ.items() if key != "CI"}
    env |= {"PYTHONPATH": str(Path(__file__).parents[1]), "TERM": "xterm", "COLUMNS": "100"}
    command = [sys.executable, "-c", RUN, "table"]
    with subprocess.Popen(command, stderr=slave, stdout=subprocess.DEVNULL, env=env) as process:
        os.close(slave)
        drawn = b""
        try:
            while chunk := os.read(master, 4096):
                drawn += chunk
        except OSError:
            pass  # Linux: the last writer closed the terminal
    os.close(master)
    assert process.returncode == ExitCode.SOME_FAILED
    assert drawn.count("\N{BOX DRAWINGS HEAVY HORIZONTAL}".encode()) > 20
    assert b"\x1b[" in drawn and b"FAIL" in drawn and b"PASS" in drawn


@pytest.mark.parametrize(
    ("environment", "output", "quiet", "style"),
    [
        ({}, "table", False, "plain"),
        ({}, "json", True, "json"),
        ({}, "table", True, "none"),
        ({"CMA_PROGRESS": "bar"}, "table", False, "bar"),
        ({"CMA_PROGRESS": "none", "CI": "1"}, "table", False, "none"),
    ],
)
def test_flags_come_before_the_environment(
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    output: progress.Output,
    quiet: bool,
    style: str,
) -> None:
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    assert progress.progress_style(output, quiet) == style


def test_a_wrong_style_in_the_environment_is_a_usage_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CMA_PROGRESS", "fancy")
    with pytest.raises(click.UsageError, match="fancy"):
        progress.progress_style("table", False)


def test_a_log_is_not_flooded_by_progress(capsys: pytest.CaptureFixture[str]) -> None:
    now_s = [0.0]
    with progress.LineView(JOBS, "Flashing", lambda: now_s[0]) as view:
        view.on_event(Event(JOBS[0], "step", {"name": "write"}))
        for done in range(1000):
            now_s[0] += 0.01
            view.on_event(Event(JOBS[0], "progress", {"done": done, "total": 1000}))
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["Flashing: 2 boards", "greenhouse-07: write"]
    assert len(lines) == 3
    assert "write 50 %" in lines[2]
