"""Attacks 1 to 5: a release that nobody with the right key signed, as it stands."""

from dataclasses import replace

from attacks.attack import attack, check, refused
from attacks.places import ENVELOPE, LMS, TRUST
from attacks.slots import TWO, Box

from cma_toolkit.firmware.kernel.release.refusals import REFUSED_MALFORMED, REFUSED_UNSIGNED
from cma_toolkit.host_tools.release import documents
from cma_toolkit.host_tools.release.lms_key import ParameterSet
from support.release_board import FIRST, RELEASE, ROOT, THIEF, TIMESTAMP, Handed
from support.release_signers import LATER_S, NOW_S, Signer, manifest, role, signed

SIGNED_BY_ITS_ROLE = check(
    "the signature of a release",
    TRUST,
    "if not self.root.is_signed(ROLE_RELEASE, envelope, self._families):",
    "if False:",
)
TRUE_SIGNATURE = check(
    "the verification of a signature",
    ENVELOPE,
    "if verify(key, signed, signature, families):",
    "if True:",
)


def listed(payload: bytes) -> Handed:
    """Return a board that took a good release and believes that another document is current."""
    handed = Handed()
    assert handed.release(manifest()) == 0
    assert handed.current(payload) == 0
    return handed


@attack(SIGNED_BY_ITS_ROLE)
def test_attack_01_unsigned() -> None:
    payload = manifest(2)
    handed = listed(payload)
    refused(lambda: handed.take(documents.envelope(payload)), REFUSED_UNSIGNED)


@attack(SIGNED_BY_ITS_ROLE)
def test_attack_01_signatures_stripped_off_on_the_air() -> None:
    """An image without a signature runs where somebody flashed it by a cable, and only there."""
    box = Box()
    box.boot()
    assert box.runs() == 1
    payload, _ = documents.open_envelope(TWO.envelope)
    bare = replace(TWO, envelope=documents.envelope(payload))
    refused(lambda: box.offer(bare), REFUSED_UNSIGNED)
    assert box.offer(TWO) == 0


@attack(SIGNED_BY_ITS_ROLE, TRUE_SIGNATURE)
def test_attack_02_unknown_key() -> None:
    payload = manifest(2)
    handed = listed(payload)
    own_id, signature = THIEF.sign(payload)
    # Under the release key's id first, then under his own.
    for key_id in (RELEASE.id, own_id):
        data = documents.envelope(payload, [(key_id, signature)])
        refused(lambda data=data: handed.take(data), REFUSED_UNSIGNED, key_id)


@attack(
    check(
        "the role of a key",
        TRUST,
        "        threshold, keys = self.roles[role]",
        "        threshold, keys = 1, [key for _, held in self.roles for key in held]",
    )
)
def test_attack_03_valid_key_of_another_role() -> None:
    payload = manifest(2)
    handed = listed(payload)
    for signer in (ROOT, TIMESTAMP):
        data = signed(payload, [signer])
        refused(lambda data=data: handed.take(data), REFUSED_UNSIGNED)


@attack(
    check(
        "the kind of a document",
        TRUST,
        "len(fields) != 1 + count or fields[0] != kind:",
        "len(fields) < 1 + count:",
    )
)
def test_attack_03_document_of_another_kind_by_a_key_of_two_roles() -> None:
    both = replace(FIRST, roles={**FIRST.roles, "timestamp": role(1, RELEASE)})
    handed = Handed(both)
    assert handed.current(manifest(), signer=RELEASE) == 0
    other = documents.timestamp(2, NOW_S, LATER_S, [])
    as_status = b"\x85\x66status" + other.removeprefix(b"\x85\x69timestamp")
    refused(lambda: handed.trust.on_timestamp(signed(as_status, [RELEASE])), REFUSED_MALFORMED)


@attack(
    check(
        "the digest of what came",
        ENVELOPE,
        "self._suit_digest = _DIGEST + sha256(view[at:last]).digest()",
        "self._suit_digest = bytes(view[start + 3 : start + 39])",
    )
)
def test_attack_04_every_bit_of_the_manifest_flipped() -> None:
    payload = manifest(2)
    handed = listed(payload)
    data = signed(payload, [RELEASE])
    reasons = set()
    for bit in range(8 * len(payload)):
        flipped = bytearray(data)
        flipped[-1 - (bit >> 3)] ^= 1 << (bit & 7)
        reasons.add(refused(lambda flipped=flipped: handed.take(bytes(flipped)), what=bit))
    assert reasons == {REFUSED_MALFORMED}
    assert handed.take(data) == 0


@attack(
    check(
        "the comparison with the key",
        LMS,
        "return bool(hashed.digest()[:size] == bytes(key[24:]))",
        "return True",
    )
)
def test_attack_05_signature_flipped_everywhere() -> None:
    """Every bit of its numbers and of its path; of its 51 chains, one bit of each byte."""
    short = Signer(50, ParameterSet(10, 7))  # a short one: each flip costs a verification
    handed = Handed(replace(FIRST, roles={**FIRST.roles, "release": role(1, short)}))
    payload = manifest()
    data = signed(payload, [short])
    assert handed.current(payload) == 0 and handed.take(data) == 0
    start = data.index(documents.open_envelope(data)[1][0][1])
    chains = range(start + 12 + 24, start + 12 + 24 + 51 * 24)
    for at in range(start, len(data) - len(payload) - 3):
        for bit in (at % 8,) if at in chains else range(8):
            flipped = bytearray(data)
            flipped[at] ^= 1 << bit
            refused(lambda flipped=flipped: handed.take(bytes(flipped)), REFUSED_UNSIGNED, at)
