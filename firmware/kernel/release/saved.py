"""The application's state as it was before a trial, kept until the trial is over.

What a release writes, the one before it need not understand. So a trial that is given up gives the
older release its own state back, before that runs.

Input    keep(table, state), restore(table, state), forget(table)
Effects  none; stages in `table`, the release journal's; `restore` commits the agent's table
Bounds   SAVED_BYTES_MAX
"""

from ..codec.cbor import CborError, decode, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..shapes import Table

STATE_PREFIX = b"s"  # of the application's keys in the agent's table
_KEYS = (b"saved0", b"saved1")
_PART_BYTES = 1_024
SAVED_BYTES_MAX = len(_KEYS) * _PART_BYTES


def keep(table: "Table", state: "Table") -> None:
    """Stage a copy of the application's state.

    Raises: OSError when the agent's medium fails; CborError if there is more than it may be.
    """
    held: "list[bytes]" = []
    for key in state.keys():  # noqa: SIM118 - a table, not a dict
        value = state.get(key) if key[:1] == STATE_PREFIX else None
        if value is not None:
            held += [key, value]
    data = encode(held, SAVED_BYTES_MAX)
    for number, key in enumerate(_KEYS):
        part = data[number * _PART_BYTES : (number + 1) * _PART_BYTES]
        if part:
            table.put(key, part)
        else:
            table.delete(key)


def restore(table: "Table", state: "Table") -> bool:
    """Put back what was kept, as one commit; tell whether anything was kept.

    Raises: OSError when a medium fails.
    """
    data = b"".join([table.get(key) or b"" for key in _KEYS])
    try:
        held: "Any" = decode(data)
    except CborError:
        return False
    for key in state.keys():  # noqa: SIM118 - a table, not a dict
        if key[:1] == STATE_PREFIX and key not in held[::2]:
            state.delete(key)
    for at in range(0, len(held), 2):
        state.put(held[at], held[at + 1])
    state.commit()
    return True


def forget(table: "Table") -> None:
    """Stage the removal of what was kept."""
    for key in _KEYS:
        table.delete(key)
