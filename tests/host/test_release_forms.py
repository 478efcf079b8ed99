"""A document has one form: whatever else arrives in its place is refused."""

import random
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path

import cbor2
import pycddl
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from cma_toolkit.firmware.kernel.release import refusals
from cma_toolkit.firmware.kernel.release.envelope import Envelope
from cma_toolkit.firmware.kernel.release.manifest import (
    MANIFEST_BYTES_MAX,
    NUMBER_MAX,
    Manifest,
    from_bytes,
    to_bytes,
)
from cma_toolkit.firmware.kernel.release.refusals import RefusedError
from cma_toolkit.firmware.kernel.release.trust import Root
from cma_toolkit.host_tools.release import documents
from support.release_board import (
    FIRST,
    RELEASE,
    ROOT,
    ROOT_2,
    TIMESTAMP,
    Handed,
    hand_root,
    next_root,
)
from support.release_signers import (
    CLASS_ID,
    DIGEST,
    LATER_S,
    NOW_S,
    manifest,
    signed,
)


def test_a_root_with_the_same_release_keys_lets_nobody_go_back() -> None:
    handed = Handed()
    assert handed.release(manifest(5)) == 0
    assert handed.trust.manifest
    handed.trust.on_confirmed(handed.trust.manifest)
    assert hand_root(handed.trust, next_root(), ROOT, ROOT_2) == 0
    assert handed.release(manifest(4)) == refusals.REFUSED_VERSION


def test_class_24_a_manifest_over_its_size() -> None:
    worst = Manifest(NUMBER_MAX, CLASS_ID, DIGEST, NUMBER_MAX)
    worst.security_counter = worst.mpy = worst.battery_mv = worst.after = NUMBER_MAX
    assert len(to_bytes(worst)) <= MANIFEST_BYTES_MAX


def test_class_39_another_hash_or_signature_algorithm() -> None:
    other_hash = manifest().replace(b"\x82\x2f\x58\x20", b"\x82\x30\x58\x20")
    assert Handed().release(other_hash) == refusals.REFUSED_MALFORMED
    handed, payload = Handed(), manifest()
    assert handed.current(payload) == 0
    data = signed(payload, [RELEASE]).replace(b"\xa1\x01\x38\x2d", b"\xa1\x01\x38\x2c")
    assert handed.take(data) == refusals.REFUSED_MALFORMED


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
        lambda fields: fields[6][0][1].__setitem__(0, len(fields[5])),
        lambda fields: fields[6][0][1].__setitem__(0, fields[6][0][1][1]),
        lambda fields: fields[6].__setitem__(0, [1]),
    ],
)
def test_a_root_in_another_form_is_none(change: Callable[[list[object]], object]) -> None:
    Root(root_with(lambda fields: None))
    with pytest.raises(RefusedError):
        Root(root_with(change))


def test_what_is_made_has_the_shape_of_protocol_cddl() -> None:
    rules = (Path(__file__).parents[2] / "firmware" / "protocol.cddl").read_text()
    said, payload = documents.timestamp(1, NOW_S, LATER_S, [DIGEST]), manifest(3, after=2)
    whole = signed(said, [TIMESTAMP, RELEASE])
    wrapper = cbor2.loads(whole).value[2]
    made = {
        "envelope": whole,
        "authentication": wrapper,
        "digest": cbor2.loads(wrapper)[0],
        "signature": cbor2.loads(wrapper)[1],
        "manifest": payload,
        "shared": cbor2.loads(cbor2.loads(payload)[3])[4],
        "root": FIRST.to_bytes(),
        "timestamp": said,
    }
    for rule, data in made.items():
        pycddl.Schema(f"start = {rule}\n{rules}").validate_cbor(data)
        with pytest.raises(pycddl.ValidationError):
            pycddl.Schema(f"start = {rule}\n{rules}").validate_cbor(cbor2.dumps([{}, rule]))


def manifest_with(place: str, value: object) -> bytes:
    """Return a manifest with something else in one place of its nested parts."""
    outer = cbor2.loads(manifest())
    common = cbor2.loads(outer[3])
    shared = cbor2.loads(common[4])
    if place == "digest":
        shared[1][3] = cbor2.dumps(value)
    elif place == "parameters":
        shared[1] = value
    shared = value if place == "shared" else shared
    common[4] = cbor2.dumps(shared, canonical=True)
    common = value if place == "common" else common
    outer[3] = cbor2.dumps(common, canonical=True)
    if place.isdecimal():
        outer[int(place)] = value
    return cbor2.dumps(value if place == "outer" else outer, canonical=True)


@pytest.mark.parametrize("place", "outer common shared parameters digest 2 3 7 20".split())
@pytest.mark.parametrize("value", [7, -1, "text", b"bytes", [], [1, 2], {}, {1: 2}, None, True])
def test_a_manifest_of_other_parts_is_none(place: str, value: object) -> None:
    assert from_bytes(manifest_with("", None))
    if (place, value) == ("2", 7):  # another sequence
        return
    with pytest.raises(RefusedError):
        from_bytes(manifest_with(place, value))


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
