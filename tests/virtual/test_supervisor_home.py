"""The supervisor's process: one per home, outliving its clients, leaving nothing behind."""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cma_toolkit.sim.virtual_board.supervisor import serve
from cma_toolkit.sim.virtual_board.supervisor.client import Client
from cma_toolkit.sim.virtual_board.supervisor.errors import VirtualBoardError
from cma_toolkit.sim.virtual_board.supervisor.home import (
    SUPERVISOR_LOCK,
    socket_address,
    supervisor_lives,
    try_lock,
)
from cma_toolkit.sim.virtual_board.supervisor.registry import live_boards, read_registry
from support.processes import processes_of, until_gone
from support.virtual import VirtualBoards

SERVE = [sys.executable, "-m", "cma_toolkit.sim.virtual_board.supervisor.serve"]


def test_a_home_without_supervisor_has_no_boards_and_starts_none(virtual_home: Path) -> None:
    client = Client(virtual_home)
    assert client.list() == []
    with pytest.raises(VirtualBoardError, match="cma virtual create") as caught:
        client.press_reset("desk")
    assert caught.value.kind == "no-device"
    client.shutdown()  # nothing to end is no error
    assert not supervisor_lives(virtual_home)


def test_clients_that_start_at_once_share_one_supervisor(virtual_home: Path) -> None:
    def create(index: int) -> str:
        return Client(virtual_home).create(f"b{index}", "esp32-devkitc").mac

    with ThreadPoolExecutor(4) as pool:
        macs = set(pool.map(create, range(4)))
    assert len(macs) == 4
    assert len(read_registry(virtual_home)) == 4
    assert len(processes_of(virtual_home, "virtual_board.supervisor.serve")) == 1


def test_a_second_supervisor_of_a_home_is_refused(virtual_home: Path) -> None:
    Client(virtual_home).ensure_running()
    second = subprocess.run(
        [*SERVE, "--home", str(virtual_home)], capture_output=True, text=True, check=False
    )
    assert second.returncode == 1
    assert "Another supervisor serves" in second.stderr
    assert Client(virtual_home).create("desk", "esp32-devkitc").state == "boot-loop"


def test_who_asks_for_a_supervisor_takes_nothing_from_one_that_starts(
    virtual_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = try_lock(virtual_home / SUPERVISOR_LOCK)
    assert held is not None
    assert not supervisor_lives(virtual_home)  # it looks at no lock, so it needs none
    # One that ends holds its lock a little longer than its socket: it is waited for.
    monkeypatch.setattr(serve.time, "sleep", lambda _seconds: os.close(held))
    os.close(serve._take_home(virtual_home))


def test_a_board_whose_flash_cannot_be_written_leaves_nothing(virtual_home: Path) -> None:
    client = Client(virtual_home)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))  # the supervisor inherits it
    try:
        client.ensure_running()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    with pytest.raises(VirtualBoardError, match=r"cannot be written .*make room"):
        client.create("desk", "esp32-devkitc")
    assert client.list() == []
    assert not (virtual_home / "desk").exists()


def test_the_supervisor_outlives_its_client(virtual_home: Path) -> None:
    create = (
        "from cma_toolkit.sim.virtual_board.supervisor.client import Client; "
        "Client().create('desk', 'esp32-devkitc')"
    )
    subprocess.run([sys.executable, "-c", create], check=True)
    assert [board.name for board in live_boards(virtual_home)] == ["desk"]


