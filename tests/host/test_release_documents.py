"""What a board believes of what it is handed: the attacks on documents, each by its name."""

import random
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from cma_toolkit.firmware.kernel.release import refusals
from cma_toolkit.firmware.kernel.release.envelope import Envelope
from cma_toolkit.firmware.kernel.release.manifest import (
    MANIFEST_BYTES_MAX,
    NUMBER_MAX,
    Board,
    Manifest,
    from_bytes,
    to_bytes,
)
from cma_toolkit.firmware.kernel.release.refusals import RefusedError
from cma_toolkit.firmware.kernel.release.trust import Root, Trust
from cma_toolkit.host_tools.release import documents
from cma_toolkit.host_tools.release.documents import RootDocument
from support.release_signers import (
    CLASS_ID,
    DAY_S,
    DIGEST,
    LATER_S,
    MPY,
    NOW_S,
    Signer,
    manifest,
    role,
    signed,
)

SLOT_BYTES = 256 * 1024
ROOT, ROOT_2, RELEASE, RELEASE_2, TIMESTAMP, THIEF = (Signer(seed) for seed in range(6))
FIRST = RootDocument(
    1,
    LATER_S,
    {
        "root": role(2, ROOT, ROOT_2),
        "release": role(1, RELEASE),
        "timestamp": role(1, TIMESTAMP),
    },
)


class Handed:
    """A board, and what somebody hands to it."""

    def __init__(self, first: RootDocument = FIRST) -> None:
        self.trust = Trust(first.to_bytes())
        self.board = Board((CLASS_ID,), SLOT_BYTES, MPY)
        self._version = 0

    def current(self, *payloads: bytes, signer: Signer = TIMESTAMP, now_s: int = NOW_S) -> int:
        """Say that these documents are current, until a week from now."""
        self._version += 1
        digests = [documents.digest_of(payload) for payload in payloads]
        said = documents.timestamp(self._version, now_s, now_s + 7 * DAY_S, digests)
        return self.trust.on_timestamp(signed(said, [signer]), now_s)

    def release(self, payload: bytes, *signers: Signer, now_s: int = NOW_S) -> int:
        """Hand over a release that is current."""
        assert self.current(payload, now_s=now_s) == 0
        return self.take(signed(payload, signers or [RELEASE]), now_s)

    def take(self, data: bytes, now_s: int = NOW_S) -> int:
        """Hand over bytes as a release."""
        return self.trust.on_release(data, self.board, now_s)


def next_root(root: RootDocument = FIRST, **changes: object) -> RootDocument:
    return replace(root, version=root.version + 1, **changes)


def hand_root(trust: Trust, root: RootDocument, *signers: Signer) -> int:
    return trust.on_root(signed(root.to_bytes(), signers))


def test_a_good_release_is_taken_with_what_it_says() -> None:
    handed = Handed()
    assert handed.release(manifest(3, battery_mv=3_600, security_counter=2)) == 0
    taken = handed.trust.manifest
    assert taken and (taken.sequence, taken.security_counter, taken.digest) == (3, 2, DIGEST)


def test_class_01_unsigned() -> None:
    handed, payload = Handed(), manifest()
    assert handed.current(payload) == 0
    assert handed.take(documents.envelope(payload)) == refusals.REFUSED_UNSIGNED


def test_class_02_unknown_key() -> None:
    assert Handed().release(manifest(), THIEF) == refusals.REFUSED_UNSIGNED


@pytest.mark.parametrize("signer", [ROOT, TIMESTAMP])
def test_class_03_valid_key_of_another_role(signer: Signer) -> None:
    assert Handed().release(manifest(), signer) == refusals.REFUSED_UNSIGNED


def test_class_03_a_document_of_another_kind_by_a_key_of_both_roles() -> None:
    both = replace(FIRST, roles={**FIRST.roles, "timestamp": role(1, RELEASE)})
    handed = Handed(both)
    said = documents.timestamp(1, NOW_S, LATER_S, [])
    assert handed.current(said, signer=RELEASE) == 0
    assert handed.take(signed(said, [RELEASE])) == refusals.REFUSED_MALFORMED


def test_class_04_every_bit_of_the_manifest_flipped() -> None:
    handed, payload = Handed(), manifest()
    assert handed.current(payload) == 0
    data = signed(payload, [RELEASE])
    for bit in range(8 * len(payload)):
        flipped = bytearray(data)
        flipped[-1 - (bit >> 3)] ^= 1 << (bit & 7)
        assert handed.take(bytes(flipped)) == refusals.REFUSED_MALFORMED, bit
    assert handed.take(data) == 0


