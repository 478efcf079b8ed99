"""`cma adopt` and `cma restore` as typed, on virtual boards with someone's files."""

import json
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from cma_toolkit.boards.load import load_board
from cma_toolkit.host_tools.cli.common import HANDLERS
from cma_toolkit.host_tools.image import littlefs
from cma_toolkit.host_tools.ports.serial_port import open_serial
from cma_toolkit.sim.virtual_board.supervisor.registry import BoardInfo
from support.stock_board import (
    OLD_FILES,
    cma,
    large_micropython,
    make_stock,
    start_cma,
    stock_flash,
)
from support.virtual import VirtualBoards

BACK = {
    "app.py": OLD_FILES["main.py"],
    "lib/greet.py": OLD_FILES["lib/greet.py"],
    "data/table.bin": OLD_FILES["data/table.bin"],
}


def flash_of(info: BoardInfo) -> bytes:
    return Path(info.image).read_bytes()


def user_files(info: BoardInfo) -> dict[str, bytes]:
    user = load_board(info.board_id).partition("user")
    files = littlefs.read(flash_of(info)[user.offset : user.end])
    return {path: data for path, data in files.items() if not path.startswith(".agent/")}


def backup_of(folder: Path, info: BoardInfo) -> Path:
    return folder / "backups" / f"{info.mac.replace(':', '')}.bin"


