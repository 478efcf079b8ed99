"""`cma identify`: the LED of the board that was named blinks, and its program runs on."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cma_toolkit.host_tools.errors import ExitCode
from cma_toolkit.host_tools.fleet.database import Database
from cma_toolkit.sim.virtual_board.supervisor.home import HOME_VARIABLE
from support.flashed_board import make_flashed
from support.stock_board import cma, make_stock
from support.virtual import VirtualBoards


@pytest.fixture(autouse=True)
def environment(shared_boards: VirtualBoards, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(shared_boards.home))


def test_the_led_blinks_and_the_program_runs_on(
    shared_boards: VirtualBoards, tmp_path: Path
) -> None:
    main = b"print('main starts')\nwhile True: pass\n"
    make_stock(shared_boards, "lamp", files={"main.py": main})
    events = shared_boards.client.info("lamp").event_count
    command = [sys.executable, "-m", "cma_toolkit.host_tools.cli.main", "identify", "lamp"]
    with subprocess.Popen(
        [*command, "--pin", "2", "--seconds", "2", "-o", "json"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        shared_boards.client.wait_for("lamp", "led", 20.0, since=events)
        out, _err = process.communicate(timeout=30)
    assert process.returncode == 0
    told = json.loads(out)
    assert told["pin"] == 2 and told["blinks"] >= 6
    assert not shared_boards.client.info("lamp").led
    assert shared_boards.console("lamp").count(b"soft reboot") == 1


def test_the_pin_comes_from_the_board_file(shared_boards: VirtualBoards, tmp_path: Path) -> None:
    make_flashed(shared_boards, "pixel", "esp32-c3-devkitm-1")
    done = cma("identify", "-p", "pixel", "--seconds", "0.5", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "GPIO 8 blinks" in done.stdout


def test_a_board_without_a_known_led_wants_a_pin(
    shared_boards: VirtualBoards, tmp_path: Path
) -> None:
    (tmp_path / "boards").mkdir()
    (tmp_path / "fleet.toml").write_text('name = "greenhouse"\n')
    ours = Path(__file__).parents[2] / "boards" / "esp32-c6-devkitc-1.toml"
    text = ours.read_text().replace("led = 8\n", "").replace('led_kind = "ws2812"\n', "")
    (tmp_path / "boards" / ours.name).write_text(text)
    make_flashed(shared_boards, "dark", "esp32-c6-devkitc-1")
    done = cma("identify", "-p", "dark", folder=tmp_path)
    assert done.returncode == ExitCode.REFUSED
    assert "--pin" in done.stderr


def test_a_name_nobody_has_is_told_with_the_list(
    shared_boards: VirtualBoards, tmp_path: Path
) -> None:
    shared_boards.make(name="other")
    done = cma("identify", "greenhouse-99", folder=tmp_path)
    assert done.returncode == ExitCode.NO_DEVICE
    assert "greenhouse-99" in done.stderr and "virtual://other" in done.stderr


def test_a_name_is_looked_up_in_the_fleet(shared_boards: VirtualBoards, tmp_path: Path) -> None:
    info = shared_boards.make(name="v-1")
    (tmp_path / "fleet.toml").write_text('name = "greenhouse"\n')
    with Database(tmp_path / ".cma" / "fleet.db") as database:
        database.saw(info.mac, port=info.fast)
        database.claim(info.mac, "greenhouse-07")
    done = cma(
        "identify",
        "greenhouse-07",
        "--pin",
        "2",
        "--seconds",
        "0.3",
        "-o",
        "json",
        folder=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["port"] == "virtual://v-1"


def test_one_board_is_named_once(tmp_path: Path) -> None:
    assert cma("identify", "", folder=tmp_path).returncode == ExitCode.USAGE
    assert cma("identify", "a", "-p", "u0", folder=tmp_path).returncode == ExitCode.USAGE
