"""`agent.state`: a small mapping that survives sleep and power loss.

Each key is a key of the table, so that a change costs the flash its own bytes and no more.

Input    the mapping's methods, from the application; load, stage, on_stored from the keeper
Effects  none; `stage` hands changed keys to the table
Bounds   STATE_KEYS_MAX; STATE_BYTES_MAX, all keys and encoded values together
Source   SPEC.md, "Stored records"
"""

from ..codec import cbor
from ..limits import STATE_BYTES_MAX, STATE_KEY_BYTES_MAX, STATE_KEYS_MAX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..shapes import Table

PREFIX = b"s"  # of the table's keys that are ours


class State:
    """Behave as a dict with text keys whose values have a CBOR form."""

    def __init__(self) -> None:
        self._values: "dict[str, object]" = {}
        self._sizes: "dict[str, int]" = {}
        self._changed: "dict[str, bytes | None]" = {}  # since they were stored; None: deleted
        # A list or dict that was handed out may be changed in place: what it was tells.
        self.lent: "dict[str, bytes]" = {}
        self._critical: "list[str]" = []
        self.is_touched = False  # something was changed or lent since `find_changes`

    def __getitem__(self, key: str) -> object:
        return self._lend(key, self._values[key])

    def get(self, key: str, default: object = None) -> object:
        """Return the value under a key, or the default."""
        return self[key] if key in self._values else default

    def setdefault(self, key: str, default: object = None) -> object:
        """Return the value under a key; keep the default there first if there is none."""
        if key not in self._values:
            self[key] = default
        return self[key]

    def __setitem__(self, key: str, value: object) -> None:
        """Keep a value.

        Raises: ValueError if the state would have no encoding or be too large; it stays as it was.
        """
        if not isinstance(key, str) or not 0 < len(key.encode()) <= STATE_KEY_BYTES_MAX:
            raise ValueError("a key of agent.state is text of 1 to %d bytes" % STATE_KEY_BYTES_MAX)
        if key not in self._values and len(self._values) == STATE_KEYS_MAX:
            raise ValueError("agent.state holds at most %d keys" % STATE_KEYS_MAX)
        self._changed[key] = self._encode(key, value)
        self._values[key] = value
        self.is_touched = True
        self.lent.pop(key, None)

    def __delitem__(self, key: str) -> None:
        del self._values[key]
        del self._sizes[key]
        self.lent.pop(key, None)
        self._changed[key] = None
        self.is_touched = True

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def __len__(self) -> int:
        return len(self._values)

    def keys(self) -> "list[str]":
        """Return the keys in order of the alphabet, which is the same on every runtime."""
        return sorted(self._values)

    def critical(self, *keys: str) -> None:
        """Have these keys on flash before anything is sent that was said after their change.

        Other keys are written within STATE_DELAY_MS, and before every sleep.
        """
        for key in keys:
            if key not in self._critical:
                self._critical.append(key)

    def as_dict(self) -> "dict[str, object]":
        """Return a copy of the mapping."""
        return dict(self._values)

    # --- what the keeper calls ---

    def load(self, table: "Table") -> int:
        """Take every value from a table; return how many were damaged and left out.

        Raises: OSError when the medium fails.
        """
        damaged = 0
        names = table.keys()
        for name in names:
            if name[:1] != PREFIX:
                continue
            data = table.get(name)
            try:
                if data is not None:
                    key = str(name[1:], "utf-8")
                    self._values[key] = cbor.decode(data)
                    self._sizes[key] = len(name) + len(data)
            except ValueError:
                damaged += 1
        return damaged

    def has_critical(self) -> bool:
        """Tell whether the application named critical keys at all."""
        return bool(self._critical)

    def find_changes(self) -> bool:
        """Tell whether something waits to be stored, having looked at what was lent.

        Raises: CborError if a lent value was changed into one without an encoding: that value is
        what it was before, the others wait.
        """
        for key in sorted(self.lent) if self.lent else ():
            before = self.lent[key]
            try:
                data = self._encode(key, self._values[key])
            except cbor.CborError:
                del self.lent[key]  # nobody has the value that takes its place
                self._values[key] = cbor.decode(before)
                raise
            if data != before:
                self.lent[key] = data  # whoever has it may change it again
                self._changed[key] = data
        self.is_touched = False
        return bool(self._changed)

    def is_critical_changed(self) -> bool:
        """Tell whether a critical key is among the changes found."""
        for key in self._critical:  # noqa: SIM110 - a generator would allocate
            if key in self._changed:
                return True
        return False

    def stage(self, table: "Table", deletions: bool, values: bool) -> None:
        """Hand changes of one kind or both to the table, which still has to commit them."""
        for key in sorted(self._changed):
            data = self._changed[key]
            if data is None:
                if deletions:
                    table.delete(PREFIX + key.encode())
            elif values:
                table.put(PREFIX + key.encode(), data)

    def on_stored(self) -> None:
        """Take note that all that was staged is durable."""
        self._changed.clear()

    def _encode(self, key: str, value: object) -> bytes:
        name_bytes = len(PREFIX) + len(key.encode())
        others = sum(self._sizes.values()) - self._sizes.get(key, 0)
        try:
            data = cbor.encode(value, max(0, STATE_BYTES_MAX - others - name_bytes))
        except cbor.CborError as error:
            raise cbor.CborError("agent.state['%s']: %s" % (key, error))
        self._sizes[key] = name_bytes + len(data)
        return data

    def _lend(self, key: str, value: object) -> object:
        if isinstance(value, (list, dict)) and key not in self.lent:
            self.lent[key] = cbor.encode(value, STATE_BYTES_MAX)
            self.is_touched = True
        return value
