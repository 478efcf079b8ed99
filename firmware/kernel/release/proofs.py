"""What slots prove by themselves: whether an image is whole, and all of it without a journal.

Input    is_whole(flash, slot, digest, size), find(flash, handed_root)
Effects  none; reads the flash
Bounds   each image is read once, in parts of _PART_BYTES
Source   SPEC.md, "Slots"
"""

from hashlib import sha256

from . import papers
from .envelope import Envelope
from .index import block_bytes, block_count
from .layout import image_bytes, slot_at, trailer_at
from .manifest import from_bytes
from .record import Record, believe, facts_of, origin_of, split_facts
from .refusals import REFUSED_UNSIGNED, RefusedError
from .slots import BEGIN, FOUND, FOUND_NEWER, Slot
from .trust import ROLE_RELEASE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..ports import Flash
    from .trust import Trust

_PART_BYTES = 1024


def is_whole(flash: "Flash", slot: int, digest: bytes, size_bytes: int) -> bool:
    """Tell whether the image in a slot has a digest.

    Raises: OSError when the medium fails.
    """
    if not 0 < size_bytes <= image_bytes(flash.sector_count):
        return False
    start = slot_at(slot, flash.sector_count) * flash.sector_bytes
    buffer = memoryview(bytearray(_PART_BYTES))
    index = sha256()
    for number in range(block_count(size_bytes)):
        block = sha256()
        left = block_bytes(size_bytes, number)
        while left:
            part = buffer[: min(left, _PART_BYTES)]
            flash.read(start, part)
            block.update(part)
            start += len(part)
            left -= len(part)
        index.update(block.digest())
    return index.digest() == digest


def find(flash: "Flash", handed_root: bytes, families: "Any") -> Record:
    """Return what the slots prove, as after the loss of the journal.

    Of two that are whole the newer one is on trial: whether it was confirmed is not known.
    """
    found = Record()
    found.origin = origin_of(handed_root)
    trust = believe(handed_root, b"", families)
    proven = []
    for at in range(2):
        try:
            held = papers.read(flash, trailer_at(at, flash.sector_count))
            if held is None:
                continue
            believed = _vouch(found.slots[at], held, handed_root, families)
            if believed and (trust is None or _age(believed) > _age(trust)):
                trust, found.root = believed, held.root
            if is_whole(flash, at, found.slots[at].digest, found.slots[at].size_bytes):
                proven.append((found.slots[at].sequence, at))
            else:
                found.slots[at].follow(BEGIN)
        except (OSError, MemoryError):
            found.slots[at] = Slot()
            found.is_doubtful = True  # it may be read next time
        except RefusedError:
            pass  # it proves nothing
    for place, (_, at) in enumerate(sorted(proven)):
        found.slots[at].follow(FOUND_NEWER if place else FOUND)
        if not place:
            _count_from(found, found.slots[at], trust)
    if trust:
        found.root = found.root or handed_root
        found.facts = facts_of(trust)
    return found


def _vouch(
    slot: Slot, held: "papers.Papers", handed_root: bytes, families: "Any"
) -> "Trust | None":
    """Take over what papers say; return whom the board believed when it took them.

    Raises: RefusedError if nobody vouches for them (flash). None: somebody flashed them by hand.
    """
    envelope = Envelope(held.envelope)
    trust = None
    if not envelope.is_by_hand():
        origin, facts = split_facts(held.facts)
        if handed_root and origin != origin_of(handed_root):
            trust = believe(handed_root, b"", families)
        else:
            trust = believe(held.root, facts, families)
        if trust is None or not trust.root.is_signed(ROLE_RELEASE, envelope, families):
            raise RefusedError(REFUSED_UNSIGNED)
    slot.hold(envelope.digest(), from_bytes(envelope.payload))
    return trust


def _age(trust: "Trust") -> "tuple[int, int]":
    return trust.root.version, trust.timestamp_version


def _count_from(found: Record, slot: Slot, trust: "Trust | None") -> None:
    # What ran before counts as confirmed: nothing older is taken from now on.
    found.counter = slot.security_counter
    if trust:
        trust.on_confirmed(slot.manifest())
