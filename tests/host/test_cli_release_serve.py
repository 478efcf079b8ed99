"""`cma release serve` over real UDP, to a board's own updater."""

import json
import os
import pty
import select
import socket
import subprocess
import sys
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cma_toolkit.firmware.kernel.codec.frame import BROADCAST, KIND_ANNOUNCE, write_header
from cma_toolkit.firmware.kernel.limits import HEADER_BYTES
from cma_toolkit.firmware.kernel.release.updater import DONE_WHOLE
from cma_toolkit.host_tools.agent.udp import UdpLink
from cma_toolkit.host_tools.cli.main import main
from cma_toolkit.host_tools.errors import ExitCode
from cma_toolkit.host_tools.fleet.database import Database
from cma_toolkit.host_tools.fleet.sightings import Sightings
from cma_toolkit.host_tools.release import documents
from cma_toolkit.host_tools.release.artefact import Release, class_id
from cma_toolkit.host_tools.release.repository import Repository
from cma_toolkit.host_tools.release.server import now_ms
from cma_toolkit.host_tools.release.wire import Wire
from cma_toolkit.host_tools.rollout.desk import node_of
from support.release_board import FIRST, TIMESTAMP
from support.release_signers import LATER_S, NOW_S, signed
from support.updating import UpdatingBoard, changed, image, part_of

OLD = image(1)
NEW = changed(OLD)


def publish(folder: Path) -> None:
    """Publish two releases, as `cma release` does, with quick keys."""
    repository = Repository(folder / "release")
    repository.write(repository.root_path(1), documents.envelope(FIRST.to_bytes()))
    for sequence, data in ((1, OLD), (2, NEW)):
        part = part_of(data, sequence, class_id=class_id("greenhouse", ""))
        said = documents.timestamp(sequence, NOW_S, LATER_S, [part.digest])
        repository.publish(Release("greenhouse", (part,)), signed(said, [TIMESTAMP]))


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Radio:
    """The effects of an updater on UDP."""

    def __init__(self, node: int, port: int, peer: int) -> None:
        self.link = UdpLink(node, port, [("127.0.0.1", peer)])

    def send(self, link: int, buffer: bytearray, length: int) -> None:
        self.link.send(memoryview(buffer)[:length])

    def done(self, outcome: int) -> None:
        self.outcome = outcome


class Cable(Radio):
    """The effects of an updater on a wire, whose other end the server opens."""

    def __init__(self) -> None:
        master, slave = pty.openpty()
        tty.setraw(slave)
        self.path = os.ttyname(slave)
        os.close(slave)
        self.link = Wire(Master(master))


class Master:
    """A pseudo terminal's own end, as pyserial's ports are."""

    def __init__(self, number: int) -> None:
        self._number = number
        os.set_blocking(number, False)

    def fileno(self) -> int:
        return self._number

    def read(self, size: int) -> bytes:
        try:
            return os.read(self._number, size)
        except BlockingIOError:
            return b""

    def write(self, data: memoryview) -> int:
        return os.write(self._number, data)

    def close(self) -> None:
        os.close(self._number)


def update(board: UpdatingBoard, radio: Radio) -> None:
    """Run a session in real time."""
    machine = board.boot()
    machine.start(now_ms(), radio)
    limit_s = time.monotonic() + 30
    while not machine.outcome and time.monotonic() < limit_s:
        select.select([radio.link], [], [], 0.004)
        length = radio.link.receive()
        while length:
            frame = bytes(radio.link.buffer[:length])
            machine.on_frame(now_ms(), 1, frame, length, 0, radio)
            length = radio.link.receive()
        machine.on_time(now_ms(), radio)


COMMAND = (sys.executable, "-m", "cma_toolkit.host_tools.cli.main", "release", "serve")


