"""The fleet database: one name per board whoever asks, found again by name, id and label."""

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier

import pytest

from cma_toolkit.host_tools.errors import CmaError, ExitCode
from cma_toolkit.host_tools.fleet.database import (
    MIGRATIONS,
    Database,
    NameTakenError,
    Result,
)

ONE, TWO = "a4:cf:12:00:00:01", "a4:cf:12:00:00:02"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)

CLAIM_MANY = """
import sys
from pathlib import Path
from cma_toolkit.host_tools.fleet.database import Database, NameTakenError
print("ready", flush=True)
sys.stdin.read()
with Database(Path(sys.argv[1])) as database:
    for number in range(20):
        mac = f"a4:cf:12:00:{int(sys.argv[2]):02x}:{number:02x}"
        for name in range(30):
            try:
                database.claim(mac, f"box-{name:02d}")
                print(mac, name)
                break
            except NameTakenError:
                pass
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".cma" / "fleet.db"


def test_a_name_has_one_board_and_a_board_one_name(path: Path) -> None:
    with Database(path) as database:
        database.claim(ONE, "box-1")
        database.claim(ONE, "box-1")
        with pytest.raises(NameTakenError) as caught:
            database.claim(TWO, "box-1")
        assert caught.value.mac == ONE
        database.claim(ONE, "box-2")
        database.claim(TWO, "box-1")
        assert [(board.name, board.mac) for board in database.boards()] == [
            ("box-1", TWO),
            ("box-2", ONE),
        ]


def test_a_claim_is_done_only_when_it_is_finished(path: Path) -> None:
    with Database(path) as database:
        database.claim(ONE, "box-1")
    with Database(path) as database:
        assert [board.claim for board in database.boards()] == ["started"]
        database.finish(
            ONE, board="esp32-devkitc", cluster="north", labels=("roof",), revision=3, now=NOON
        )
        (board,) = database.boards()
    assert (board.claim, board.revision, board.labels) == ("done", 3, ("roof",))
    assert board.provisioned_at == "2026-01-01T12:00:00+00:00"


def test_finishing_again_unchanged_keeps_the_time_it_was_provisioned(path: Path) -> None:
    with Database(path) as database:
        database.claim(ONE, "box-1")
        later = NOON.replace(year=2027)
        for revision, now in ((1, NOON), (1, later), (2, later)):
            database.finish(ONE, board="b", cluster="c", labels=(), revision=revision, now=now)
            year = database.boards()[0].provisioned_at[:4]
            assert year == ("2026" if revision == 1 else "2027")


def test_a_released_name_is_free(path: Path) -> None:
    with Database(path) as database:
        database.claim(ONE, "box-1")
        released = database.release("box-1")
        assert released and released.mac == ONE
        assert database.release("box-1") is None
        database.claim(TWO, "box-1")


def test_boards_are_found_by_name_id_and_label(path: Path) -> None:
    with Database(path) as database:
        for mac, name, labels in ((ONE, "box-1", ("roof",)), (TWO, "box-2", ("roof", "bed=2"))):
            database.claim(mac, name)
            database.finish(mac, board="b", cluster="c", labels=labels, revision=1)
        found = {
            selector: [board.name for board in database.find(selector)]
            for selector in ("BOX-1", "id:A4CF12000002", "id:0002", "label=roof", "label=x", "id:")
        }
    assert found == {
        "BOX-1": ["box-1"],
        "id:A4CF12000002": ["box-2"],
        "id:0002": ["box-2"],
        "label=roof": ["box-1", "box-2"],
        "label=x": [],
        "id:": [],
    }


def test_a_port_belongs_to_the_board_seen_there_last(path: Path) -> None:
    with Database(path) as database:
        database.saw(ONE, port="/dev/ttyUSB0", chip="esp32", now=NOON)
        database.saw(TWO, port="/dev/ttyUSB0", chip="esp32c3", now=NOON)
        assert {board.mac: board.port for board in database.boards()}[ONE] == ""
        database.saw(ONE, port="/dev/ttyUSB1", now=NOON)
        seen = {board.mac: (board.port, board.chip) for board in database.boards()}
    assert seen == {ONE: ("/dev/ttyUSB1", "esp32"), TWO: ("/dev/ttyUSB0", "esp32c3")}


def test_history_is_told_newest_first(path: Path) -> None:
    with Database(path) as database:
        for code in (5, 0):
            database.record(Result("", ONE, "box-1", "provision", code, "", 1.5))
        database.record(Result("", TWO, "box-2", "provision", 0, "", 1.5))
        assert [result.code for result in database.history(ONE)] == [0, 5]
        assert len(database.history()) == 3


def test_processes_that_race_for_names_never_share_one(path: Path) -> None:
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIM_MANY, str(path), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(3)
    ]
    for worker in workers:
        assert worker.stdout and worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin
        worker.stdin.close()  # the starting shot
        worker.stdin = None
    taken = [line.split() for worker in workers for line in worker.communicate()[0].splitlines()]
    assert [worker.returncode for worker in workers] == [0, 0, 0]
    assert sorted(int(name) for _, name in taken) == list(range(30))
    assert len({mac for mac, _ in taken}) == 30


def test_those_who_make_one_database_at_once_all_get_it(path: Path) -> None:
    def open_it(_: int) -> int:
        gate.wait()
        with Database(path) as database:
            return len(database.boards())

    for _ in range(10):
        gate = Barrier(4)
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(open_it, range(4))) == [0] * 4
        for file in path.parent.iterdir():
            file.unlink()


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"not SQLite's\n" * 200, "move it away"), (None, "cannot be used .*writable")],
)
def test_a_file_that_is_no_database_is_said_to_be_none(
    path: Path, content: bytes | None, words: str
) -> None:
    path.parent.mkdir()
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(CmaError, match=words) as caught:
        Database(path)
    assert caught.value.code is ExitCode.REFUSED


def test_a_locked_database_is_waited_for_and_then_told(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cma_toolkit.host_tools.fleet.database.BUSY_MS", 20)
    with Database(path) as ours, Database(path) as other, other.transaction():
        with pytest.raises(CmaError, match="in use by another cma"):
            ours.claim(ONE, "box-1")
        assert ours.boards() == []  # readers wait for nobody


def test_an_older_file_is_brought_up_to_date(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Database(path) as database:
        database.claim(ONE, "box-1")
    more = (*MIGRATIONS, "ALTER TABLE boards ADD COLUMN room TEXT NOT NULL DEFAULT 'attic'")
    monkeypatch.setattr("cma_toolkit.host_tools.fleet.database.MIGRATIONS", more)
    for _ in range(2):
        Database(path).close()
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT name, room FROM boards").fetchall() == [("box-1", "attic")]
    assert connection.execute("PRAGMA user_version").fetchone()[0] == len(more)
    connection.close()


def test_a_newer_file_is_left_alone(path: Path) -> None:
    Database(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(CmaError, match=r"newer cma.*pip install --upgrade") as caught:
        Database(path)
    assert caught.value.code is ExitCode.REFUSED
