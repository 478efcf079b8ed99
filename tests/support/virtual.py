"""Fixtures that give a test virtual boards: `from support.virtual import *` in a conftest.

`virtual_boards.make()` returns a plugged-in board with MicroPython on it; its supervisor and all
its processes end with the test.
"""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cma_toolkit.sim.virtual_board.supervisor.client import Client
from cma_toolkit.sim.virtual_board.supervisor.home import HOME_VARIABLE
from cma_toolkit.sim.virtual_board.supervisor.registry import BoardInfo

__all__ = [
    "VirtualBoards",
    "free_home",
    "home_of_boards",
    "shared_boards",
    "virtual_boards",
    "virtual_home",
]


class VirtualBoards:
    """Make boards in one home."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.client = Client(home)
        self._count = 0

    def make(
        self,
        board_id: str = "esp32-devkitc",
        flashed: bool = True,
        *,
        name: str | None = None,
        mac: str | None = None,
        prompt: bool = True,
    ) -> BoardInfo:
        """Create a board and plug it in.

        With `flashed` its flash holds MicroPython and our partition table, and with `prompt` it
        is returned once it has reached its prompt.
        """
        self._count += 1
        name = name or f"board-{self._count:02d}"
        content = "mapped" if flashed else "blank"
        info = self.client.create(name, board_id, mac=mac, content=content)
        if flashed and prompt:
            self.client.wait_for(name, "prompt", 30.0, since=0)
            info = self.client.info(name)
        return info

    def console(self, name: str) -> bytes:
        """Return what a board has printed so far."""
        return (self.home / name / "console.log").read_bytes()


def free_home() -> Path:
    """Make an empty home with a short path."""
    return Path(tempfile.mkdtemp(prefix="cma-"))


@contextlib.contextmanager
def home_of_boards() -> Iterator[Path]:
    """Give an empty home; nothing of it outlives the block."""
    home = free_home()
    try:
        yield home
    finally:
        Client(home).shutdown()
        shutil.rmtree(home)


@pytest.fixture
def virtual_home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give the test a home of its own, in the environment too."""
    with home_of_boards() as home:
        monkeypatch.setenv(HOME_VARIABLE, str(home))
        yield home


@pytest.fixture
def virtual_boards(virtual_home: Path) -> VirtualBoards:
    """Give the test a maker of virtual boards."""
    return VirtualBoards(virtual_home)


@pytest.fixture(scope="module")
def shared_boards() -> Iterator[VirtualBoards]:
    """Give a module one maker of virtual boards for all its tests, not in the environment."""
    with home_of_boards() as home:
        yield VirtualBoards(home)
