"""The real ampy and esptool, as programs, on a virtual board's pty."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cma_toolkit.sim.virtual_board.supervisor.registry import BoardInfo
from support.tools import ampy, esptool, mpremote
from support.virtual import VirtualBoards


@pytest.fixture(scope="module")
def board(shared_boards: VirtualBoards) -> BoardInfo:
    return shared_boards.make(name="ampy")


@pytest.fixture
def emptied(board: BoardInfo) -> Iterator[BoardInfo]:
    yield board
    script = "import os; [os.remove(n) for n in os.listdir('/') if n.startswith('t_')]"
    mpremote(board.pty, "exec", script)


def test_files_are_put_listed_got_and_removed(emptied: BoardInfo, tmp_path: Path) -> None:
    pty = emptied.pty
    text = "".join(f"line {index} of a file\n" for index in range(100))
    (tmp_path / "t_file.txt").write_text(text)
    ampy(pty, "put", "t_file.txt", folder=tmp_path)
    assert re.search(rf"/t_file.txt - {len(text)} bytes", ampy(pty, "ls", "-l"))
    ampy(pty, "get", "t_file.txt", "back.txt", folder=tmp_path)
    assert (tmp_path / "back.txt").read_text() == text
    ampy(pty, "rm", "t_file.txt")
    assert "/t_file.txt" not in ampy(pty, "ls")
    assert "No such file" in ampy(pty, "get", "t_file.txt", code=1)


def test_twenty_kilobytes_are_got_by_a_reader_that_is_slow(emptied: BoardInfo) -> None:
    line = "0123456789 abcdefghij\n"
    script = f"f = open('t_long.txt', 'w'); [f.write({line!r}) for _ in range(1000)]; f.close()"
    mpremote(emptied.pty, "exec", script)
    assert ampy(emptied.pty, "get", "t_long.txt") == line * 1000 + "\n"


def test_every_byte_value_survives_put(emptied: BoardInfo, tmp_path: Path) -> None:
    (tmp_path / "t_every.bin").write_bytes(bytes(range(256)) * 4)
    ampy(emptied.pty, "put", "t_every.bin", folder=tmp_path)
    script = "print(open('t_every.bin', 'rb').read() == bytes(range(256)) * 4)"
    assert mpremote(emptied.pty, "exec", script) == "True\n"


def test_folders_are_made_and_removed(emptied: BoardInfo, tmp_path: Path) -> None:
    pty = emptied.pty
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "leaf.py").write_text("LEAF = 1\n")
    ampy(pty, "mkdir", "made")
    ampy(pty, "put", "tree", "made/tree", folder=tmp_path)
    assert ampy(pty, "ls", "made/tree") == "/made/tree/leaf.py\n"
    ampy(pty, "rmdir", "made")
    assert "/made" not in ampy(pty, "ls").split("\n")


def test_a_script_is_run_and_a_reset_forgets_it(emptied: BoardInfo, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text("print('run by ampy', 6 * 7)\n")
    assert "run by ampy 42" in ampy(emptied.pty, "run", "script.py", folder=tmp_path)
    ampy(emptied.pty, "reset")
    assert "/boot.py" in ampy(emptied.pty, "ls")


def test_a_hard_reset_boots_the_board(
    emptied: BoardInfo, shared_boards: VirtualBoards, tmp_path: Path
) -> None:
    since = shared_boards.client.info("ampy").event_count
    ampy(emptied.pty, "reset", "--hard")
    boot = shared_boards.client.wait_for("ampy", "boot", since=since)
    shared_boards.client.wait_for("ampy", "prompt", since=boot["number"])


def test_esptool_flashes_over_a_pty_after_a_reset_by_control(
    shared_boards: VirtualBoards, tmp_path: Path
) -> None:
    board = shared_boards.make("esp32-c3-devkitm-1", flashed=False, name="c3")
    (tmp_path / "image.bin").write_bytes(bytes(range(256)) * 32)
    quiet = ("--chip", "esp32c3", "--before", "no-reset", "--after", "no-reset")
    shared_boards.client.enter_download("c3")
    said = esptool(board.pty, *quiet, "write-flash", "0x200000", "image.bin", folder=tmp_path)
    assert "Hash of data verified." in said
    esptool(board.pty, *quiet, "read-flash", "0x200000", "8192", "back.bin", folder=tmp_path)
    assert (tmp_path / "back.bin").read_bytes() == (tmp_path / "image.bin").read_bytes()
    assert Path(board.image).read_bytes()[0x200000:0x202000] == bytes(range(256)) * 32
    assert shared_boards.client.press_reset("c3").state == "boot-loop"
