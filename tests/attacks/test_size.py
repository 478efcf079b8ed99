"""Attacks 23, 24 and 65: more than there is room for."""

import tracemalloc

from attacks.attack import attack, check, refused, stopped
from attacks.places import MANIFEST, TRUST

from cma_toolkit.firmware.kernel.release import refusals
from cma_toolkit.host_tools.release import documents
from support.release_board import SLOT_BYTES, TIMESTAMP, Handed
from support.release_signers import LATER_S, NOW_S, manifest, signed

HEAP_BYTES = 16 * 1024  # on CPython, where everything takes more than on a board


@attack(check("the size of a document", TRUST, "if len(data) > DOCUMENT_BYTES_MAX:", "if False:"))
def test_attack_24_document_over_its_size() -> None:
    """Nobody has to have a key for it: a document is read before its signatures are verified."""
    handed = Handed()
    good = signed(documents.timestamp(1, NOW_S, LATER_S, []), [TIMESTAMP])
    assert handed.trust.on_timestamp(good) == 0
    large = documents.envelope(b"\x99\xea\x60" + bytes(60_000))  # a list of as many numbers
    for take in (handed.trust.on_timestamp, handed.trust.on_root):
        tracemalloc.start()
        try:
            refused(lambda take=take: take(large), refusals.REFUSED_MALFORMED)
            stopped(tracemalloc.get_traced_memory()[1] < HEAP_BYTES, "the heap is full")
        finally:
            tracemalloc.stop()


@attack(
    check(
        "the signature before the manifest",
        TRUST,
        "        if not self.root.is_signed(ROLE_RELEASE, envelope, self._families):\n"
        "            raise RefusedError(REFUSED_UNSIGNED)\n"
        "        return from_bytes(envelope.payload)",
        "        made, keys = from_bytes(envelope.payload), self._families\n"
        "        if self.root.is_signed(ROLE_RELEASE, envelope, keys): return made\n"
        "        raise RefusedError(REFUSED_UNSIGNED)",
        (TRUST, "if envelope.digest() not in self.current:", "if False:"),
    )
)
def test_attack_24_manifest_over_its_size() -> None:
    handed = Handed()
    assert handed.release(manifest()) == 0
    large = documents.envelope(b"\x99\xea\x60" + bytes(60_000))
    tracemalloc.start()
    try:
        refused(lambda: handed.take(large))
        stopped(tracemalloc.get_traced_memory()[1] < HEAP_BYTES, "the heap is full")
    finally:
        tracemalloc.stop()


@attack(
    check(
        "the size of a slot",
        MANIFEST,
        "not 0 < manifest.size_bytes <= board.slot_bytes),",
        "False),",
    )
)
def test_attack_65_oversize_image() -> None:
    assert Handed().release(manifest(size_bytes=SLOT_BYTES)) == 0
    for size_bytes in (SLOT_BYTES + 1, 0):
        payload = manifest(size_bytes=size_bytes)
        refused(lambda payload=payload: Handed().release(payload), refusals.REFUSED_SIZE)
