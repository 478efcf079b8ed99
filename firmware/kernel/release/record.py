"""What a board remembers of its slots and of whom it believes: a record of the release journal.

Input    Record with its fields, to_bytes(), from_bytes(data); facts_of, believe
Effects  none
Bounds   RECORD_BYTES_MAX, with REJECTED_MAX releases that were given up
Source   SPEC.md, "Slots"
"""

from hashlib import sha256

from ..codec.cbor import CborError, decode, encode
from .refusals import RefusedError
from .slots import EVENTS, TRANSITIONS, TRIAL_UNITS, Slot
from .trust import CURRENT_MAX, Trust

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

KEY, ROOT_KEY = b"slots", b"root"
RECORD_BYTES_MAX = 1_024
REJECTED_MAX = 4
ORIGIN_BYTES = 8
_FORMAT = 1
_SLOT_FIELDS = 7
_FACTS = 6
_STATES = len(TRANSITIONS) // EVENTS


class Record:
    """What is remembered; a new one knows nothing.

    Shape: `origin` names the root that was handed over by hand, and `root` is the one believed
    now; `counter`: the security counter of what was confirmed last; `rejected`: the documents of
    releases that were given up, oldest first.
    """

    def __init__(self) -> None:
        self.slots = [Slot(), Slot()]
        self.origin = self.root = b""
        self.facts = b""
        self.counter = 0
        self.rejected: "list[bytes]" = []
        self.has_to_restore = False  # the application's state, as it was before a trial
        self.is_doubtful = False  # found out while a slot could not be read; never stored

    def to_bytes(self) -> bytes:
        """Return the record, without the root."""
        slots = []
        for slot in self.slots:
            fields = [slot.state, slot.left, slot.document, slot.digest, slot.size_bytes]
            fields += [slot.sequence, slot.security_counter]
            slots.append(fields)
        fixed = [_FORMAT, slots, self.origin, self.facts, self.counter]
        return encode(fixed + [self.rejected, self.has_to_restore], RECORD_BYTES_MAX)


def from_bytes(data: bytes) -> "Record | None":
    """Return what a record says, None for one of a later format or one that is none."""
    record = Record()
    try:
        fields: "Any" = decode(data)
        if fields[0] != _FORMAT or len(fields) != 7:
            return None
        for number in range(2):
            _read_slot(record.slots[number], fields[1][number])
        record.origin, record.facts = bytes(fields[2]), bytes(fields[3])
        record.counter = int(fields[4])
        record.rejected = [bytes(document) for document in fields[5]]
        record.has_to_restore = bool(fields[6])
    except (CborError, ValueError, TypeError, IndexError, KeyError):
        return None
    return record


def _read_slot(slot: Slot, fields: "Any") -> None:
    slot.state, slot.left, slot.document, slot.digest = fields[:4]
    slot.size_bytes, slot.sequence, slot.security_counter = fields[4:_SLOT_FIELDS]
    if not 0 <= slot.state < _STATES or not 0 <= slot.left <= TRIAL_UNITS:
        raise ValueError


def origin_of(root: bytes) -> bytes:
    """Return the name of a root that was handed over by hand, b"" for none."""
    return sha256(root).digest()[:ORIGIN_BYTES] if root else b""


def facts_of(trust: "Trust") -> bytes:
    """Return all that a trust remembers beside its root."""
    numbers = [trust.sequence, trust.security_counter, trust.timestamp_version]
    return encode(numbers + [trust.expires_s, trust.time_s, trust.current])


def join_facts(origin: bytes, facts: bytes) -> bytes:
    """Return the facts as they stand in a slot's papers."""
    return origin + facts


def split_facts(data: bytes) -> "tuple[bytes, bytes]":
    """Return what `join_facts` joined."""
    return data[:ORIGIN_BYTES], data[ORIGIN_BYTES:]


def believe(root: bytes, facts: bytes = b"", families: "Any" = (sha256,)) -> "Trust | None":
    """Return the trust in a root, with what is remembered beside it; None if it is no root."""
    try:
        trust = Trust(root, families)
        if facts:
            held: "Any" = decode(facts)
            if len(held) != _FACTS or len(held[5]) > CURRENT_MAX:
                return None
            trust.sequence, trust.security_counter, trust.timestamp_version = held[:3]
            trust.expires_s, trust.time_s, trust.current = held[3:]
    except (RefusedError, CborError, ValueError, TypeError):
        return None
    return trust
