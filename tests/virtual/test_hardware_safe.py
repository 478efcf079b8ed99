"""What any board with MicroPython must do, virtual or real: `pytest --port /dev/ttyUSB0`.

Nothing here flashes, formats or leaves anything behind but a restarted program.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256

import pytest

from cma_toolkit.host_tools.ports.session import BoardSession
from support.virtual import VirtualBoards, home_of_boards

FILE = "/cma-hardware-test.bin"


@pytest.fixture(scope="module")
def board_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the port named by `--port`, else that of a virtual board."""
    port = request.config.getoption("--port")
    if port:
        yield port
        return
    with home_of_boards() as home:
        yield VirtualBoards(home).make().pty


def _mpremote(url: str, *words: str) -> str:
    command = [sys.executable, "-m", "mpremote", "connect", url, *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_mpremote_reaches_the_prompt(board_url: str) -> None:
    assert "esp32" in _mpremote(board_url, "exec", "import sys; print(sys.platform)")


def test_a_file_of_all_byte_values_survives_the_way_there_and_back(board_url: str) -> None:
    data = bytes(range(256)) * 8 + os.urandom(100)
    with BoardSession(board_url) as board:
        board.put(FILE, data)
        try:
            assert board.get(FILE) == data
            assert board.hash(FILE) == sha256(data).hexdigest()
        finally:
            board.remove(FILE)
        assert FILE.strip("/") not in board.list("/")


def test_a_board_tells_who_it_is(board_url: str) -> None:
    with BoardSession(board_url) as board:
        facts = board.run_script("probe")
    assert len(facts["mac"].replace(":", "")) == 12


def test_a_soft_reset_forgets_every_variable(board_url: str) -> None:
    ask = "print('kept' in globals())"
    said = _mpremote(
        board_url, "resume", "exec", "kept = 1", "exec", ask, "soft-reset", "resume", "exec", ask
    )
    assert [word for word in said.split() if word in {"True", "False"}] == ["True", "False"]
