"""`agent.state`: a small mapping that survives power loss.

Input    the mapping's methods, from the application
Effects  none; the agent asks `take_record` after each handler and stores what it returns
Bounds   STATE_BYTES_MAX encoded
"""

from ..codec import cbor
from ..limits import STATE_BYTES_MAX
from . import record


class State:
    """Behave as a dict with text keys whose values have a CBOR form."""

    def __init__(self, values: "dict[str, object]") -> None:
        self._values = values
        self._changed = False
        # A list or dict that was handed out may be changed in place: compare before trusting it.
        self._lent = False
        self._stored = cbor.encode(values, STATE_BYTES_MAX)

    def __getitem__(self, key: str) -> object:
        return self._lend(self._values[key])

    def get(self, key: str, default: object = None) -> object:
        """Return the value under a key, or the default."""
        return self._lend(self._values.get(key, default))

    def setdefault(self, key: str, default: object = None) -> object:
        """Return the value under a key; keep the default there first if there is none."""
        if key not in self._values:
            self[key] = default
        return self[key]

    def _lend(self, value: object) -> object:
        if isinstance(value, (list, dict)):
            self._lent = True
        return value

    def __setitem__(self, key: str, value: object) -> None:
        """Keep a value.

        Raises: ValueError if the state would have no encoding or be too large; it stays as it was.
        """
        if not isinstance(key, str):
            raise ValueError("a key of agent.state is text")
        missing = key not in self._values
        before = self._values.get(key)
        self._values[key] = value
        try:
            cbor.encode(self._values, STATE_BYTES_MAX)
        except cbor.CborError as error:
            if missing:
                del self._values[key]
            else:
                self._values[key] = before
            raise ValueError("agent.state['%s']: %s" % (key, error))
        self._changed = True

    def __delitem__(self, key: str) -> None:
        del self._values[key]
        self._changed = True

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def __len__(self) -> int:
        return len(self._values)

    def keys(self) -> "list[str]":
        """Return the keys in order of the alphabet, which is the same on every runtime."""
        return sorted(self._values)

    def take_record(self) -> "bytes | None":
        """Return the record to store if the state is not the one stored last, else None.

        Raises: CborError if a lent value was changed into one without an encoding.
        """
        if not self._changed and not self._lent:
            return None
        self._changed = self._lent = False
        encoded = cbor.encode(self._values, STATE_BYTES_MAX)
        if encoded == self._stored:
            return None
        self._stored = encoded
        return record.seal(self._values, STATE_BYTES_MAX)

    def as_dict(self) -> "dict[str, object]":
        """Return a copy of the mapping."""
        return dict(self._values)
