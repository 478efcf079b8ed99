"""`cma devices`: one line per board, whoever it belongs to; nobody is disturbed for long."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from cma_toolkit.host_tools.errors import ExitCode
from cma_toolkit.host_tools.fleet.database import Database
from cma_toolkit.host_tools.ports import session
from cma_toolkit.host_tools.ports.facts import chip_of, facts_of, version_text
from cma_toolkit.sim.virtual_board.supervisor.home import HOME_VARIABLE
from support.flashed_board import make_flashed
from support.stock_board import cma, make_stock
from support.tools import mpremote
from support.virtual import VirtualBoards

NAME_IT = (
    "import esp32; n = esp32.NVS('cma'); n.set_blob('name', b'greenhouse-07');"
    "n.set_blob('cluster', b'north'); n.set_blob('board', b'esp32-c3-devkitm-1'); n.commit()"
)


@pytest.fixture
def fleet(virtual_boards: VirtualBoards) -> VirtualBoards:
    """Plug in one board of each standing."""
    make_stock(virtual_boards, "stock")
    make_flashed(virtual_boards, "fresh", "esp32-c6-devkitc-1")
    named = make_flashed(virtual_boards, "named", "esp32-c3-devkitm-1")
    virtual_boards.make("esp32-s3-devkitc-1", flashed=False, name="empty")
    mpremote(named.pty, "exec", NAME_IT, "+", "soft-reset")
    return virtual_boards


def test_each_board_has_a_line_with_its_standing(fleet: VirtualBoards, tmp_path: Path) -> None:
    shown = cma("devices", folder=tmp_path)
    assert shown.returncode == 0, shown.stderr
    rows = {line.split()[0]: line.split("  ") for line in shown.stdout.splitlines()}
    cells = {url: [cell.strip() for cell in row if cell.strip()] for url, row in rows.items()}
    assert cells["virtual://stock"][1:] == [
        "esp32",
        "4 MB",
        "MicroPython 1.28",  # which was flashed, whatever runs behind it
        "4 files, not managed",
    ]
    assert cells["virtual://named"][1:3] == ["esp32c3", "4 MB"]
    assert cells["virtual://named"][-1] == "greenhouse-07, cluster north"
    assert cells["virtual://fresh"][-1] == "flashed, not provisioned"
    assert "run cma flash" in cells["virtual://empty"][-1]
    assert cells["virtual://empty"][1] == "esp32s3"


def test_a_board_is_ours_by_its_whole_flash_map_and_our_kernel() -> None:
    whole_map = ["nvs", "romfs", "state", "vfs", "user"]
    assert not _is_ours(["nvs", "state", "user"], kernel=True)
    assert not _is_ours(whole_map, kernel=False)
    assert _is_ours(whole_map, kernel=True)


def _is_ours(labels: list[str], *, kernel: bool) -> bool:
    """Ask both scripts that ask a board, which must agree."""
    partition = type("Partition", (), {"TYPE_DATA": 1, "find": lambda _type: entries})
    entries = [type("Entry", (), {"info": lambda _, label=name: (0,) * 4 + (label,)})()
               for name in labels]  # fmt: skip
    told = set()
    present = {"/rom/kernel"} if kernel else set()

    def stat(path: str) -> None:
        if path not in present:
            raise OSError(2)

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "esp32", type("Module", (), {"Partition": partition}))
        for script in ("probe", "provision"):
            names: dict[str, Any] = {}
            exec(compile(session._script(script), script, "exec"), names)
            patch.setitem(names, "os", type("Module", (), {"stat": staticmethod(stat)}))
            told.add(names["is_ours"]())
    (answer,) = told
    return bool(answer)


def test_a_script_gets_an_object_per_board(fleet: VirtualBoards, tmp_path: Path) -> None:
    shown = cma("devices", "-o", "json", "-p", "named", "-p", "empty", folder=tmp_path)
    assert shown.returncode == 0, shown.stderr
    named, empty = (json.loads(line) for line in shown.stdout.splitlines())
    assert (named["name"], named["board"], named["managed"]) == (
        "greenhouse-07",
        "esp32-c3-devkitm-1",
        True,
    )
    assert named["mac"] == fleet.client.info("named").mac
    assert not empty["answers"] and empty["trouble"]


def test_a_running_program_runs_again_and_the_fleet_remembers_the_port(
    virtual_boards: VirtualBoards, tmp_path: Path
) -> None:
    busy = b"print('main starts')\nwhile True: pass\n"
    info = make_stock(virtual_boards, "busy", files={"main.py": busy})
    (tmp_path / "fleet.toml").write_text('name = "greenhouse"\n')
    Database(tmp_path / ".cma" / "fleet.db").close()
    assert cma("devices", folder=tmp_path).returncode == 0
    assert virtual_boards.console("busy").count(b"soft reboot") == 1
    with Database(tmp_path / ".cma" / "fleet.db") as database:
        known = database.by_mac(info.mac)
    assert known and (known.port, known.chip) == ("virtual://busy", "esp32")


def test_a_sleeping_board_is_waited_for_when_asked(
    virtual_boards: VirtualBoards, tmp_path: Path
) -> None:
    main = b"import machine, time\ntime.sleep_ms(300)\nmachine.deepsleep(2500)\n"
    make_stock(virtual_boards, "sleepy", files={"main.py": main})
    virtual_boards.client.wait_for("sleepy", "asleep", 10.0)
    assert cma("devices", folder=tmp_path).stdout.split()[-1] == "asleep"
    virtual_boards.client.wait_for("sleepy", "asleep", 10.0)
    waited = cma("devices", "--wait", "20", folder=tmp_path)
    assert waited.returncode == 0, waited.stderr
    assert "1 file, not managed" in waited.stdout


def test_no_board_at_all_is_exit_code_3(
    virtual_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(virtual_home))
    shown = cma("devices", folder=tmp_path)
    assert shown.returncode == ExitCode.NO_DEVICE
    assert "data cable" in shown.stderr and shown.stdout == ""


@pytest.mark.parametrize(
    ("machine", "chip"),
    [
        ("Generic ESP32 module with ESP32", "esp32"),
        ("Generic ESP32S3 module with Octal-SPIRAM with ESP32S3", "esp32s3"),
        ("LOLIN_C3_MINI with ESP32-C3FH4", "esp32c3"),
        ("M5STACK AtomS3 Lite with ESP32S3", "esp32s3"),
        ("Raspberry Pi Pico W with RP2040", ""),
    ],
)
def test_the_chip_is_read_from_what_micropython_calls_the_machine(machine: str, chip: str) -> None:
    assert chip_of(machine) == chip


def test_versions_read_as_micropython_writes_them() -> None:
    assert version_text([1, 28, 0]) == "1.28"
    assert version_text([1, 28, 2]) == "1.28.2"


def test_facts_survive_a_board_that_can_tell_little() -> None:
    facts = facts_of(
        {
            "platform": "rp2",
            "machine": None,
            "version": [1, 20, 0],
            "mac": None,
            "partitions": [
                ["factory", 0, 0, 0x10000, 0x1F0000],
                ["vfs", 1, 129, 0x200000, 0x1F0000],
            ],
            "flash_bytes": None,
            "files": 1,
            "files_complete": False,
            "nvs": None,
        }
    )
    assert facts.words() == ["?", "4 MB", "MicroPython 1.20", "over 1 file, not managed"]