def test_class_05_every_byte_of_the_signature_flipped() -> None:
    handed, payload = Handed(), manifest()
    assert handed.current(payload) == 0
    data = signed(payload, [RELEASE])
    signature = documents.open_envelope(data)[1][0][1]
    start = data.index(signature)
    for at in range(start, start + len(signature), 3):
        flipped = bytearray(data)
        flipped[at] ^= 1 << at % 8
        assert handed.take(bytes(flipped)) == refusals.REFUSED_UNSIGNED, at


def test_class_06_cut_off_at_every_length_and_07_trailing_bytes() -> None:
    handed, payload = Handed(), manifest()
    assert handed.current(payload) == 0
    data = signed(payload, [RELEASE])
    for size in range(len(data)):
        assert handed.take(data[:size]) == refusals.REFUSED_MALFORMED, size
    assert handed.take(data + b"\0") == refusals.REFUSED_MALFORMED
    for wrong in (payload[:-1], payload + b"\0"):
        assert Handed().release(wrong) == refusals.REFUSED_MALFORMED


def test_class_08_duplicate_keys() -> None:
    payload = manifest()
    doubled = b"\xa6" + payload[1:3] * 2 + payload[3:]
    assert Handed().release(doubled) == refusals.REFUSED_MALFORMED


def test_class_09_other_encodings_of_the_same() -> None:
    payload = manifest()
    longer = payload.replace(b"\x02\x01\x03", b"\x02\x18\x01\x03")
    assert longer != payload and cbor2.loads(longer) == cbor2.loads(payload)
    assert Handed().release(longer) == refusals.REFUSED_MALFORMED
    yes = payload.replace(b"\xa5\x01\x01", b"\xa5\x01\xf5")  # true, which Python takes for 1
    assert yes != payload
    assert Handed().release(yes) == refusals.REFUSED_MALFORMED
    for name in ("security_counter", "mpy", "battery_mv", "after"):
        assert Handed().release(manifest(**{name: True})) == refusals.REFUSED_MALFORMED, name
    for name, value in (("class_id", CLASS_ID[:-1]), ("digest", DIGEST + b"\0")):
        assert Handed().release(manifest(**{name: value})) == refusals.REFUSED_MALFORMED, name


def test_class_09_other_forms_of_an_envelope() -> None:
    handed, payload = Handed(), manifest()
    assert handed.current(payload) == 0
    data = signed(payload, [RELEASE])
    wrapper, rest = data[7 : -len(payload) - 3], data[-len(payload) - 3 :]
    head, block_head, block = data[:4], wrapper[39:42], wrapper[42:]
    assert wrapper[:1] == b"\x82" and rest[0] == 3 and rest[2] == len(payload)

    def framed(wrapped: bytes, last: bytes = rest) -> bytes:
        size = len(wrapped)
        length = b"\x59" + size.to_bytes(2, "big") if size > 255 else bytes((0x58, size))
        return head + length + wrapped + last

    assert framed(wrapper) == data and handed.take(data) == 0
    short = block[:19] + b"\x41\0"  # up to the key's id and null
    wrong = {
        "a longer head": framed(wrapper, b"\x03\x59\0" + rest[2:]),
        "a byte after the document": framed(wrapper, rest + b"\0"),
        "a byte after the signatures": framed(wrapper + b"\0"),
        "a signature too many": framed(b"\x83" + wrapper[1:]),
        "a signature too few": framed(b"\x81" + wrapper[1:]),
        "no list of signatures": framed(b"\x40" + wrapper[1:39]),
        "a byte in a block after its signature": framed(
            wrapper[:40] + (len(block) + 1).to_bytes(2, "big") + block + b"\0"
        ),
        "a signature beyond its block": framed(
            wrapper[:40] + (len(block) - 1).to_bytes(2, "big") + block
        ),
        "a block beyond the wrapper": framed(wrapper[:-1], rest) + b"\0",
        "a short string, two bytes of length": framed(
            wrapper[:39] + b"\x59\0" + bytes([len(short)]) + short
        ),
        "a short string, one byte of length": framed(
            wrapper[:39] + b"\x58" + bytes([len(short)]) + short
        ),
    }
    assert block_head[0] == 0x59
    for what, changed in wrong.items():
        assert handed.take(changed) == refusals.REFUSED_MALFORMED, what
    many = documents.envelope(payload, [(bytes([i] * 8), b"\0") for i in range(5)])
    assert handed.take(many) == refusals.REFUSED_MALFORMED
    four = documents.envelope(payload, [(bytes([i] * 8), b"\0") for i in range(4)])
    assert handed.take(four) == refusals.REFUSED_UNSIGNED


