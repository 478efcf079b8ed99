"""The real mpremote, as a program, on a virtual board: every verb, over RFC 2217 and over a pty.

Commands are chained with `+` where one connection serves several, as people do.
"""

import hashlib
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from cma_toolkit.sim.virtual_board.supervisor.registry import BoardInfo
from support.terminal import Terminal
from support.tools import mpremote
from support.virtual import VirtualBoards

EVERY_BYTE = bytes(range(256)) * 8


@dataclass
class Desk:
    """One board, one way to it, and a folder on this side."""

    boards: VirtualBoards
    board: BoardInfo
    port: str
    folder: Path

    def run(self, *arguments: str | Path, code: int = 0) -> str:
        return mpremote(self.port, *arguments, code=code, folder=self.folder)

    def file(self, name: str, content: bytes | str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path


@pytest.fixture(scope="module", params=["rfc2217", "pty"])
def wired(request: pytest.FixtureRequest, shared_boards: VirtualBoards) -> tuple[BoardInfo, str]:
    board = shared_boards.make(name=f"matrix-{request.param}")
    return board, board.url if request.param == "rfc2217" else board.pty


@pytest.fixture
def desk(wired: tuple[BoardInfo, str], shared_boards: VirtualBoards, tmp_path: Path) -> Desk:
    board, port = wired
    return Desk(shared_boards, board, port, tmp_path)


def test_code_is_executed_evaluated_and_run(desk: Desk) -> None:
    script = desk.file("script.py", "print('from a file', 6 * 7)\n")
    said = desk.run(
        "exec", "x = 40", "+", "eval", "x + 2", "+", "run", script, "+", "exec", "print('end')"
    )
    assert said.split("\n") == ["42", "from a file 42", "end", ""]


def test_forty_kilobytes_of_code_arrive_whole(desk: Desk) -> None:
    lines = [f"total += {index} # {'.' * 30}" for index in range(1000)]
    script = desk.file("long.py", "\n".join(["total = 0", *lines, "print(total)"]))
    assert script.stat().st_size > 40_000
    assert desk.run("run", script) == f"{sum(range(1000))}\n"


def test_an_exception_on_the_board_is_exit_code_one(desk: Desk) -> None:
    assert "ZeroDivisionError" in desk.run("exec", "1/0", code=1)


def test_files_cross_both_ways_with_equal_hashes(desk: Desk) -> None:
    content = os.urandom(20_000) + EVERY_BYTE
    desk.file("there.bin", content)
    said = desk.run(
        "cp", "there.bin", ":back.bin", "+", "fs", "sha256sum", ":back.bin",
        "+", "cp", ":back.bin", "back.bin", "+", "cp", "there.bin", ":back.bin",
        "+", "fs", "rm", ":back.bin",
    )  # fmt: skip
    assert hashlib.sha256(content).hexdigest() in said
    assert (desk.folder / "back.bin").read_bytes() == content
    assert "Up to date" in said  # the second copy had nothing to do


def test_folders_are_made_listed_copied_and_removed(desk: Desk) -> None:
    desk.file("tree/a.txt", "alpha\n")
    desk.file("tree/deep/b.txt", "beta\n")
    said = desk.run(
        "fs", "mkdir", ":made", "+", "fs", "touch", ":made/empty", "+", "fs", "ls", ":made",
        "+", "cp", "-r", "tree", ":", "+", "fs", "cat", ":tree/deep/b.txt",
        "+", "fs", "tree", ":tree", "+", "cp", "-r", ":tree", "copy",
        "+", "fs", "rm", ":made/empty", "+", "fs", "rmdir", ":made",
        "+", "fs", "rm", "-r", ":tree", "+", "fs", "ls", ":",
    )  # fmt: skip
    assert "0 empty" in said and "beta\n" in said
    assert re.search(r"tree.*a\.txt.*deep.*b\.txt", said, re.DOTALL)
    assert (desk.folder / "copy" / "deep" / "b.txt").read_text() == "beta\n"
    assert "made" not in said.rpartition("ls :")[2] and "tree/" not in said.rpartition("ls :")[2]


def test_a_file_is_edited_in_place(desk: Desk) -> None:
    desk.file("note.txt", "before\n")
    said = desk.run(
        "cp",
        "note.txt",
        ":",
        "+",
        "edit",
        ":note.txt",
        "+",
        "cat",
        ":note.txt",
        "+",
        "rm",
        ":note.txt",
    )
    assert "\nafter\n" in said, said


def test_space_clock_and_sleep(desk: Desk) -> None:
    said = desk.run("df", "+", "rtc", "--set", "+", "rtc", "+", "sleep", "0.05")
    assert re.search(r"^.*\s65536\s.*/\s*$", said, re.MULTILINE), said
    assert f"({time.localtime().tm_year}, " in said


def test_a_mounted_folder_serves_modules_and_every_byte_value(desk: Desk) -> None:
    desk.file("every.bin", EVERY_BYTE)
    desk.file("helper.py", "def total():\n    return sum(open('every.bin', 'rb').read())\n")
    said = desk.run(
        "mount", ".", "exec", "import helper; print(helper.total())",
        "+", "exec", "open('written.bin', 'wb').write(bytes(range(256)))",
        "+", "umount", "+", "exec", "import os; print('remote' in os.listdir('/'))",
    )  # fmt: skip
    assert f"{sum(EVERY_BYTE)}\n" in said and said.endswith("False\n")
    assert (desk.folder / "written.bin").read_bytes() == bytes(range(256))


def test_a_local_package_is_installed(desk: Desk) -> None:
    desk.file("package/greet.py", "def hello():\n    return 'hello from mip'\n")
    desk.file("package/package.json", '{"urls": [["greet.py", "greet.py"]], "version": "1"}')
    said = desk.run("mip", "install", "--no-mpy", "package/package.json")
    assert "Done" in said
    said = desk.run("exec", "import greet; print(greet.hello())", "+", "fs", "rm", "-r", ":lib")
    assert "hello from mip" in said


def test_a_romfs_is_built_deployed_and_imported(desk: Desk) -> None:
    desk.file("rom/in_rom.py", "ANSWER = 'executed in place'\n")
    said = desk.run("romfs", "query", "+", "romfs", "build", "rom", "+", "romfs", "deploy", "rom")
    assert "ROMFS0 partition has size 524288 bytes" in said and "deployed" in said
    assert "Raw contents: d2:cd:31" in desk.run("romfs", "query")
    assert desk.run("exec", "import in_rom; print(in_rom.ANSWER)") == "executed in place\n"


def test_a_soft_reset_forgets_and_resume_does_not(desk: Desk) -> None:
    assert desk.run("exec", "kept = 1", "+", "resume", "exec", "print(kept)") == "1\n"
    assert desk.run("resume", "eval", "kept") == "1\n"
    assert desk.run("soft-reset", "+", "exec", "print('kept' in globals())") == "False\n"
    said = desk.run("disconnect", "+", "connect", desk.port, "exec", "print('again')")
    assert said == "again\n"


def test_ctrl_c_ends_a_busy_loop_at_the_prompt(shared_boards: VirtualBoards) -> None:
    # mpremote 1.29 opens its prompt on ports with a descriptor only: not over RFC 2217.
    board = shared_boards.make()
    with Terminal("mpremote", "connect", board.pty, "repl") as terminal:
        terminal.expect("Use Ctrl-]")
        terminal.press("\r")
        terminal.expect(">>> ")
        terminal.press("while True: pass\r\r")
        terminal.expect("... ")
        terminal.press("\x03")
        terminal.expect("KeyboardInterrupt")
        terminal.press("print('still', 'here')\r")
        terminal.expect("still here")
        terminal.press("\x1d")
        assert terminal.wait() == 0


def test_connecting_interrupts_what_was_left_running(desk: Desk) -> None:
    desk.run("exec", "--no-follow", "while True: pass")
    assert desk.run("exec", "print('interrupted')") == "interrupted\n"


def until_rebooted(desk: Desk, act: Callable[[], object], event: str) -> None:
    client = desk.boards.client
    since = client.info(desk.board.name).event_count
    act()
    # A soft reset shows a prompt, too; only a hard one is a boot.
    boot = client.wait_for(desk.board.name, "boot", 20, since=since)
    client.wait_for(desk.board.name, event, 20, since=boot["number"])


def test_a_reset_boots_the_board_again(desk: Desk) -> None:
    until_rebooted(desk, lambda: desk.run("reset"), "prompt")
    code = "import machine; print(machine.reset_cause())"
    # Without `resume` mpremote makes a soft reset first, which has a cause of its own.
    assert desk.run("resume", "exec", code) == "2\n"
    assert desk.run("exec", code) == "5\n"


def test_bootloader_enters_the_rom_loader(desk: Desk) -> None:
    until_rebooted(desk, lambda: desk.run("bootloader"), "rom")
    until_rebooted(desk, lambda: desk.boards.client.press_reset(desk.board.name), "prompt")
