"""What a board remembers of the MicroPythons that came over the air: a record of the journal.

Input    RuntimeRecord with its fields, to_bytes(), from_bytes(data)
Effects  none
Bounds   RECORD_BYTES_MAX, with REJECTED_MAX releases that were given up
Source   SPEC.md, "MicroPython"
"""

from ..codec.cbor import CborError, decode, encode
from .slots import BEGIN, EVENTS, FILLED, GIVE_UP, HEALTHY, START, TRANSITIONS, TRIAL_UNITS, Slot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .manifest import Manifest

KEY = b"runtime"
RECORD_BYTES_MAX = 512
REJECTED_MAX = 4
_FORMAT = 1
_NUMBERS, _FIELDS = 11, 15


class RuntimeRecord:
    """What is remembered; a new one knows nothing.

    Units: places are named by their offset in flash, 0 for none.
    Shape: `slot` is what was tried last, at `place`, while what stands at `before` ran; `sequence`
    and `counter` are those of what was confirmed last, at `confirmed_at`; `keys` names those that
    vouched for it; `rejected`: the documents that were given up, oldest first.
    """

    def __init__(self) -> None:
        self.slot = Slot()
        self.place = self.before = self.confirmed_at = 0
        self.sequence = self.counter = 0
        self.keys = b""
        self.rejected: "list[bytes]" = []

    def begin(self, document: bytes, manifest: "Manifest", place: int, before: int) -> None:
        """Begin a trial of what is whole at a place."""
        for event in (BEGIN, FILLED, START):
            self.slot.follow(event)
        self.slot.hold(document, manifest)
        self.place, self.before = place, before
        if self.confirmed_at == place:
            self.confirmed_at = 0  # it was written over

    def keep(self) -> None:
        """End a trial well: what is older is refused from now on."""
        slot = self.slot
        slot.follow(HEALTHY)
        self.sequence = max(self.sequence, slot.sequence)
        self.counter = max(self.counter, slot.security_counter)
        self.confirmed_at = self.place

    def reject(self, back_tries: int) -> None:
        """End a trial, and remember that release as one that is not tried again."""
        slot = self.slot
        self.rejected = (self.rejected + [slot.document])[-REJECTED_MAX:]
        slot.follow(GIVE_UP)
        slot.left = back_tries

    def to_bytes(self) -> bytes:
        """Return the record."""
        slot = self.slot
        numbers = [_FORMAT, slot.state, slot.left, self.place, self.before, slot.size_bytes]
        numbers += [slot.sequence, slot.security_counter]
        numbers += [self.sequence, self.counter, self.confirmed_at]
        fields = [slot.document, slot.digest, self.keys, self.rejected]
        return encode(numbers + fields, RECORD_BYTES_MAX)


def from_bytes(data: bytes) -> RuntimeRecord:
    """Return what a record says; one that is none, or of a later format, knows nothing."""
    record = RuntimeRecord()
    slot = record.slot
    try:
        fields: "Any" = decode(data)
        if fields[0] != _FORMAT or len(fields) != _FIELDS:
            return record
        numbers = [int(number) for number in fields[:_NUMBERS]]
        slot.document, slot.digest, keys = [bytes(each) for each in fields[_NUMBERS:-1]]
        rejected = [bytes(document) for document in fields[-1]]
    except (CborError, ValueError, TypeError, IndexError, KeyError):
        return RuntimeRecord()
    state, left = numbers[1:3]
    if not 0 <= state < len(TRANSITIONS) // EVENTS or not 0 <= left <= TRIAL_UNITS:
        return RuntimeRecord()
    slot.state, slot.left = state, left
    record.place, record.before = numbers[3:5]
    slot.size_bytes, slot.sequence, slot.security_counter = numbers[5:8]
    record.sequence, record.counter, record.confirmed_at = numbers[8:]
    record.keys, record.rejected = keys, rejected
    return record
