"""`cma virtual` as a person types it: what it prints, what it refuses, its exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.terminal import Terminal
from support.virtual import VirtualBoards

CMA = [sys.executable, "-m", "cma_toolkit.host_tools.cli.main", "virtual"]


def cma(*arguments: str, code: int = 0, folder: Path | None = None) -> str:
    done = subprocess.run(
        [*CMA, *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        cwd=folder,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, f"{arguments}: exit {done.returncode}\n{done.stderr}"
    return done.stdout if code == 0 else done.stderr


def test_a_board_is_created_listed_stopped_started_and_removed(virtual_home: Path) -> None:
    line = cma("create", "desk", "--board", "esp32-c3-devkitm-1").split()
    assert line[:3] == ["desk", "esp32c3", "boot-loop"]
    assert line[3].startswith("rfc2217://127.0.0.1:")
    assert line[4:] == [cma("path", "desk", "--pty").strip(), "virtual://desk"]
    assert cma("list").split() == line
    cma("stop", "desk")
    assert cma("list").split() == ["desk", "esp32c3", "off", "-", "-", "virtual://desk"]
    assert "cma virtual start desk" in cma("path", "desk", code=3)
    cma("start", "desk")
    assert cma("list").split()[:4] == line[:4]
    cma("stop", "--all")
    assert cma("list").split()[2] == "off"
    cma("remove", "desk")
    assert cma("list", "-o", "json") == ""
    assert not (virtual_home / "desk").exists()


def test_several_are_created_at_once_and_told_as_json(virtual_home: Path) -> None:
    cma("create", "farm", "--count", "3")
    boards = [json.loads(line) for line in cma("list", "-o", "json").splitlines()]
    assert [board["name"] for board in boards] == ["farm-01", "farm-02", "farm-03"]
    assert len({board["mac"] for board in boards}) == 3
    assert "--yes" in cma("remove", "--all", code=8)
    cma("remove", "--all", "--yes")
    assert cma("list", "-o", "json") == ""


def test_power_button_and_battery_show_in_the_list(
    virtual_boards: VirtualBoards,
) -> None:
    virtual_boards.make(name="desk", flashed=False)

    def state() -> str:
        return str(json.loads(cma("list", "-o", "json"))["state"])

    cma("download-mode", "desk")
    assert state() == "rom"
    cma("reset", "desk")
    assert state() == "boot-loop"
    cma("cut-power", "desk")
    assert state() == "no-power"
    cma("reset", "desk")
    assert state() == "no-power"
    cma("restore-power", "desk")
    assert state() == "boot-loop"
    cma("battery", "desk", "3300")
    assert json.loads(cma("list", "-o", "json"))["battery_mv"] == 3300
    cma("range", "desk", "--at", "1", "2", "--reach", "30", "--loss", "50", "--peer", "desk")
    settings = json.loads((virtual_boards.home / "desk" / "board.json").read_text())
    assert (settings["position_m"], settings["range_m"]) == ([1, 2], 30)
    assert settings["loss_permille"] == 50 and len(settings["peers"]) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["create", "Bad Name"], 2, "small letters"),
        (["create", "x", "--board", "nothing"], 2, "No board is called"),
        (["create", "x", "--count", "2", "--mac", "a4:cf:12:00:00:04"], 2, "leave out"),
        (["reset", "nobody"], 3, "cma virtual create"),
        (["start"], 2, "Which board"),
        (["start", "x", "--all"], 2, "leave out the names"),
        (["path", "nobody"], 3, "cma virtual list"),
        (["cut-power", "x", "--torn-bytes", "3"], 2, "--after-writes"),
        (["battery", "x", "99999"], 2, "20000"),
        (["console", "nobody"], 3, "cma virtual start nobody"),
    ],
)
def test_a_wrong_command_is_refused_with_its_code(
    virtual_home: Path, arguments: list[str], code: int, words: str
) -> None:
    assert words in cma(*arguments, code=code)
    assert not list(virtual_home.glob("*/board.json"))


def test_every_command_shows_how_it_is_typed() -> None:
    from cma_toolkit.host_tools.cli.virtual import command

    for name, each in command.commands.items():
        help_text = subprocess.run(
            [*CMA, name, "--help"], capture_output=True, text=True, check=True
        ).stdout
        assert f"cma virtual {name}" in help_text.partition("Examples:")[2] or name == "path"
        assert each.help and each.help.rstrip().endswith(".")


def test_elsewhere_than_on_linux_one_sentence_says_so(tmp_path: Path) -> None:
    # The standard library is imported as Linux's; what is ours comes after the modules are gone.
    script = (
        "import asyncio, socket, subprocess, sys, tempfile, serial\n"
        "from cma_toolkit.host_tools.cli.main import main\n"
        "for name in ('termios', 'fcntl', 'pty', 'tty', 'resource'):\n"
        "    sys.modules[name] = None\n"
        "sys.platform = 'win32'\n"
        "del socket.AF_UNIX\n"
        "main(sys.argv[1:])\n"
    )

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", script, "virtual", *arguments]
        environment = {**os.environ, "CMA_VIRTUAL_HOME": str(tmp_path)}
        return subprocess.run(
            command, capture_output=True, text=True, check=False, env=environment
        )

    refused = run("create", "desk")
    assert refused.returncode == 4
    assert refused.stderr.count("\n") == 1 and "need Linux or WSL2" in refused.stderr
    shown = run("create", "--help")
    assert shown.returncode == 0 and "Examples:" in shown.stdout


def test_the_console_of_a_board_opens_in_a_terminal(virtual_boards: VirtualBoards) -> None:
    virtual_boards.make(name="desk")
    with Terminal("cma_toolkit.host_tools.cli.main", "virtual", "console", "desk") as terminal:
        terminal.expect("Ctrl-] leaves.")
        terminal.press("\r\r")
        terminal.expect(">>> ")
        terminal.press("print(6 * 7, 'from the board')\r")
        terminal.expect("42 from the board")
        terminal.press("\x1d")
        assert terminal.wait() == 0