def test_class_10_and_11_lower_and_same_sequence() -> None:
    handed = Handed()
    assert handed.release(manifest(5)) == 0
    assert handed.trust.manifest
    handed.trust.on_confirmed(handed.trust.manifest)
    assert handed.release(manifest(4)) == refusals.REFUSED_VERSION
    assert handed.release(manifest(5)) == refusals.REFUSED_VERSION
    assert handed.release(manifest(6)) == 0


def test_what_was_not_confirmed_holds_nothing_up() -> None:
    handed = Handed()
    assert handed.release(manifest(9)) == 0
    assert handed.release(manifest(2)) == 0


def test_class_12_lower_security_counter() -> None:
    handed = Handed()
    assert handed.release(manifest(5, security_counter=3)) == 0
    assert handed.trust.manifest
    handed.trust.on_confirmed(handed.trust.manifest)
    assert handed.release(manifest(6, security_counter=2)) == refusals.REFUSED_COUNTER
    assert handed.release(manifest(6, security_counter=3)) == 0


@pytest.mark.parametrize("number", [NUMBER_MAX + 1, 2**32 - 1, 2**64 - 1])
def test_class_13_fast_forward_beyond_what_a_board_counts(number: int) -> None:
    for name in ("sequence", "security_counter", "size_bytes", "battery_mv", "after", "mpy"):
        payload = manifest(**{name: number})
        assert Handed().release(payload) == refusals.REFUSED_MALFORMED, name


def test_class_14_other_release_keys_void_a_fast_forward() -> None:
    handed = Handed()
    assert handed.release(manifest(NUMBER_MAX, security_counter=NUMBER_MAX)) == 0
    assert handed.trust.manifest
    handed.trust.on_confirmed(handed.trust.manifest)
    roles = {**FIRST.roles, "release": role(1, RELEASE_2)}
    root = next_root(roles=roles, sequence=5, security_counter=2)
    assert hand_root(handed.trust, root, ROOT, ROOT_2) == 0
    assert handed.release(manifest(6, security_counter=2), RELEASE) == refusals.REFUSED_UNSIGNED
    assert handed.release(manifest(5, security_counter=2), RELEASE_2) == refusals.REFUSED_VERSION
    assert handed.release(manifest(6, security_counter=1), RELEASE_2) == refusals.REFUSED_COUNTER
    assert handed.release(manifest(6, security_counter=2), RELEASE_2) == 0


def test_a_root_with_the_same_release_keys_lets_nobody_go_back() -> None:
    handed = Handed()
    assert handed.release(manifest(5)) == 0
    assert handed.trust.manifest
    handed.trust.on_confirmed(handed.trust.manifest)
    assert hand_root(handed.trust, next_root(), ROOT, ROOT_2) == 0
    assert handed.release(manifest(4)) == refusals.REFUSED_VERSION


def test_class_15_expired() -> None:
    handed, payload = Handed(), manifest()
    assert handed.current(payload) == 0
    data = signed(payload, [RELEASE])
    assert handed.take(data, NOW_S + 7 * DAY_S) == 0
    assert handed.take(data, NOW_S + 7 * DAY_S + 1) == refusals.REFUSED_EXPIRED
    late = NOW_S + 8 * DAY_S
    said = documents.timestamp(9, NOW_S, NOW_S + DAY_S, [])
    assert handed.trust.on_timestamp(signed(said, [TIMESTAMP]), late) == refusals.REFUSED_EXPIRED


def test_class_16_and_17_the_clock_is_not_set_or_turned_back() -> None:
    handed, payload = Handed(), manifest()
    old = documents.timestamp(1, NOW_S, NOW_S + DAY_S, [documents.digest_of(payload)])
    assert handed.trust.on_timestamp(signed(old, [TIMESTAMP])) == 0
    assert handed.take(signed(payload, [RELEASE]), 0) == 0
    new = documents.timestamp(2, NOW_S + 2 * DAY_S, NOW_S + 3 * DAY_S, [])
    assert handed.trust.on_timestamp(signed(new, [TIMESTAMP])) == 0
    # What was signed since says how late it is, whatever the clock says.
    third = documents.timestamp(3, NOW_S, NOW_S + DAY_S, [documents.digest_of(payload)])
    for now_s in (0, NOW_S):
        answer = handed.trust.on_timestamp(signed(third, [TIMESTAMP]), now_s)
        assert answer == refusals.REFUSED_EXPIRED


