"""Why a port does not open: one sentence each, with what to type."""

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cma_toolkit.host_tools.errors import CmaError, ExitCode
from cma_toolkit.host_tools.ports.serial_port import open_serial, owning_group

NOBODY = 65534
OPEN = (
    "import os, sys\n"
    "from cma_toolkit.host_tools.ports import serial_port\n"
    "import serial, serial.serialposix\n"
    "from cma_toolkit.host_tools.errors import CmaError\n"
    "os.environ['XDG_RUNTIME_DIR'] = sys.argv[2]\n"
    "if os.getuid() == 0: os.setgid(65534); os.setuid(65534)\n"
    "try: serial_port.open_serial(sys.argv[1])\n"
    "except CmaError as error: print(error.message); sys.exit(int(error.code))\n"
)


@pytest.fixture
def terminal() -> Iterator[tuple[int, str]]:
    master, slave = pty.openpty()
    path = os.ttyname(slave)
    os.close(slave)
    yield master, path
    os.close(master)


def refusal(url: str) -> str:
    with pytest.raises(CmaError) as caught:
        open_serial(url)
    assert caught.value.code == ExitCode.NO_DEVICE
    return caught.value.message


def test_a_port_that_is_not_there() -> None:
    assert refusal("/dev/ttyUSB77") == (
        "No such port: /dev/ttyUSB77. Plug the board in with a data cable, then run: cma devices"
    )


def test_a_url_that_nobody_serves() -> None:
    message = refusal("rfc2217://127.0.0.1:1")
    assert "refused" in message and message.endswith("Run cma doctor.")


def test_a_url_of_an_unknown_kind() -> None:
    assert "run cma devices" in refusal("carrier-pigeon://7")


def test_permission_denied_names_the_owning_group(
    terminal: tuple[int, str], tmp_path: Path
) -> None:
    os.chmod(terminal[1], 0o660 if os.getuid() == 0 else 0)
    os.chmod(tmp_path, 0o777)
    for folder in tmp_path.parents[:2]:  # pytest keeps others out of its folders
        os.chmod(folder, 0o755)
    done = subprocess.run(
        [sys.executable, "-c", OPEN, terminal[1], str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == ExitCode.NO_DEVICE, done.stderr
    assert done.stdout.strip() == (
        f"{terminal[1]}: permission denied. "
        f"Run: sudo usermod -aG {owning_group(terminal[1])} $USER, then log in again"
    )


def test_a_group_that_helps_nobody_is_not_advised(tmp_path: Path) -> None:
    file = tmp_path / "tty"
    file.touch()
    if os.getuid() == 0:
        assert owning_group(str(file)) == "dialout"  # the file's group is root
    assert owning_group("/dev/absent") == "dialout"


def test_a_program_that_has_the_port_is_named(terminal: tuple[int, str]) -> None:
    with (
        open(terminal[1], "rb", buffering=0) as file,
        subprocess.Popen(["sleep", "60"], stdin=file) as holder,
    ):
        message = refusal(terminal[1])
        holder.kill()
    assert f"in use by sleep (pid {holder.pid}): close it" in message


def test_a_closed_port_opens_again(terminal: tuple[int, str]) -> None:
    for _again in range(2):
        port = open_serial(terminal[1])
        with pytest.raises(CmaError, match="in use"):
            open_serial(terminal[1])
        port.close()