def test_shutdown_leaves_neither_process_nor_socket(virtual_boards: VirtualBoards) -> None:
    board = virtual_boards.make()
    assert len(processes_of(virtual_boards.home)) >= 2
    virtual_boards.client.shutdown()
    # A pty goes with its process; its number may be another program's a moment later.
    assert not processes_of(virtual_boards.home)
    assert not (virtual_boards.home / board.name / "tty").is_symlink()
    assert not [path for path in virtual_boards.home.rglob("*") if path.is_socket()]
    assert [info.state for info in virtual_boards.client.list()] == ["off"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_boards_end_with_a_supervisor_that_is_killed(
    virtual_boards: VirtualBoards, number: signal.Signals
) -> None:
    board = virtual_boards.make()
    processes = processes_of(virtual_boards.home)
    os.kill(processes_of(virtual_boards.home, "virtual_board.supervisor.serve")[0], number)
    until_gone(processes)
    assert live_boards(virtual_boards.home) == []
    again = virtual_boards.client.start(board.name)  # stale sockets are in nobody's way
    assert again.url == board.url
    assert again.mac == board.mac


def test_boards_come_back_with_their_settings(virtual_boards: VirtualBoards) -> None:
    board = virtual_boards.make(flashed=False, mac="a4:cf:12:00:00:10")
    virtual_boards.client.set_battery(board.name, 3300)
    virtual_boards.client.shutdown()
    again = virtual_boards.client.start(board.name)
    assert (again.mac, again.battery_mv, again.url) == (board.mac, 3300, board.url)


def test_the_registry_is_whole_at_every_moment(virtual_boards: VirtualBoards) -> None:
    board = virtual_boards.make(flashed=False)
    path = virtual_boards.home / "registry.json"
    with ThreadPoolExecutor(1) as pool:
        resets = pool.submit(
            lambda: [virtual_boards.client.press_reset(board.name) for _ in range(200)]
        )
        while not resets.done():
            assert [entry["name"] for entry in json.loads(path.read_text())] == [board.name]
        resets.result()


def test_a_board_that_cannot_be_read_is_left_alone(virtual_boards: VirtualBoards) -> None:
    good = virtual_boards.make(flashed=False)
    bad = virtual_boards.make(flashed=False)
    virtual_boards.client.shutdown()
    (virtual_boards.home / bad.name / "board.json").write_text("{")
    virtual_boards.client.start(good.name)
    assert [board.name for board in virtual_boards.client.list()] == [good.name]
    with pytest.raises(VirtualBoardError, match="remove that folder"):
        virtual_boards.client.create(bad.name, "esp32-devkitc")


def test_a_home_with_a_very_long_path_works(tmp_path: Path) -> None:
    home = tmp_path / ("long" * 30)
    client = Client(home)
    try:
        assert client.create("desk", "esp32-devkitc").state == "boot-loop"
        with socket_address(home, "ports.sock") as address, socket.socket(socket.AF_UNIX) as plug:
            plug.connect(address)
    finally:
        client.shutdown()


def test_garbage_on_the_control_socket_is_answered_and_does_no_harm(virtual_home: Path) -> None:
    client = Client(virtual_home)
    client.ensure_running()
    with socket.socket(socket.AF_UNIX) as plug:
        plug.connect(str(virtual_home / "control.sock"))
        for line in (b"not json\n", b"[]\n", b"{}\n", b'{"verb": "reset", "who": 1}\n'):
            plug.sendall(line)
            answer = json.loads(plug.makefile("rb").readline())
            assert answer["ok"] is False and answer["kind"] == "usage"
    assert client.create("desk", "esp32-devkitc").name == "desk"


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        (lambda client: client.create("Desk!", "esp32-devkitc"), "small letters"),
        (lambda client: client.create("desk", "esp32-devkitc"), "already"),
        (lambda client: client.create("new", "no-such-board"), "No board is called"),
        (lambda client: client.create("new", "esp32-devkitc", mac="12:34"), "is no MAC"),
        (lambda client: client.press_reset("nobody"), "no virtual board 'nobody'"),
        (lambda client: client.set_battery("desk", -1), "0 to 20000"),
        (lambda client: client.cut_power("desk", 0), "count from 1"),
        (lambda client: client.set_range("desk", (1.0,)), "two numbers"),
        (lambda client: client.set_range("desk", (0.0, float("nan"))), "in metres"),
        (lambda client: client.set_range("desk", range_m=-1.0), "from 0 to"),
        (lambda client: client.set_range("desk", loss_permille=1001), "0 to 1000"),
        (lambda client: client.set_range("desk", peers=["nobody"]), "board 'nobody'"),
        (lambda client: client.set_battery("desk", "high"), "failed at 'set_battery'.*report"),
        (lambda client: client.wait_for("desk", "running", 0.05), "it is boot-loop now"),
    ],
)
def test_a_refusal_says_what_to_do(
    virtual_boards: VirtualBoards, verb: "object", words: str
) -> None:
    virtual_boards.make(name="desk", flashed=False)
    with pytest.raises(VirtualBoardError, match=words):
        verb(virtual_boards.client)  # type: ignore[operator]
    assert [board.name for board in virtual_boards.client.list()] == ["desk"]


def test_a_wait_that_ends_in_time_ends_at_once(virtual_boards: VirtualBoards) -> None:
    board = virtual_boards.make(flashed=False)
    started_s = time.monotonic()
    virtual_boards.client.wait_for(board.name, "boot-loop", 30)
    assert time.monotonic() - started_s < 5
