"""The fleet database: which board bears which name, where it was last seen, what was done to it.

It is the project's memory between runs (`.cma/fleet.db`, SQLite); several `cma` may use it.
No secret and no fingerprint of one is ever stored.
"""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cma_toolkit.host_tools.errors import refused
from cma_toolkit.host_tools.fleet.mac import normal_mac
from cma_toolkit.host_tools.fleet.migrations import MIGRATIONS

BUSY_MS = 10_000
RETRY_S = 0.01
# Source: SQLite, result codes: the low byte is the primary code of an extended one.
PRIMARY_CODE = 0xFF


@dataclass(frozen=True)
class BoardRecord:
    """What the database knows of one board. Times are UTC, ISO 8601; empty means never."""

    mac: str
    name: str
    claim: str
    board: str
    chip: str
    cluster: str
    labels: tuple[str, ...]
    port: str
    seen_at: str
    revision: int
    provisioned_at: str


@dataclass(frozen=True)
class Result:
    """How one command ended on one board."""

    at: str
    mac: str
    name: str
    command: str
    code: int
    message: str
    seconds: float


class NameTakenError(Exception):
    """The name is another board's."""

    def __init__(self, name: str, mac: str) -> None:
        super().__init__(f"{name} is {mac}")
        self.name = name
        self.mac = mac


