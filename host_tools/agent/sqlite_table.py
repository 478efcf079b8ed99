"""The table of an agent on a host: the kernel's own, over SQLite instead of flash.

SQLite's write-ahead log with full synchronisation is durable at each commit. The limits are those
of a board's flash, so that an application that runs here fits there. A file belongs to one process
at a time, and only a file that this module made is ever written to.
"""

import errno
import sqlite3
from pathlib import Path
from typing import Any

from cma_toolkit.firmware.kernel.state.sectors import UNIT_BYTES, record_units
from cma_toolkit.firmware.kernel.state.table import JournalTable

BOARD_CAPACITY = 88  # of a journal on sectors of 4,096 bytes
BUSY_MS = 1_000  # for a process that just ends

# Where and how the header of a SQLite file says whose it is: https://sqlite.org/fileformat.html
_MAGIC = b"SQLite format 3\0"
_HEADER_BYTES = 100
_VERSION_AT, _APPLICATION_AT = 60, 68
_APPLICATION = int.from_bytes(b"cmaS", "big")
_VERSION = 1


class SqliteMedium:
    """Rows of one file; what SQLite refuses is an OSError, as from a flash."""

    def __init__(self, path: Path) -> None:
        _check_owner(path)
        try:
            self._rows = sqlite3.connect(path, timeout=BUSY_MS / 1000, isolation_level=None)
            try:
                self._open()
            except sqlite3.Error:
                self._rows.close()
                raise
        except sqlite3.Error as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                raise OSError(errno.EBUSY, "another process has it open", str(path)) from error
            raise OSError(errno.EIO, str(error), str(path)) from error

    def _open(self) -> None:
        # From the first transaction on until the file is closed or the process ends.
        self._rows.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._rows.execute("PRAGMA synchronous = FULL")
        self._rows.execute("BEGIN EXCLUSIVE")
        if self._rows.execute("PRAGMA application_id").fetchone() == (0,):  # it is empty
            self._rows.execute(
                "CREATE TABLE records (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID"
            )
            # In the file itself before there is a log: its header alone tells whose it is.
            self._rows.execute(f"PRAGMA application_id = {_APPLICATION}")
            self._rows.execute(f"PRAGMA user_version = {_VERSION}")
        self._rows.execute("SELECT key, value FROM records LIMIT 0")
        self._rows.execute("COMMIT")
        self._rows.execute("PRAGMA journal_mode = WAL")

    def close(self) -> None:
        """Close the file."""
        self._rows.close()

    def read(self, key: bytes) -> bytes | None:
        """Return the value under a key, None if there is none."""
        found = self._select("SELECT value FROM records WHERE key = ?", key)
        return found[0][0] if found else None

    def keys(self) -> list[bytes]:
        """Return all keys in order."""
        return [row[0] for row in self._select("SELECT key FROM records ORDER BY key")]

    def usage(self) -> tuple[int, int, int]:
        """Return how many records there are, and the units they take and may take in a journal."""
        sizes = self._select("SELECT length(key), length(value) FROM records")
        return len(sizes), sum(record_units(*row) for row in sizes), BOARD_CAPACITY

    def write(self, changes: list[tuple[bytes, bytes | None]]) -> int:
        """Write one commit; a value of None deletes. Return what a board would have programmed."""
        units = 0
        try:
            with self._rows:  # commits, or rolls back whatever the exception
                self._rows.execute("BEGIN IMMEDIATE")
                for key, value in changes:
                    units += record_units(len(key), len(value or b""))
                    if value is None:
                        self._rows.execute("DELETE FROM records WHERE key = ?", (key,))
                    else:
                        self._rows.execute("REPLACE INTO records VALUES (?, ?)", (key, value))
        except sqlite3.Error as error:
            raise OSError(errno.EIO, str(error)) from error
        return UNIT_BYTES * units

    def wear(self) -> int:
        """Return 0: files do not wear."""
        return 0

    def _select(self, query: str, *parameters: bytes) -> list[tuple[Any, ...]]:
        try:
            return self._rows.execute(query, parameters).fetchall()
        except sqlite3.Error as error:
            raise OSError(errno.EIO, str(error)) from error


class SqliteTable(JournalTable):
    """A table in one file.

    Raises: OSError if the file cannot be opened as one of ours.
    """

    def __init__(self, path: Path) -> None:
        self._file = SqliteMedium(path)
        super().__init__(self._file)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _check_owner(path: Path) -> None:
    """Refuse a file that is not ours; look at its bytes only, since SQLite may write at opening.

    Raises: OSError for what is neither absent, nor empty, nor a table of this module.
    """
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER_BYTES)
    except FileNotFoundError:
        return
    if not header:
        return
    whose = header[_APPLICATION_AT : _APPLICATION_AT + 4]
    if not header.startswith(_MAGIC) or whose != _APPLICATION.to_bytes(4, "big"):
        raise OSError(errno.EINVAL, "no agent made it", str(path))
    if header[_VERSION_AT : _VERSION_AT + 4] != _VERSION.to_bytes(4, "big"):
        raise OSError(errno.EINVAL, "another version of cma made it", str(path))
