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

from cma_toolkit.firmware.kernel.codec.frame import (
    BROADCAST,
    KIND_ANNOUNCE,
    KIND_PIECE,
    KIND_WANT,
    write_header,
)
from cma_toolkit.firmware.kernel.identity import Identity
from cma_toolkit.firmware.kernel.limits import HEADER_BYTES
from cma_toolkit.firmware.kernel.release.talk import PART_TIMESTAMP, read, tag_of, write
from cma_toolkit.firmware.kernel.release.updater import DONE_WHOLE
from cma_toolkit.host_tools.agent.udp import UdpLink
from cma_toolkit.host_tools.cli.main import main
from cma_toolkit.host_tools.cli.release_serve import Shelf, ToEverybody
from cma_toolkit.host_tools.errors import ExitCode
from cma_toolkit.host_tools.fleet.database import Database
from cma_toolkit.host_tools.fleet.sightings import Sightings
from cma_toolkit.host_tools.release import documents
from cma_toolkit.host_tools.release.artefact import Release, class_id
from cma_toolkit.host_tools.release.repository import Repository
from cma_toolkit.host_tools.release.server import now_ms
from cma_toolkit.host_tools.release.wire import Wire
from cma_toolkit.host_tools.rollout.desk import Desk, node_of
from cma_toolkit.host_tools.rollout.records import Rollout, Terms
from cma_toolkit.host_tools.rollout.store import Store
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
        [*COMMAND, "--output", "json", *arguments],
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
    options = ["--everybody", "--port", str(server), "--peer", f"127.0.0.1:{mine}"]
    with serving(tmp_path, *options) as told:
        update(board, radio)
    radio.link.close()
    assert board.machine.outcome == DONE_WHOLE and board.image(len(NEW)) == NEW
    assert [told[0]["node"], told[0]["sequence"], told[0]["stage"]] == [7, 1, "idle"]
    assert [told[-1][key] for key in ("stage", "target", "done_permille")] == ["fetching", 2, 1000]


def test_a_board_gets_the_published_release_over_a_serial_wire(tmp_path: Path) -> None:
    publish(tmp_path)
    cable = Cable()
    board = UpdatingBoard(7, OLD, class_id=class_id("greenhouse", ""), network=0)
    options = ["--everybody", "--port", str(free_port()), "--serial", cable.path]
    with serving(tmp_path, *options) as told:
        update(board, cable)
    cable.link.close()
    assert board.machine.outcome == DONE_WHOLE and board.image(len(NEW)) == NEW
    assert told[-1]["done_permille"] == 1000


def stamp(version: int) -> bytes:
    """Return a timestamp of what `publish` published."""
    part = part_of(NEW, 2, class_id=class_id("greenhouse", ""))
    return signed(documents.timestamp(version, NOW_S, LATER_S, [part.digest]), [TIMESTAMP])


def fetch_stamp(radio: Radio, size: int) -> bytes:
    """Return the timestamp that an edge hands out, as far as it comes within a second."""
    part = part_of(NEW, 2, class_id=class_id("greenhouse", ""))
    pieces: dict[int, bytes] = {}
    asking = [tag_of(part.digest), 0, [PART_TIMESTAMP, 0]]
    frame = write(Identity("board", 7, 0, ""), KIND_WANT, asking, 1)
    radio.send(0, frame, len(frame))
    limit_s = time.monotonic() + 1
    while time.monotonic() < limit_s and sum(map(len, pieces.values())) < size:
        select.select([radio.link], [], [], 0.05)
        length = radio.link.receive()
        if length and radio.link.buffer[1] == KIND_PIECE:
            fields = read(KIND_PIECE, memoryview(radio.link.buffer)[HEADER_BYTES:length])
            assert fields is not None
            pieces[fields[4]] = bytes(fields[5])
    return b"".join(pieces[index] for index in sorted(pieces))


@pytest.mark.parametrize("way", ["everybody", "roll-out"])
def test_a_running_edge_hands_out_what_was_said_to_be_current_since(
    tmp_path: Path, way: str
) -> None:
    publish(tmp_path)
    repository = Repository(tmp_path / "release")
    with Database(tmp_path / ".cma/fleet.db") as database:
        database.saw("a4:cf:12:00:00:07", port="")
        digest = repository.published()[-1].digest
        Store(database).begin(Rollout(0, "greenhouse", 2, digest, Terms(), 1), [database.boards()])
        Desk(Store(database)).on_time(int(time.time()))
    server, mine = free_port(), free_port()
    radio = Radio(7, mine, server)
    options = ["--port", str(server), "--peer", f"127.0.0.1:{mine}"]
    old, new = (repository.folder / "timestamp.cbor").read_bytes(), stamp(3)
    with serving(tmp_path, *options, *(["--everybody"] if way == "everybody" else [])):
        assert fetch_stamp(radio, len(old)) == old
        repository.write(repository.folder / "timestamp.cbor", new)
        limit_s, found = time.monotonic() + 20, b""
        while found != new and time.monotonic() < limit_s:
            found = fetch_stamp(radio, len(new))
    radio.link.close()
    assert found == new


def test_what_was_served_stays_while_the_folder_is_being_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(tmp_path)
    repository = Repository(tmp_path / "release")
    path = repository.folder / "greenhouse-2.release"
    whole, offers = path.read_bytes(), ToEverybody(Shelf(repository))
    generation, (before,) = offers.now()
    path.write_bytes(whole[:1000])
    new = stamp(3)
    repository.write(repository.folder / "timestamp.cbor", new)
    for _ in range(2):
        assert offers.now() == (generation, [before])
    assert capsys.readouterr().err.count("served on") == 1
    path.write_bytes(whole)
    later, (after,) = offers.now()
    assert later > generation and after.release.coded(PART_TIMESTAMP, 0) == (0, new)


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