@contextmanager
def serving(folder: Path, *arguments: str) -> Iterator[list[dict[str, Any]]]:
    """Run `cma release serve`; what it told is in the list once it has ended."""
    told: list[dict[str, Any]] = []
    with subprocess.Popen(
        [*COMMAND, "--everybody", "--output", "json", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None and process.stdout is not None
        assert "Serving" in process.stderr.readline()
        yield told
        process.terminate()
        told += [json.loads(line) for line in process.stdout.read().splitlines()]
        assert process.wait(20) == 0


def test_a_board_gets_the_published_release_over_udp(tmp_path: Path) -> None:
    publish(tmp_path)
    (tmp_path / "fleet.toml").write_text('name = "greenhouse"\nnetwork = 4711\n')
    server, mine = free_port(), free_port()
    radio = Radio(7, mine, server)
    board = UpdatingBoard(7, OLD, class_id=class_id("greenhouse", ""), network=4711)
    with serving(tmp_path, "--port", str(server), "--peer", f"127.0.0.1:{mine}") as told:
        update(board, radio)
    radio.link.close()
    assert board.machine.outcome == DONE_WHOLE and board.image(len(NEW)) == NEW
    assert [told[0]["node"], told[0]["sequence"], told[0]["stage"]] == [7, 1, "idle"]
    assert [told[-1][key] for key in ("stage", "target", "done_permille")] == ["fetching", 2, 1000]


def test_a_board_gets_the_published_release_over_a_serial_wire(tmp_path: Path) -> None:
    publish(tmp_path)
    cable = Cable()
    board = UpdatingBoard(7, OLD, class_id=class_id("greenhouse", ""), network=0)
    with serving(tmp_path, "--port", str(free_port()), "--serial", cable.path) as told:
        update(board, cable)
    cable.link.close()
    assert board.machine.outcome == DONE_WHOLE and board.image(len(NEW)) == NEW
    assert told[-1]["done_permille"] == 1000


def test_nothing_published_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["release", "serve", "--everybody"])
    assert ended.value.code == ExitCode.USAGE
    assert "cma release publish" in capsys.readouterr().err


def test_without_a_roll_out_nothing_is_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["release", "serve", "--port", str(free_port()), "--seconds", "0.1"])
    assert ended.value.code == 0 and "cma rollout start" in capsys.readouterr().err


def test_whom_the_edge_hears_is_in_the_fleet_database(tmp_path: Path) -> None:
    publish(tmp_path)
    mac = "a4:cf:12:00:00:07"
    with Database(tmp_path / ".cma/fleet.db") as database:
        database.saw(mac, port="")
    port, mine = free_port(), free_port()
    radio = Radio(node_of(mac), mine, port)
    frame = bytearray(HEADER_BYTES + 1)
    write_header(frame, KIND_ANNOUNCE, 0, node_of(mac), BROADCAST, 1)
    options = ["--port", str(port), "--peer", f"127.0.0.1:{mine}", "--seconds", "1"]
    with subprocess.Popen(
        [*COMMAND, *options], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert any("Serving" in line for line in process.stderr)
        radio.send(0, frame, len(frame))
        assert process.wait(20) == 0
    radio.link.close()
    with Database(tmp_path / ".cma/fleet.db") as database:
        assert list(Sightings(database).all()) == [mac]


def test_a_cluster_that_boards_of_the_project_do_not_hear_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(tmp_path)
    monkeypatch.chdir(tmp_path)
    serve = ["release", "serve", "--everybody", "--seconds", "0", "--cluster", "nosuch"]
    for is_project in (False, True):
        with pytest.raises(SystemExit) as ended:
            main([*serve, "--port", str(free_port())])
        assert ended.value.code == 0
        assert ("do not hear what is for cluster nosuch" in capsys.readouterr().err) == is_project
        (tmp_path / "fleet.toml").write_text('name = "greenhouse"\nnetwork = 4711\n')


def test_a_wire_that_is_none_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(tmp_path)
    monkeypatch.chdir(tmp_path)
    for wire, code, words in (
        ("/dev/ttyUSB0@fast", ExitCode.USAGE, "write PORT or PORT@BAUD"),
        ("/dev/ttyUSB77", ExitCode.NO_DEVICE, "No such port: /dev/ttyUSB77"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(["release", "serve", "--everybody", "--port", str(free_port()), "--serial", wire])
        assert ended.value.code == code and words in capsys.readouterr().err