def test_what_was_signed_says_how_late_it_is_and_time_never_goes_back() -> None:
    trust = Handed().trust
    said = [
        documents.timestamp(1, NOW_S + 9, NOW_S + 8, []),  # expired when it was signed
        documents.timestamp(1, NOW_S + 9, NOW_S + 99, []),
        documents.timestamp(2, NOW_S, NOW_S + 99, []),
        documents.timestamp(3, NOW_S, NOW_S + 8, []),
    ]
    answers = [trust.on_timestamp(signed(one, [TIMESTAMP]), NOW_S) for one in said]
    assert answers == [refusals.REFUSED_EXPIRED, 0, 0, refusals.REFUSED_EXPIRED]


def test_an_older_timestamp_is_not_taken_again() -> None:
    handed, payload = Handed(), manifest()
    said = [
        signed(documents.timestamp(version, NOW_S, LATER_S, [digest]), [TIMESTAMP])
        for version, digest in ((1, bytes(32)), (2, documents.digest_of(payload)), (2, bytes(32)))
    ]
    answers = [handed.trust.on_timestamp(said[i], NOW_S) for i in (0, 1, 0, 2, 1)]
    wrong = refusals.REFUSED_VERSION
    assert answers == [0, 0, wrong, wrong, 0]
    assert handed.take(signed(payload, [RELEASE])) == 0


def test_class_19_and_20_what_the_timestamp_does_not_name() -> None:
    handed = Handed()
    assert handed.current(manifest(2)) == 0
    assert handed.take(signed(manifest(1), [RELEASE])) == refusals.REFUSED_UNLISTED
    assert Handed().take(signed(manifest(1), [RELEASE]), 0) == refusals.REFUSED_UNLISTED


def test_class_21_other_device_class() -> None:
    assert Handed().release(manifest(class_id=bytes(16))) == refusals.REFUSED_CLASS


def test_class_24_a_manifest_over_its_size() -> None:
    worst = Manifest(NUMBER_MAX, CLASS_ID, DIGEST, NUMBER_MAX)
    worst.security_counter = worst.mpy = worst.battery_mv = worst.after = NUMBER_MAX
    assert len(to_bytes(worst)) <= MANIFEST_BYTES_MAX
    with pytest.raises(RefusedError):
        from_bytes(bytes(MANIFEST_BYTES_MAX + 1))


def test_class_27_fewer_than_the_threshold() -> None:
    two = replace(FIRST, roles={**FIRST.roles, "release": role(2, RELEASE, RELEASE_2)})
    assert Handed(two).release(manifest(), RELEASE) == refusals.REFUSED_UNSIGNED
    assert Handed(two).release(manifest(), RELEASE, THIEF) == refusals.REFUSED_UNSIGNED
    assert Handed(two).release(manifest(), RELEASE_2, RELEASE) == 0


def test_class_28_one_key_twice_is_one() -> None:
    two = replace(FIRST, roles={**FIRST.roles, "release": role(2, RELEASE, RELEASE_2)})
    assert Handed(two).release(manifest(), RELEASE, RELEASE) == refusals.REFUSED_MALFORMED
    twice = replace(FIRST, roles={**FIRST.roles, "release": role(2, RELEASE, RELEASE)})
    with pytest.raises(RefusedError):
        Root(twice.to_bytes())
    # Under another id the same signature is nobody's.
    handed, payload = Handed(two), manifest()
    assert handed.current(payload) == 0
    own = RELEASE.sign(payload)
    data = documents.envelope(payload, [own, (RELEASE_2.id, own[1])])
    assert handed.take(data) == refusals.REFUSED_UNSIGNED


def test_class_29_a_chain_of_roots_is_followed() -> None:
    handed = Handed()
    second = next_root(roles={**FIRST.roles, "root": role(1, THIEF)})
    assert hand_root(handed.trust, second, ROOT, ROOT_2, THIEF) == 0
    third = next_root(second, roles={**FIRST.roles, "release": role(1, RELEASE_2)})
    assert hand_root(handed.trust, third, ROOT, ROOT_2) == refusals.REFUSED_UNSIGNED
    assert hand_root(handed.trust, third, ROOT, ROOT_2, THIEF) == 0
    assert handed.release(manifest(), RELEASE_2) == 0


