"""Every code block of the manuals does what the page says."""

import ast
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from manual.pages import Block, Command, Page, commands

from support.stock_board import make_stock
from support.virtual import VirtualBoards

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("*/README.md"), *ROOT.glob("docs/*.md")])

COMMAND_S = 120
PORT = re.compile(r"/dev/tty\w+")

# Typed in a clone of the project, where make and pytest would start this very test again.
PROVEN_ELSEWHERE = {
    "make demo": "tests/virtual/test_demo.py",
    "make test": "this run",
    ".venv/bin/pytest": "this run",
    "source .venv/bin/activate": "every command is found on PATH there",
    "pipx install": "tests/host/test_package.py",
}


def _page_id(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", PAGES, ids=_page_id)
def test_the_blocks_of_a_page_run(path: Path, page_shell: "Shell") -> None:
    page = Page.from_file(path)
    page_shell.plug_in_all(page)
    for block in page.blocks:
        _run_block(block, page_shell)


def test_the_manuals_hold_commands_to_run() -> None:
    typed = [
        command.text
        for path in PAGES
        for block in Page.from_file(path).blocks
        if block.language == "console"
        for command in commands(block)
    ]
    assert len(typed) > len(PROVEN_ELSEWHERE)


class Shell:
    """Type a page's commands into one folder, with a virtual board behind each serial port."""

    def __init__(self, folder: Path, boards: VirtualBoards, cache: Path) -> None:
        self.folder = folder
        self._boards = boards
        self._ports: dict[str, str] = {}
        self._environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            # What is made once per version is made by the first page, not by each.
            "CMA_CACHE": str(cache),
            "CMA_VIRTUAL_HOME": str(boards.home),
            "COLUMNS": "120",
        }

    def type(self, command: Command) -> None:
        """Run one line; `cd` lasts for the rest of the page."""
        where = self.folder / ".where"
        line = self._with_virtual_ports(command.text)
        script = f"{line}\nstatus=$?; pwd > '{where}'; exit $status"
        cwd = where.read_text().strip() if where.exists() else self.folder
        process = subprocess.Popen(
            ["bash", "-c", script],
            cwd=cwd,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        output = ""
        if command.interrupted:
            assert process.stdout
            output = process.stdout.readline()
            assert output, f"line {command.line}: {line} says nothing"
            os.killpg(process.pid, signal.SIGINT)
        output += process.communicate(timeout=COMMAND_S)[0]
        code = process.returncode
        expected = {0, 130} if command.interrupted else {command.exit_code}
        assert code in expected, f"line {command.line}: {line} → {code}:\n{output}"

    def plug_in_all(self, page: Page) -> None:
        """Plug a board into every serial port that the page names."""
        for block in page.blocks:
            for command in commands(block) if block.language == "console" else ():
                for port in PORT.findall(command.text):
                    if port not in self._ports:
                        adopted = command.text.startswith("cma adopt")
                        self._ports[port] = self._plug_in(adopted=adopted)

    def _with_virtual_ports(self, text: str) -> str:
        return PORT.sub(lambda port: self._ports[port[0]], text)

    def _plug_in(self, *, adopted: bool) -> str:
        """Give a blank board, or, where the page adopts it, one with somebody's program."""
        if not adopted:
            return self._boards.make(flashed=False).fast
        name = f"old-{len(self._ports)}"
        make_stock(self._boards, name)
        self._boards.client.wait_for(name, "prompt", 20.0, since=0)
        return f"virtual://{name}"


@pytest.fixture
def page_shell(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, virtual_boards: VirtualBoards
) -> Iterator[Shell]:
    yield Shell(tmp_path, virtual_boards, tmp_path_factory.getbasetemp() / "cache-of-cma")
    shutil.rmtree(tmp_path, ignore_errors=True)


def _run_block(block: Block, shell: Shell) -> None:
    if block.file:
        (shell.folder / block.file).write_text(block.text)
    if block.language == "python":
        ast.parse(block.text)
    elif block.language == "toml":
        tomllib.loads(block.text)
    elif block.language == "console":
        for command in commands(block):
            if not command.text.startswith(tuple(PROVEN_ELSEWHERE)):
                shell.type(command)
