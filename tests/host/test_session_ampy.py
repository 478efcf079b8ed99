"""`--via ampy`: the same files, moved by Adafruit's tool."""

import hashlib
import subprocess
import sys

import pytest

from cma_toolkit.host_tools.errors import CmaError, ExitCode
from cma_toolkit.host_tools.ports import ampy_files
from cma_toolkit.host_tools.ports.ampy_files import AmpyFiles
from cma_toolkit.host_tools.ports.files import Entry, Files
from cma_toolkit.sim.virtual_board.supervisor.home import HOME_VARIABLE
from support.virtual import VirtualBoards

BYTES = bytes(range(256)) * 2


@pytest.fixture(autouse=True)
def environment(shared_boards: VirtualBoards, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(shared_boards.home))
    monkeypatch.setenv("CMA_PORT_HANDLERS", "cma_toolkit.sim.virtual_board.handlers")


def test_files_go_both_ways_and_equal_ones_are_skipped(shared_boards: VirtualBoards) -> None:
    info = shared_boards.make(name="by-ampy")
    with AmpyFiles(info.fast) as ampy:
        files: Files = ampy
        files.mkdir("/lib")
        assert files.put("/lib/data.bin", BYTES)
        assert not files.put("/lib/data.bin", BYTES)
        assert files.hashes(["/lib/data.bin"]) == {
            "/lib/data.bin": hashlib.sha256(BYTES).hexdigest()
        }
        assert files.list("/lib") == [Entry("data.bin", False, 512)]
        assert files.remove("/lib") == 1
        assert not files.is_folder("/lib")


def test_a_board_that_takes_long_to_boot_is_let_do_so(shared_boards: VirtualBoards) -> None:
    info = shared_boards.make(name="slow-boot")
    with AmpyFiles(info.fast) as files:
        slow = b"import time\ntime.sleep(1.5)\nopen('/mounted', 'w').close()\n"
        assert files.put("/boot.py", slow)
        files.remove("/mounted")
        assert "mounted" in [entry.name for entry in files.list("/")]


def test_a_board_that_never_ends_to_boot_is_reached(shared_boards: VirtualBoards) -> None:
    info = shared_boards.make(name="endless-boot")
    with AmpyFiles(info.fast) as files:
        assert files.put("/once.txt", b"1")
        endless = b"import time\nwhile True:\n    time.sleep(0.1)\n"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ampy_files, "BOOT_S", 1.0)
            assert files.put("/boot.py", endless)
            assert "once.txt" in [entry.name for entry in files.list("/")]
            assert files.remove("/boot.py") == 1


def test_a_file_that_is_not_there_is_a_usage_error(shared_boards: VirtualBoards) -> None:
    info = shared_boards.make(name="empty")
    with AmpyFiles(info.pty) as files, pytest.raises(CmaError) as caught:
        files.get("/none.txt")
    assert caught.value.code == ExitCode.USAGE


def test_without_ampy_the_extra_is_named() -> None:
    program = (
        "import sys; sys.modules['ampy'] = None\n"
        "from cma_toolkit.host_tools.ports.ampy_files import AmpyFiles\n"
        "from cma_toolkit.host_tools.errors import CmaError\n"
        "try: AmpyFiles('/dev/ttyUSB77').__enter__()\n"
        "except CmaError as error: print(error.message); sys.exit(int(error.code))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == ExitCode.USAGE
    assert done.stdout.strip() == "--via ampy needs ampy: run pip install 'cma-toolkit[ampy]'."