@pytest.mark.parametrize("version", [0, 1, 3])
def test_class_30_a_root_version_skipped_or_again(version: int) -> None:
    root = replace(FIRST, version=version)
    assert hand_root(Handed().trust, root, ROOT, ROOT_2) == refusals.REFUSED_VERSION


def test_class_31_a_new_root_signed_by_the_new_key_only() -> None:
    root = next_root(roles={**FIRST.roles, "root": role(1, THIEF)})
    for signers in ([THIEF], [THIEF, ROOT]):
        assert hand_root(Handed().trust, root, *signers) == refusals.REFUSED_UNSIGNED
    # And by the old ones only: nobody showed that the new key exists.
    assert hand_root(Handed().trust, root, ROOT, ROOT_2) == refusals.REFUSED_UNSIGNED


def test_class_32_an_expired_root() -> None:
    handed, payload = Handed(), manifest()
    late = LATER_S + 1
    digests = [documents.digest_of(payload)]
    said = documents.timestamp(1, late, late + DAY_S, digests)
    answer = handed.trust.on_timestamp(signed(said, [TIMESTAMP]), late)
    assert answer == refusals.REFUSED_EXPIRED
    root = next_root(expires_s=late + DAY_S)
    assert hand_root(handed.trust, root, ROOT, ROOT_2) == 0
    assert handed.trust.on_timestamp(signed(said, [TIMESTAMP]), late) == 0
    assert handed.take(signed(payload, [RELEASE]), late) == 0


def test_other_timestamp_keys_void_a_time_that_a_thief_claimed() -> None:
    handed = Handed()
    far = documents.timestamp(NUMBER_MAX, LATER_S - 1, LATER_S, [])
    assert handed.trust.on_timestamp(signed(far, [TIMESTAMP]), NOW_S) == 0
    root = next_root(roles={**FIRST.roles, "timestamp": role(1, THIEF)})
    assert hand_root(handed.trust, root, ROOT, ROOT_2) == 0
    payload = manifest()
    assert handed.current(payload, signer=THIEF) == 0
    assert handed.take(signed(payload, [RELEASE])) == 0


def test_class_35_an_earlier_release_is_missing() -> None:
    handed = Handed()
    assert handed.release(manifest(3, after=1)) == refusals.REFUSED_DEPENDENCY
    assert handed.release(manifest(1)) == 0
    assert handed.trust.manifest
    handed.trust.on_confirmed(handed.trust.manifest)
    assert handed.release(manifest(3, after=1)) == 0


def test_class_39_another_hash_or_signature_algorithm() -> None:
    other_hash = manifest().replace(b"\x82\x2f\x58\x20", b"\x82\x30\x58\x20")
    assert Handed().release(other_hash) == refusals.REFUSED_MALFORMED
    handed, payload = Handed(), manifest()
    assert handed.current(payload) == 0
    data = signed(payload, [RELEASE]).replace(b"\xa1\x01\x38\x2d", b"\xa1\x01\x38\x2c")
    assert handed.take(data) == refusals.REFUSED_MALFORMED


@pytest.mark.parametrize("mpy", [6 << 8 | 4, 7 << 8 | 3, 5 << 8 | 3, 0])
def test_class_51_compiled_for_another_micropython(mpy: int) -> None:
    assert Handed().release(manifest(mpy=mpy)) == refusals.REFUSED_RUNTIME


def test_an_earlier_sub_version_of_the_same_format_is_loaded() -> None:
    assert Handed().release(manifest(mpy=6 << 8 | 1)) == 0


def test_class_65_an_image_larger_than_a_slot() -> None:
    assert Handed().release(manifest(size_bytes=SLOT_BYTES)) == 0
    assert Handed().release(manifest(size_bytes=SLOT_BYTES + 1)) == refusals.REFUSED_SIZE
    assert Handed().release(manifest(size_bytes=0)) == refusals.REFUSED_SIZE


def test_class_79_a_low_battery_refuses() -> None:
    handed = Handed()
    for battery_mv, answer in ((3_599, refusals.REFUSED_BATTERY), (3_600, 0), (0, 0)):
        handed.board.battery_mv = battery_mv
        assert handed.release(manifest(battery_mv=3_600)) == answer