def test_the_dry_run_shows_the_plan_and_writes_nothing_anywhere(
    virtual_boards: VirtualBoards, tmp_path: Path
) -> None:
    board = make_stock(virtual_boards, "old")
    before = flash_of(board)
    done = cma("adopt", board.fast, "--dry-run", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "back up 4 MiB to" in done.stdout
    assert "new flash map: nvs 24 KiB" in done.stdout
    assert "3 files of yours (data/table.bin, lib/greet.py, main.py) come back" in done.stdout
    assert "old main.py becomes the application" in done.stdout
    done = cma("adopt", board.fast, folder=tmp_path)
    assert (done.returncode, "again with --yes" in done.stderr) == (8, True)
    assert flash_of(board) == before
    assert not (tmp_path / "backups").exists()


def test_adopt_then_restore_is_the_board_as_it_was(
    virtual_boards: VirtualBoards, tmp_path: Path
) -> None:
    board = make_stock(virtual_boards, "old")
    before = flash_of(board)
    done = cma("adopt", board.fast, "--yes", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert user_files(board) == BACK
    assert heard_after_reset(virtual_boards, board, b"old main says hello")
    backup = backup_of(tmp_path, board)
    assert sha256(backup.read_bytes()).hexdigest() in backup.with_suffix(".bin.sha256").read_text()
    again = cma("adopt", board.fast, "--yes", folder=tmp_path)
    assert (again.returncode, "nothing to adopt" in again.stdout) == (0, True)
    done = cma("restore", board.fast, str(backup), folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert backup.read_bytes() == before
    virtual_boards.client.stop(board.name)
    assert littlefs.read(flash_of(board)[0x200000:]) == OLD_FILES


def heard_after_reset(boards: VirtualBoards, board: BoardInfo, wanted: bytes) -> bool:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CMA_PORT_HANDLERS", HANDLERS)
        port = open_serial(board.fast, timeout_s=30.0)
    boards.client.press_reset(board.name)
    heard: bytes = port.read_until(wanted)
    port.close()
    return heard.endswith(wanted)


def adopt_until(board: BoardInfo, folder: Path, step: str) -> subprocess.Popen[str]:
    """Adopt until a long step has begun to move."""
    (folder / "large.bin").write_bytes(large_micropython(board.chip))
    words = ["--yes", "--micropython", "large.bin", "-o", "json"]
    running = start_cma("adopt", board.fast, *words, folder=folder)
    assert running.stdout
    now = ""
    for line in running.stdout:
        event = json.loads(line)
        now = event.get("name", now)
        if event["event"] == "progress" and now == step:
            return running
    raise AssertionError(step)


@pytest.mark.parametrize("step", ["back up", "write MicroPython"])
def test_an_adoption_that_was_cut_short_is_completed_from_its_backup(
    virtual_boards: VirtualBoards, tmp_path: Path, step: str
) -> None:
    board = make_stock(virtual_boards, "old")
    before = flash_of(board)
    with adopt_until(board, tmp_path, step) as running:
        virtual_boards.client.stop(board.name)
        assert running.wait(60) == 3
    virtual_boards.client.start(board.name)
    if step != "back up":
        done = cma("flash", "-p", board.fast, folder=tmp_path)
        assert (done.returncode, "cma adopt again" in done.stderr) == (8, True)
        away = ["--backup", str(tmp_path / "elsewhere")]
        done = cma("adopt", board.fast, "--yes", *away, folder=tmp_path)
        assert (done.returncode, "half adopted" in done.stderr) == (3, True)
    done = cma("adopt", board.fast, "--yes", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert user_files(board) == BACK
    assert [path.name for path in (tmp_path / "backups").glob("*.bin")] == [
        backup_of(tmp_path, board).name
    ]
    assert backup_of(tmp_path, board).read_bytes() == before


def test_a_restore_that_was_cut_short_is_completed_by_the_next_run(
    virtual_boards: VirtualBoards, tmp_path: Path
) -> None:
    board = make_stock(virtual_boards, "old", files={"boot.py": OLD_FILES["boot.py"]})
    backup = tmp_path / f"{board.mac.replace(':', '')}.bin"
    backup.write_bytes(stock_flash("esp32-devkitc", OLD_FILES))
    virtual_boards.client.cut_power(board.name, after_flash_writes=20, torn_bytes=7)
    assert cma("restore", board.fast, str(backup), folder=tmp_path).returncode == 3
    virtual_boards.client.restore_power(board.name)
    done = cma("flash", "-p", board.fast, folder=tmp_path)
    assert (done.returncode, "cma restore again" in done.stderr) == (8, True)
    done = cma("restore", board.fast, str(backup), folder=tmp_path)
    assert done.returncode == 0, done.stderr
    virtual_boards.client.stop(board.name)
    assert littlefs.read(flash_of(board)[0x200000:]) == OLD_FILES


def test_a_backup_that_is_not_this_boards_is_refused(
    virtual_boards: VirtualBoards, tmp_path: Path
) -> None:
    board = make_stock(virtual_boards, "old", files={})
    flash = stock_flash("esp32-devkitc", OLD_FILES)
    mine = f"{board.mac.replace(':', '')}.bin"
    cases = {
        "a4cf12ffffff.bin": (flash, 8, "The backup is of a4:cf:12:ff:ff:ff"),
        "some.bin": (flash, 8, "of an unknown board"),
        mine: (flash[: 2 << 20], 4, "this flash 4194304"),
        mine.replace(".bin", "-2.bin"): (stock_flash("esp32-c3-devkitm-1", {}), 4, "Wrong chip"),
    }
    before = flash_of(board)
    for name, (data, code, says) in cases.items():
        (tmp_path / name).write_bytes(data)
        done = cma("restore", board.fast, name, folder=tmp_path)
        assert (done.returncode, says in done.stderr) == (code, True), done.stderr
    (tmp_path / f"{mine}.sha256").write_text("0" * 64)
    done = cma("restore", board.fast, mine, folder=tmp_path)
    assert (done.returncode, "damaged" in done.stderr) == (5, True)
    assert cma("restore", board.fast, "absent.bin", folder=tmp_path).returncode == 2
    assert flash_of(board) == before
    done = cma("restore", board.fast, "some.bin", "--yes", folder=tmp_path)
    assert done.returncode == 0, done.stderr


def test_files_that_the_backup_does_not_hold_cost_a_yes(
    virtual_boards: VirtualBoards, tmp_path: Path
) -> None:
    board = make_stock(virtual_boards, "old", files={**OLD_FILES, "new.py": b"print('new')\n"})
    backup = tmp_path / f"{board.mac.replace(':', '')}.bin"
    backup.write_bytes(stock_flash("esp32-devkitc", OLD_FILES))
    done = cma("restore", board.fast, str(backup), folder=tmp_path)
    assert (done.returncode, "1 file of yours (new.py)" in done.stderr) == (8, True)


def test_a_fat_file_system_is_refused_before_anything_is_written(
    virtual_boards: VirtualBoards, tmp_path: Path
) -> None:
    board = make_stock(virtual_boards, "old", files={})
    virtual_boards.client.stop(board.name)
    with Path(board.image).open("r+b") as file:
        file.seek(0x200000)
        file.write((b"\xeb\xfe\x90MSDOS5.0".ljust(510, b"\0") + b"\x55\xaa").ljust(8192, b"\0"))
    virtual_boards.client.start(board.name)
    before = flash_of(board)
    done = cma("adopt", board.fast, "--yes", folder=tmp_path)
    assert (done.returncode, "FAT" in done.stderr) == (4, True)
    assert flash_of(board) == before
    assert cma("flash", "-p", board.fast, folder=tmp_path).returncode == 8
