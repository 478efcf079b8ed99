"""Keys and values that outlive the power: changes are staged, then committed as one.

Input    get, keys, put, delete, commit, rollback: all that `Table` of kernel/ports.py has
Effects  none; a commit writes to the medium under the table
Bounds   KEY_BYTES_MAX, VALUE_BYTES_MAX, KEYS_MAX keys, the medium's capacity in units
"""

from .journal import ENOSPC
from .sectors import (
    KEY_BYTES_MAX,
    KEYS_MAX,
    VALUE_BYTES_MAX,
    record_units,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..shapes import Medium


class JournalTable:
    """A table over a journal, or over a medium that behaves like one."""

    def __init__(self, medium: "Medium") -> None:
        self._medium = medium
        self._staged: dict[bytes, bytes | None] = {}

    def get(self, key: bytes) -> "bytes | None":
        """Return the value under a key, None if there is none; staged changes count.

        Raises: OSError when the medium fails.
        """
        if key in self._staged:
            return self._staged[key]
        return self._medium.read(key)

    def keys(self) -> "list[bytes]":
        """Return all keys in order; staged changes count.

        Raises: OSError when the medium fails.
        """
        stored = self._medium.keys()
        found = [key for key in stored if key not in self._staged]
        found += [key for key in self._staged if self._staged[key] is not None]
        return sorted(found)

    def put(self, key: bytes, value: bytes) -> None:
        """Stage a value for the next commit.

        Raises: ValueError if the key or the value is too long for a record.
        """
        if not 0 < len(key) <= KEY_BYTES_MAX or len(value) > VALUE_BYTES_MAX:
            raise ValueError("a key has 1 to 36 bytes, a value at most 1024")
        self._staged[bytes(key)] = bytes(value)

    def delete(self, key: bytes) -> None:
        """Stage the removal of a key for the next commit."""
        self._staged[bytes(key)] = None

    def rollback(self) -> None:
        """Forget what is staged."""
        self._staged = {}

    def commit(self) -> int:
        """Make all that is staged durable, as one.

        Returns: bytes programmed, 0 if there was nothing to do.
        Raises: OSError when the medium fails or is full; then nothing of it holds.
        """
        staged, self._staged = self._staged, {}
        count, live, capacity = self._medium.usage()
        size = 0
        changes = []
        for key in sorted(staged):
            value = staged[key]
            old = self._medium.read(key)
            if value is None and old is None:
                continue
            units = record_units(len(key), len(value or b""))
            size += units
            if old is not None:
                live -= record_units(len(key), len(old))
            if value is not None:
                live += units
                count += old is None
            changes.append((key, value))
        if count > KEYS_MAX or max(size, live) > capacity:
            raise OSError(ENOSPC, "the table is full")
        return self._medium.write(changes) if changes else 0

    def wear(self) -> int:
        """Return how often the most worn sector was erased, 0 where nothing wears."""
        return self._medium.wear()