def root_with(change: Callable[[list[object]], object]) -> bytes:
    fields = cbor2.loads(FIRST.to_bytes())
    change(fields)
    return cbor2.dumps(fields, canonical=True)


@pytest.mark.parametrize(
    "change",
    [
        lambda fields: fields.append(0),
        lambda fields: fields.pop(),
        lambda fields: fields.__setitem__(0, "timestamp"),
        lambda fields: fields.__setitem__(1, True),
        lambda fields: fields.__setitem__(1, -1),
        lambda fields: fields.__setitem__(2, 2**32),
        lambda fields: fields.__setitem__(5, "keys"),
        lambda fields: fields[5].__setitem__(0, bytes(51)),
        lambda fields: fields[5].__setitem__(0, fields[5][1]),
        lambda fields: fields[5].append(fields[5][1]),
        lambda fields: fields[6].pop(),
        lambda fields: fields[6].append(fields[6][0]),
        lambda fields: fields[6][0].__setitem__(0, 0),
        lambda fields: fields[6][0].__setitem__(0, 3),
        lambda fields: fields[6][0][1].__setitem__(0, 9),
        lambda fields: fields[6][0][1].__setitem__(0, fields[6][0][1][1]),
        lambda fields: fields[6].__setitem__(0, [1]),
    ],
)
def test_a_root_in_another_form_is_none(change: Callable[[list[object]], object]) -> None:
    Root(root_with(lambda fields: None))
    with pytest.raises(RefusedError):
        Root(root_with(change))


def test_random_bytes_and_random_changes_raise_nothing_else() -> None:
    draw, handed = random.Random(1), Handed()
    whole = [signed(manifest(), [RELEASE]), signed(FIRST.to_bytes(), [ROOT])]
    for _ in range(1_500):
        data = bytearray(draw.choice(whole) if draw.random() < 0.8 else draw.randbytes(80))
        for _ in range(draw.randint(1, 6)):
            at = draw.randrange(min(len(data), 120)) if draw.random() < 0.5 else -1
            if draw.random() < 0.3:
                del data[at]
            else:
                data[at if at >= 0 else draw.randrange(len(data))] = draw.randrange(256)
        for take in (handed.trust.on_root, handed.trust.on_timestamp, handed.take):
            assert take(bytes(data)) != 0


def test_random_changes_of_a_manifest_are_refused_or_mean_what_they_say() -> None:
    draw, payload = random.Random(2), manifest(7, battery_mv=3_000, after=3)
    for _ in range(3_000):
        data = bytearray(payload)
        for _ in range(draw.randint(1, 3)):
            data[draw.randrange(len(data))] = draw.randrange(256)
        try:
            read = from_bytes(bytes(data))
        except RefusedError:
            continue
        assert to_bytes(read) == data


def test_the_envelope_is_that_of_the_draft() -> None:
    # Example 0 of the SUIT manifest's draft, and the draft's public key.
    payload = bytes.fromhex(
        "a50101020003585fa202818141000458568614a40150fa6b4a53d5ad5fdfbe9de663e4d41ffe02501492af14"
        "25695e48bf429b2d51f2ab45035824822f582000112233445566778899aabbccddeeff0123456789abcdeffe"
        "dcba98765432100e1987d0010f020f074382030f0943821702"
    )
    digest = "6658ea560262696dd1f13b782239a064da7c6c5cbaf52fded428a6fc83c7e5af"
    assert documents.digest_of(payload).hex() == digest
    assert Envelope(documents.envelope(payload)).digest().hex() == digest
    signature = bytes.fromhex(
        "408d0816f9b510749bf6a51b066951e08a4438f849eb092a1ac768eed9de696c"
        "1b1dd35d82ef149e6a73a61976ad2cfe78444b8064293350a122f332cb49f0da"
    )
    halves = (int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
    key = load_der_public_key(
        b64decode(
            "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEhJaBGq4LqqvSYVcYnuzaJr6qi/Eb"
            "bz/m4rVlnIXbwK07HypLbAmBMcCjbazR14vTgdzfsJwFLbM5kdtzOLSolg=="
        )
    )
    assert isinstance(key, ec.EllipticCurvePublicKey)
    es256 = -7
    key.verify(
        utils.encode_dss_signature(*halves),
        documents.to_be_signed(payload, es256),
        ec.ECDSA(SHA256()),
    )
