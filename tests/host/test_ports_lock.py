"""One `cma` per port, and whoever else has it open is named."""

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cma_toolkit.host_tools.errors import CmaError, ExitCode
from cma_toolkit.host_tools.ports.lock import PortLock, holders_of, lock_folder

HOLD = (
    "import sys; from pathlib import Path\n"
    "from cma_toolkit.host_tools.ports.lock import PortLock\n"
    "lock = PortLock(sys.argv[1], Path(sys.argv[2])); lock.acquire()\n"
    "print('held', flush=True); sys.stdin.read()"
)


@pytest.fixture
def other(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, "/dev/ttyUSB0", str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "CMA_COMMAND": "cma flash --all"},
    )
    assert process.stdin and process.stdout
    assert process.stdout.readline() == "held\n"
    with process:
        yield process
        process.kill()


def test_a_second_cma_is_told_who_has_the_port(
    other: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    with pytest.raises(CmaError) as caught:
        PortLock("/dev/ttyUSB0", tmp_path).acquire()
    assert caught.value.code == ExitCode.NO_DEVICE
    assert f"cma flash --all (pid {other.pid})" in caught.value.message


def test_another_port_is_free(other: "subprocess.Popen[str]", tmp_path: Path) -> None:
    with PortLock("/dev/ttyUSB1", tmp_path):
        pass


def test_the_lock_of_a_killed_cma_is_no_hindrance(
    other: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    other.kill()
    other.wait()
    with PortLock("/dev/ttyUSB0", tmp_path):
        pass


def test_a_port_has_one_lock_by_whatever_name(tmp_path: Path) -> None:
    (tmp_path / "tty").touch()
    (tmp_path / "by-id").symlink_to(tmp_path / "tty")
    with (
        PortLock(str(tmp_path / "tty"), tmp_path),
        pytest.raises(CmaError, match="in use"),
    ):
        PortLock(str(tmp_path / "by-id"), tmp_path).acquire()


def test_a_folder_that_cannot_hold_locks_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "ports").mkdir()
    lock = PortLock("/dev/ttyUSB0", tmp_path / "ports")
    with lock:
        (held,) = (tmp_path / "ports").iterdir()
    held.unlink()
    held.mkdir()
    for unusable in (lock, PortLock("/dev/ttyUSB0", tmp_path / "file" / "ports")):
        with pytest.raises(CmaError, match="XDG_RUNTIME_DIR") as caught:
            unusable.acquire()
        assert caught.value.code == ExitCode.REFUSED
        assert caught.value.message.startswith(str(tmp_path))


def test_boards_of_two_homes_may_have_one_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CMA_VIRTUAL_HOME", "/home/one")
    with PortLock("virtual://a", tmp_path):
        monkeypatch.setenv("CMA_VIRTUAL_HOME", "/home/two")
        with PortLock("virtual://a", tmp_path):
            pass


def test_a_released_lock_can_be_taken_again(tmp_path: Path) -> None:
    for _again in range(2):
        with PortLock("virtual://a", tmp_path):
            pass


def test_locks_lie_in_the_runtime_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert lock_folder() == tmp_path / "cma" / "ports"
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert lock_folder().parent.name == f"cma_toolkit-{os.getuid()}"


def test_a_program_that_holds_a_device_is_named() -> None:
    master, slave = pty.openpty()
    path = os.ttyname(slave)
    with subprocess.Popen(["sleep", "60"], stdin=slave) as holder:
        found = holders_of(path)
        holder.kill()
    os.close(master)
    os.close(slave)
    assert [(holder.pid, str(holder).split()[0]) for holder in found] == [(holder.pid, "sleep")]


def test_whoever_made_a_pty_does_not_hold_it() -> None:
    maker = (
        "import os, pty; master, slave = pty.openpty()\n"
        "print(os.ttyname(slave), flush=True); input()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", maker], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout
        path = process.stdout.readline().strip()
        assert holders_of(path) == []
        process.kill()