class Database:
    """An open fleet database; a context manager.

    Raises: CmaError 4, from every method, for a file that is damaged, locked or not writable.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._in_words():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                path, timeout=BUSY_MS / 1000, isolation_level=None, check_same_thread=False
            )
        self._connection.row_factory = sqlite3.Row
        try:
            with self._in_words():
                _keep_a_log(self._connection)
                # A claim that a power cut forgets could give one name to two boards.
                self._connection.execute("PRAGMA synchronous = FULL")
            self._migrate()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> "Database":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def saw(
        self,
        mac: str,
        *,
        port: str,
        chip: str = "",
        board: str = "",
        now: datetime | None = None,
    ) -> None:
        """Remember that a board answered at a port, and what kind it is if that is known."""
        with self.transaction() as db:
            db.execute("UPDATE boards SET port = '' WHERE port = ? AND mac <> ?", (port, mac))
            db.execute(
                "INSERT INTO boards (mac, port, chip, board, seen_at) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (mac) DO UPDATE SET port = excluded.port,"
                " chip = iif(excluded.chip = '', chip, excluded.chip),"
                " board = iif(excluded.board = '', board, excluded.board),"
                " seen_at = excluded.seen_at",
                (mac, port, chip, board, _text(now)),
            )

    def claim(self, mac: str, name: str) -> None:
        """Give a name to a board, before anything is written to it.

        Claiming again what the board has already changes nothing. Raises: NameTakenError.
        """
        with self.transaction() as db:
            owner = db.execute("SELECT mac FROM boards WHERE name = ?", (name,)).fetchone()
            if owner and owner["mac"] != mac:
                raise NameTakenError(name, owner["mac"])
            if not owner:
                db.execute(
                    "INSERT INTO boards (mac, name, claim) VALUES (?, ?, 'started')"
                    " ON CONFLICT (mac) DO UPDATE SET name = excluded.name, claim = 'started'",
                    (mac, name),
                )

    def finish(
        self,
        mac: str,
        *,
        board: str,
        cluster: str,
        labels: tuple[str, ...],
        revision: int,
        now: datetime | None = None,
    ) -> None:
        """Record that a claimed board carries all its row says, read back and found equal."""
        with self.transaction() as db:
            db.execute(
                "UPDATE boards SET claim = 'done', board = ?, cluster = ?, labels = ?,"
                " revision = ?, provisioned_at = iif(claim = 'done' AND revision = ?"
                " AND provisioned_at <> '', provisioned_at, ?)"
                " WHERE mac = ? AND name IS NOT NULL",
                (board, cluster, json.dumps(labels), revision, revision, _text(now), mac),
            )

    def release(self, name: str, *, only_started: bool = False) -> BoardRecord | None:
        """Take a name back, so that another board may have it. Returns who had it."""
        with self.transaction() as db:
            row = db.execute("SELECT * FROM boards WHERE name = ?", (name,)).fetchone()
            if row is None or (only_started and row["claim"] != "started"):
                return None
            db.execute("UPDATE boards SET name = NULL, claim = NULL WHERE name = ?", (name,))
            return _record(row)

    def record(self, result: Result) -> None:
        """Add to the history."""
        with self.transaction() as db:
            db.execute(
                "INSERT INTO results (at, mac, name, command, code, message, seconds)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    result.at or _text(None),
                    result.mac,
                    result.name,
                    result.command,
                    result.code,
                    result.message,
                    result.seconds,
                ),
            )

    def history(self, mac: str = "", count: int = 20) -> list[Result]:
        """Return the latest results, newest first, of one board or of all."""
        rows = self.read(
            "SELECT at, mac, name, command, code, message, seconds FROM results"
            " WHERE ? IN ('', mac) ORDER BY id DESC LIMIT ?",
            mac,
            count,
        )
        return [Result(**dict(row)) for row in rows]

    def boards(self) -> list[BoardRecord]:
        """Return every board ever seen, by name."""
        rows = self.read("SELECT * FROM boards ORDER BY name IS NULL, name, mac")
        return [_record(row) for row in rows]

    def by_mac(self, mac: str) -> BoardRecord | None:
        """Return the board of that MAC address."""
        rows = self.read("SELECT * FROM boards WHERE mac = ?", mac)
        return _record(rows[0]) if rows else None

    def find(self, selector: str) -> list[BoardRecord]:
        """Return the boards that `NAME`, `id:MAC` (or its end) or `label=LABEL` selects."""
        kind, boards = selector.partition(":")[0], self.boards()
        if kind == "id":
            wanted = _plain(selector[3:])
            return [board for board in boards if wanted and _plain(board.mac).endswith(wanted)]
        if selector.startswith("label="):
            label = selector.removeprefix("label=")
            return [board for board in boards if label in board.labels]
        return [board for board in boards if board.name.lower() == selector.lower()]

    def read(self, query: str, *values: object) -> list[sqlite3.Row]:
        """Return the rows of a query."""
        with self._in_words():
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Write several things or none; others write before or after."""
        with self._in_words():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # a full disk ends it by itself
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise refused(_sentence(self._path, error)) from error

    def _migrate(self) -> None:
        with self.transaction() as db:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version > len(MIGRATIONS):
                raise refused(
                    f"{self._path} was written by a newer cma (form {version}, this one knows "
                    f"{len(MIGRATIONS)}). Run: pip install --upgrade cma-toolkit"
                )
            for script in MIGRATIONS[version:]:
                for statement in filter(str.strip, script.split(";")):
                    db.execute(statement)
            db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def _keep_a_log(connection: sqlite3.Connection) -> None:
    """Write ahead, so that readers wait for nobody.

    SQLite's own patience does not cover this switch: who opens a new file at the same time as
    another gets "locked" at once.
    """
    deadline_s = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if not _is_busy(error) or time.monotonic() >= deadline_s:
                raise
        time.sleep(RETRY_S)


def _is_busy(error: sqlite3.Error | OSError) -> bool:
    code = getattr(error, "sqlite_errorcode", 0)  # none, if Python's module raised it itself
    return code & PRIMARY_CODE == sqlite3.SQLITE_BUSY


def _sentence(path: Path, error: sqlite3.Error | OSError) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & PRIMARY_CODE
    if _is_busy(error):
        return f"{path} is in use by another cma: wait for it to end, then run this again."
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return (
            f"{path} is damaged or no fleet database: move it away and run this again; "
            "cma provision learns from the boards who they are."
        )
    return f"{path} cannot be used ({error}): make it writable and make room, then run this again."


def _record(row: sqlite3.Row) -> BoardRecord:
    fields: dict[str, Any] = dict(row)
    fields["name"] = fields["name"] or ""
    fields["claim"] = fields["claim"] or ""
    fields["labels"] = tuple(json.loads(fields["labels"]))
    return BoardRecord(**fields)


def _text(now: datetime | None) -> str:
    return (now or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="seconds")


def _plain(mac: str) -> str:
    try:
        return normal_mac(mac).replace(":", "")
    except ValueError:
        return mac.lower().replace(":", "").replace("-", "")
