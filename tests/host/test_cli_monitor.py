"""`cma monitor`: consoles as people read them, as scripts do, and as they came."""

import json
import re
from pathlib import Path

import pytest

from cma_toolkit.host_tools.errors import ExitCode
from cma_toolkit.sim.virtual_board.supervisor.home import HOME_VARIABLE
from support.project import RunningCommand
from support.stock_board import cma, make_stock
from support.virtual import VirtualBoards

STATUS = '{"kind": "status", "name": "g-7", "uptime_ms": 65000, "boots": 2, "neighbours": 1}'
TALKER = b"""
import time
n = 0
while True:
    n += 1
    print("plain", n)
    print("\\x1e" + '%s')
    time.sleep_ms(100)
""" % STATUS.encode()


@pytest.fixture(autouse=True)
def environment(shared_boards: VirtualBoards, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(shared_boards.home))


@pytest.fixture(scope="module", autouse=True)
def talkers(shared_boards: VirtualBoards) -> None:
    for name in ("talker-1", "talker-22"):
        make_stock(shared_boards, name, files={"main.py": TALKER})


def test_records_become_lines_and_text_passes(tmp_path: Path) -> None:
    done = cma("monitor", "-p", "talker-1", "--seconds", "1", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "[g-7] up 1 min 5 s, boot 2, 1 neighbours" in done.stdout
    assert re.search(r"^plain \d+$", done.stdout, re.MULTILINE)
    assert "\x1e" not in done.stdout


def test_several_boards_are_told_apart(tmp_path: Path) -> None:
    done = cma("monitor", "--all", "--seconds", "1", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^talker-1  \| plain \d+$", done.stdout, re.MULTILINE)
    assert re.search(r"^talker-22 \| \[g-7\] up", done.stdout, re.MULTILINE)


def test_a_script_gets_records_and_text_as_objects(tmp_path: Path) -> None:
    done = cma("monitor", "--all", "-o", "json", "--seconds", "1", folder=tmp_path)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert {line["port"] for line in told} == {"virtual://talker-1", "virtual://talker-22"}
    assert any(line.get("boots") == 2 for line in told)
    assert any(str(line.get("text", "")).startswith("plain ") for line in told)


def test_raw_is_every_byte(tmp_path: Path) -> None:
    done = cma("monitor", "-p", "talker-1", "--raw", "--seconds", "1", folder=tmp_path)
    assert "\x1e" + STATUS in done.stdout


def test_raw_is_for_one_board(tmp_path: Path) -> None:
    assert cma("monitor", "--all", "--raw", folder=tmp_path).returncode == ExitCode.USAGE


def test_ctrl_c_is_the_ordinary_end_and_the_board_runs_on(
    shared_boards: VirtualBoards, tmp_path: Path
) -> None:
    with RunningCommand(
        "monitor", "-p", "talker-1", folder=tmp_path, home=shared_boards.home
    ) as it:
        it.wait_for("plain")
        assert it.press_ctrl_c() == 0
    assert b"soft reboot" not in shared_boards.console("talker-1")


def test_a_second_cma_is_told_who_has_the_port(
    shared_boards: VirtualBoards, tmp_path: Path
) -> None:
    with RunningCommand(
        "monitor", "-p", "talker-1", folder=tmp_path, home=shared_boards.home
    ) as it:
        it.wait_for("plain")
        second = cma("monitor", "-p", "talker-1", "--seconds", "1", folder=tmp_path)
    assert second.returncode == ExitCode.NO_DEVICE
    assert "in use by cma monitor -p talker-1 (pid " in second.stderr


def test_a_board_that_is_unplugged_is_waited_for(
    shared_boards: VirtualBoards, tmp_path: Path
) -> None:
    make_stock(shared_boards, "loose", files={"main.py": TALKER})
    with RunningCommand("monitor", "-p", "loose", folder=tmp_path, home=shared_boards.home) as it:
        it.wait_for("plain")
        shared_boards.client.stop("loose")
        it.wait_for("went away")
        shared_boards.client.start("loose")
        it.wait_for("is back")
        it.wait_for("plain")


def test_two_boards_and_no_selector_are_listed(tmp_path: Path) -> None:
    done = cma("monitor", folder=tmp_path)
    assert done.returncode == ExitCode.NO_DEVICE
    assert "virtual://talker-1" in done.stderr and "virtual://talker-22" in done.stderr
    assert "--port" in done.stderr
