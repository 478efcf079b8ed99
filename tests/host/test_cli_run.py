"""`cma run`: an application on a board in seconds, again at every save, nothing flashed."""

import json
from pathlib import Path

import pytest

from cma_toolkit.host_tools.errors import ExitCode
from cma_toolkit.sim.virtual_board.supervisor.home import HOME_VARIABLE
from cma_toolkit.sim.virtual_board.supervisor.registry import read_registry
from support.flashed_board import make_flashed
from support.project import RunningCommand, write_app
from support.stock_board import cma, make_stock
from support.tools import mpremote
from support.virtual import VirtualBoards


@pytest.fixture(autouse=True)
def environment(shared_boards: VirtualBoards, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(shared_boards.home))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write a project: an application and a driver."""
    write_app(tmp_path, 1)
    (tmp_path / "drivers" / "__pycache__").mkdir(parents=True)
    (tmp_path / "drivers" / "soil.py").write_text("def make(board):\n    return None\n")
    (tmp_path / "drivers" / "__pycache__" / "soil.pyc").write_bytes(b"not for a board")
    return tmp_path


def test_each_save_runs_and_an_error_keeps_what_ran(
    shared_boards: VirtualBoards, folder: Path
) -> None:
    make_flashed(shared_boards, "watched")
    writes = shared_boards.client.info("watched").boot_count
    with RunningCommand(
        "run", "-p", "watched", "--watch", folder=folder, home=shared_boards.home
    ) as run:
        run.wait_for("version 1 starts")
        write_app(folder, 2)
        line = run.wait_for("app.py saved: running in")
        run.wait_for("version 2 starts")
        seconds = float(line.split("running in ")[1].split()[0])
        assert seconds <= 3
        (folder / "app.py").write_text("total = = 1\n")
        assert "app.py:1: SyntaxError" in run.wait_for("not started")
        write_app(folder, 3)
        run.wait_for("version 3 starts")
        assert run.press_ctrl_c() == 0
    assert shared_boards.client.info("watched").boot_count == writes  # never reset, only softly
    assert "version 3" in mpremote(
        shared_boards.client.info("watched").pty, "resume", "fs", "cat", ":/user/app.py"
    )


def test_only_what_differs_is_copied(shared_boards: VirtualBoards, folder: Path) -> None:
    make_flashed(shared_boards, "copied")
    command = ("run", "-p", "copied", "-v", "--seconds", "1")
    first = cma(*command, folder=folder)
    assert first.returncode == 0, first.stderr
    assert "wrote /user/app.py" in first.stderr and "wrote /user/drivers/soil.py" in first.stderr
    assert "pyc" not in first.stderr
    second = cma(*command, folder=folder)
    assert second.returncode == 0
    assert "wrote" not in second.stderr
    assert "version 1 starts" in second.stdout


def test_ampy_copies_too(shared_boards: VirtualBoards, folder: Path) -> None:
    make_flashed(shared_boards, "by-ampy")
    done = cma("run", "-p", "by-ampy", "--via", "ampy", "--seconds", "1", folder=folder)
    assert done.returncode == 0, done.stderr
    assert "version 1 starts" in done.stdout


def test_a_board_that_was_never_flashed_is_refused(
    shared_boards: VirtualBoards, folder: Path
) -> None:
    make_stock(shared_boards, "foreign")
    done = cma("run", "-p", "foreign", folder=folder)
    assert done.returncode == ExitCode.REFUSED
    assert "cma flash" in done.stderr and "cma adopt" in done.stderr


def test_nothing_is_touched_if_the_application_does_not_compile(folder: Path) -> None:
    (folder / "drivers" / "soil.py").write_text("match x:\n    case 1: pass\n")
    done = cma("run", "-p", "/dev/ttyUSB77", folder=folder)
    assert done.returncode == ExitCode.USAGE
    assert "soil.py:1: SyntaxError" in done.stderr


def test_without_an_application_the_way_to_one_is_told(tmp_path: Path) -> None:
    done = cma("run", folder=tmp_path)
    assert done.returncode == ExitCode.USAGE
    assert "cma new" in done.stderr


def test_virtual_boards_run_it_together_and_are_unplugged_again(
    virtual_home: Path, folder: Path
) -> None:
    done = cma("run", "--virtual", "2", "--seconds", "6", "-o", "json", folder=folder)
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    met = {line["port"] for line in told if line.get("neighbours")}
    assert met == {"virtual://run-01", "virtual://run-02"}
    assert {board.state for board in read_registry(virtual_home)} == {"off"}


@pytest.mark.parametrize("verb", ["run", "monitor", "identify"])
def test_a_port_that_is_not_there_is_exit_code_3(folder: Path, verb: str) -> None:
    done = cma(verb, "-p", "/dev/ttyUSB77", folder=folder)
    assert done.returncode == ExitCode.NO_DEVICE
    assert done.stderr.startswith("cma: No such port: /dev/ttyUSB77. Plug the board in")


def test_a_board_that_does_not_answer_says_why(shared_boards: VirtualBoards, folder: Path) -> None:
    shared_boards.make(flashed=False, name="blank")
    done = cma("run", "-p", "blank", "--timeout", "2", folder=folder)
    assert done.returncode == ExitCode.REFUSED
    assert "flash is blank" in done.stderr and "Run cma flash." in done.stderr


def test_virtual_boards_are_not_watched(folder: Path) -> None:
    done = cma("run", "--virtual", "2", "--watch", folder=folder)
    assert done.returncode == ExitCode.USAGE
