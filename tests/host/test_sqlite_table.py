"""A host's table over SQLite and a board's over its journal: whatever is done, they agree."""

import sqlite3
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from cma_toolkit.host_tools.agent.sqlite_table import SqliteTable
from kernel.state.journal import Journal
from kernel.state.table import JournalTable
from support.nor_sectors import NorSectors

KEYS = st.one_of(
    st.sampled_from([b"boot", b"crash", b"limits", b"sx"]), st.binary(min_size=0, max_size=38)
)
VALUES = st.one_of(
    st.binary(max_size=60), st.integers(900, 1026).map(bytes), st.integers(0, 1024).map(bytes)
)


class Agreement(RuleBasedStateMachine):
    """Do the same to both."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = TemporaryDirectory()
        self._path = Path(self._folder.name) / "table.sqlite"
        self._flash = NorSectors(8)
        self._tables: list[JournalTable] = []

    @initialize()
    def start(self) -> None:
        journal = Journal(self._flash)
        journal.recover()
        self._tables = [JournalTable(journal), SqliteTable(self._path)]

    @rule(key=KEYS, value=VALUES)
    def put(self, key: bytes, value: bytes) -> None:
        self._both(lambda table: table.put(key, value))

    @rule(key=KEYS)
    def delete(self, key: bytes) -> None:
        self._both(lambda table: table.delete(key))

    @rule(first=st.integers(0, 70), count=st.integers(1, 40))
    def put_many(self, first: int, count: int) -> None:
        for number in range(first, first + count):
            self._both(lambda table, key=b"many%d" % number: table.put(key, key))

    @rule()
    def commit(self) -> None:
        self._both(lambda table: table.commit() > 0)

    @rule()
    def rollback(self) -> None:
        self._both(lambda table: table.rollback())

    @rule()
    def restart(self) -> None:
        self._tables[1].close()
        self.start()

    @invariant()
    def contents_agree(self) -> None:
        if self._tables:
            keys = self._both(lambda table: table.keys())
            for key in keys:
                self._both(lambda table, key=key: table.get(key))

    def teardown(self) -> None:
        if self._tables:
            self._tables[1].close()
        self._folder.cleanup()

    def _both(self, step):
        results = []
        for table in self._tables:
            try:
                results.append(step(table))
            except (ValueError, OSError) as error:
                results.append((type(error), str(error)))
        assert results[0] == results[1]
        return results[0]


TestAgreement = Agreement.TestCase


FOREIGN = {
    "another application's": "CREATE TABLE photos (a)",
    "with a table of our name": "CREATE TABLE records (id INTEGER, title TEXT)",
    "with our very table": "CREATE TABLE records (key BLOB PRIMARY KEY, value BLOB NOT NULL)",
    "with a log": "PRAGMA journal_mode = WAL; CREATE TABLE photos (a)",
    "with another's id": "PRAGMA application_id = 7; CREATE TABLE photos (a)",
}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("case", FOREIGN)
def test_a_database_that_is_not_ours_is_refused_and_left_as_it_is(
    tmp_path: Path, case: str
) -> None:
    path = tmp_path / "table.sqlite"
    other = sqlite3.connect(path)
    other.executescript(FOREIGN[case])
    other.close()
    before = contents(tmp_path)
    with pytest.raises(OSError, match=r"no agent made it.*table\.sqlite"):
        SqliteTable(path)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("text", [b"not a database" * 100, b"SQLite format 3\0", b"\0"])
def test_a_file_that_is_no_table_is_refused_and_left_as_it_is(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "table.sqlite"
    path.write_bytes(text)
    with pytest.raises(OSError, match=r"no agent made it.*table\.sqlite"):
        SqliteTable(path)
    assert contents(tmp_path) == {path.name: text}


@pytest.mark.parametrize(
    ("change", "says"),
    [("PRAGMA user_version = 9", "another version"), ("DROP TABLE records", "no such table")],
)
def test_a_table_in_another_form_is_refused(tmp_path: Path, change: str, says: str) -> None:
    path = tmp_path / "table.sqlite"
    SqliteTable(path).close()
    other = sqlite3.connect(path)
    other.execute(change)
    other.close()
    with pytest.raises(OSError, match=says):
        SqliteTable(path)


def test_an_empty_file_becomes_a_table(tmp_path: Path) -> None:
    path = tmp_path / "table.sqlite"
    path.touch()
    for expected in (None, b"1"):
        table = SqliteTable(path)
        assert table.get(b"a") == expected
        table.put(b"a", b"1")
        table.commit()
        table.close()


def test_a_commit_that_fails_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "table.sqlite"
    table = SqliteTable(path)
    table.put(b"a", b"1")
    table.commit()
    table.close()
    with sqlite3.connect(path) as other:
        other.execute(
            "CREATE TRIGGER no BEFORE INSERT ON records BEGIN SELECT RAISE(FAIL,'x'); END"
        )
    other.close()
    table = SqliteTable(path)
    table.put(b"a", b"2")
    table.put(b"b", b"2")
    with pytest.raises(OSError, match="x"):
        table.commit()
    assert table.get(b"a") == b"1" and table.keys() == [b"a"] and table.commit() == 0
    table.close()


COMMIT_FOR_EVER = """
import itertools, pathlib, sys
from cma_toolkit.host_tools.agent.sqlite_table import SqliteTable
table = SqliteTable(pathlib.Path(sys.argv[1]))
for number in itertools.count():
    table.put(b"a", b"%d" % number)
    table.put(b"b", b"%d" % number)
    table.commit()
    print(number, flush=True)
"""


def test_a_process_has_its_file_alone_and_killed_leaves_whole_commits(tmp_path: Path) -> None:
    path = tmp_path / "table.sqlite"
    for kill_after in (1, 2, 20, 50):
        command = [sys.executable, "-c", COMMIT_FOR_EVER, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            told = [int(process.stdout.readline()) for _ in range(kill_after)][-1]
            with pytest.raises(OSError, match=r"another process has it open.*table\.sqlite"):
                SqliteTable(path)
            process.kill()
        table = SqliteTable(path)
        assert table.get(b"a") == table.get(b"b")
        assert int(table.get(b"a")) >= told
        table.close()


def test_durability_is_full(tmp_path: Path) -> None:
    table = SqliteTable(tmp_path / "table.sqlite")
    assert table._file._rows.execute("PRAGMA synchronous").fetchone() == (2,)
    assert table._file._rows.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    table.close()
