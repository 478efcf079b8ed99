"""The first hour of a newcomer, typed line by line, as one test.

Every line that needs no real board; where a person plugs one in, a virtual board of the same kind
that already runs a program of its own is there instead.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.stock_board import OLD_FILES, make_stock
from support.virtual import VirtualBoards

Type = Callable[..., str]


@pytest.fixture
def type_line(tmp_path: Path, virtual_boards: VirtualBoards) -> Type:
    """Return a function that types one line in a folder and gives what it printed."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "CMA_VIRTUAL_HOME": str(virtual_boards.home),
    }

    def type_line(line: str, folder: Path = tmp_path, exits: int = 0) -> str:
        done = subprocess.run(
            line, shell=True, cwd=folder, env=environment, capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == exits, f"{line}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    return type_line


def test_the_first_hour(tmp_path: Path, type_line: Type, virtual_boards: VirtualBoards) -> None:
    # long: a story in order; every line stands on the ones before it
    assert "ok Python" in type_line("cma doctor")
    type_line("cma new greenhouse")
    project = tmp_path / "greenhouse"
    visible = sorted(path.name for path in project.iterdir() if path.name[0] != ".")
    assert visible == [
        "app.py", "boards", "drivers", "fleet.toml", "inventory.csv", "secrets.toml", "tests",
    ]  # fmt: skip
    assert " passed" in type_line("pytest -q", project)
    assert "digest" in type_line("cma sim app.py --agents 8", project)
    said = type_line("cma run --virtual 3 --seconds 8", project)
    assert "run-03" in said

    old_board = make_stock(virtual_boards, "old")
    virtual_boards.client.wait_for("old", "prompt", 20.0, since=0)
    assert "not managed" in type_line("cma devices", project)
    plan = type_line("cma adopt virtual://old --dry-run", project)
    assert "main.py" in plan
    assert not (project / "backups").exists(), "a dry run writes nothing"
    type_line("cma adopt virtual://old --yes", project)
    [backup] = (project / "backups").glob("*.bin")

    said = type_line("cma run -p virtual://old --seconds 3", project)
    assert "running in" in said
    type_line("cma provision -p virtual://old --assign", project)
    assert "nothing to change" in type_line("cma provision -p virtual://old", project)
    assert "greenhouse-01" in type_line("cma devices", project)
    type_line("cma identify greenhouse-01", project)

    type_line(f"cma restore virtual://old {backup} --yes", project)
    virtual_boards.client.wait_for("old", "prompt", 20.0, since=0)
    told = type_line(f"mpremote connect {old_board.pty} cat main.py", project)
    assert told.encode() == OLD_FILES["main.py"]


def test_the_station_names_labels_and_waits_for_the_next_board(
    tmp_path: Path, type_line: Type, virtual_boards: VirtualBoards
) -> None:
    type_line("cma new greenhouse")
    project = tmp_path / "greenhouse"
    virtual_boards.make("esp32-c3-devkitm-1", flashed=False, name="blank")
    station = subprocess.Popen(
        [sys.executable, "-m", "cma_toolkit.host_tools.cli.main", "provision", "--station"],
        cwd=project,
        env={**os.environ, "CMA_VIRTUAL_HOME": str(virtual_boards.home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert station.stdout
    said = ""
    for line in station.stdout:
        said += line
        if "PASS" in line:
            break
    station.send_signal(signal.SIGINT)
    said += station.communicate(timeout=30)[0]
    assert station.returncode == 130, said
    assert "[1/3] greenhouse-01 esp32c3 PASS" in said
    assert any((project / "labels").iterdir())
    devices = json.loads(type_line("cma devices -o json", project).splitlines()[0])
    assert "greenhouse-01" in json.dumps(devices)


def test_a_board_stays_what_it_was_flashed_as(
    tmp_path: Path, type_line: Type, virtual_boards: VirtualBoards
) -> None:
    type_line("cma new greenhouse")
    project = tmp_path / "greenhouse"
    virtual_boards.make("xiao-esp32c3", flashed=False, name="xiao")
    type_line("cma flash -p virtual://xiao --board xiao-esp32c3", project)
    type_line("cma provision -p virtual://xiao --assign", project)
    seen = virtual_boards.client.info("xiao")
    told = type_line("cma devices -o json", project)
    assert seen.board_id in told, "the inventory's line names no kind: what was flashed counts"
