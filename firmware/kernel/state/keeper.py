"""What of an agent outlives its power: the boot count and the application's state.

Input    load(out) once, save_changes(out) after each handler
Effects  out.report(EVENT_STORE_…, which): 0 the boot count, 1 the state
Bounds   two records; STATE_BYTES_MAX
"""

from ..codec.cbor import CborError
from ..effects import Effects
from ..errors import EVENT_STORE_DAMAGED, EVENT_STORE_FAILED
from ..ports import Store
from . import record
from .values import State

_BOOTS, _STATE = 0, 1
_KEYS = ("boots", "state")


class Keeper:
    """Read and write an agent's records through its store."""

    def __init__(self, store: Store) -> None:
        self.boots = 0
        self.state = State({})
        self._store = store

    def load(self, out: Effects) -> None:
        """Count this boot and bring the state back; report what is damaged and start it anew."""
        boots = self._read(_BOOTS, out)
        self.boots = (boots if isinstance(boots, int) else 0) + 1
        self._write(_BOOTS, record.seal(self.boots, 16), out)
        values = self._read(_STATE, out)
        self.state = State(values if isinstance(values, dict) else {})

    def save_changes(self, out: Effects) -> None:
        """Store the state if it changed.

        Raises: CborError if the application changed a lent value into one without an encoding.
        """
        data = self.state.take_record()
        if data is not None:
            self._write(_STATE, data, out)

    def _read(self, which: int, out: Effects) -> object:
        try:
            data = self._store.read(_KEYS[which])
            return None if data is None else record.unseal(data)
        except CborError:
            out.report(EVENT_STORE_DAMAGED, which)
        except OSError:
            out.report(EVENT_STORE_FAILED, which)
        return None

    def _write(self, which: int, data: bytes, out: Effects) -> None:
        try:
            self._store.write(_KEYS[which], data)
        except OSError:
            out.report(EVENT_STORE_FAILED, which)
