"""The table of an agent on a host: the kernel's own, over SQLite instead of flash.

SQLite's write-ahead log with full synchronisation is durable at each commit. The limits are those
of a board's flash, so that an application that runs here fits there.
"""

import sqlite3
from pathlib import Path
from typing import Any

from cma_toolkit.firmware.kernel.state.sectors import UNIT_BYTES, record_units
from cma_toolkit.firmware.kernel.state.table import JournalTable

EIO = 5
BOARD_CAPACITY = 88  # of a journal on sectors of 4,096 bytes
BUSY_MS = 5_000  # for another process that looks into the file


class SqliteMedium:
    """Rows of one file; what SQLite refuses is an OSError, as from a flash."""

    def __init__(self, path: Path) -> None:
        try:
            self._rows = sqlite3.connect(path, timeout=BUSY_MS / 1000, isolation_level=None)
            self._rows.execute("PRAGMA journal_mode = WAL")
            self._rows.execute("PRAGMA synchronous = FULL")
            self._rows.execute(
                "CREATE TABLE IF NOT EXISTS records (key BLOB PRIMARY KEY, value BLOB NOT NULL)"
                " WITHOUT ROWID"
            )
        except sqlite3.Error as error:
            raise OSError(EIO, f"{path}: {error}") from error

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
            raise OSError(EIO, str(error)) from error
        return UNIT_BYTES * units

    def wear(self) -> int:
        """Return 0: files do not wear."""
        return 0

    def _select(self, query: str, *parameters: bytes) -> list[tuple[Any, ...]]:
        try:
            return self._rows.execute(query, parameters).fetchall()
        except sqlite3.Error as error:
            raise OSError(EIO, str(error)) from error


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
