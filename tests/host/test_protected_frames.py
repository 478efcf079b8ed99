"""What we seal and sign is COSE: others read it with the standards and SPEC.md alone."""

from pathlib import Path

import cbor2
import pycddl
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from kernel.secure import group, nonces
from kernel.secure.token import claims_of, coded, signed, token_key
from support import cose_forms, crypto
from support.protected import ALL, Member, cluster, pair, secret


def keys_of(shared: bytes, purpose: bytes) -> tuple[bytes, bytes]:
    """Return the key and the Common IV of a secret, as SPEC.md says."""
    made = HKDF(SHA256(), 29, None, purpose).derive(shared)
    return made[:16], made[16:]


def opened(frame: bytes, shared: bytes, purpose: bytes) -> bytes:
    """Return what a frame protects, by PyCA."""
    key, common_iv = keys_of(shared, purpose)
    message = cbor2.loads(cose_forms.to_encrypt0(frame))
    structure = ["Encrypt0", message.value[0], cose_forms.external_aad(frame)]
    nonce = cose_forms.nonce_of(frame, common_iv)
    return AESCCM(key, tag_length=8).decrypt(nonce, message.value[2], cbor2.dumps(structure))


@given(st.binary(min_size=1, max_size=226), st.integers(1, 1 << 20))
def test_a_frame_is_what_cose_and_hkdf_say(payload: bytes, seed: int) -> None:
    one, other = pair(seed)
    assert opened(one.sealed(other.node, payload), secret(seed), b"cma pair") == payload
    member, _ = cluster(3, 4, epoch=seed)
    assert opened(member.sealed(ALL, payload), secret(seed), b"cma group") == payload


def test_the_next_secret_is_what_hkdf_says() -> None:
    one, other = pair(5)
    present = secret(5)
    for _ in range(3):
        one.protection.sessions.turn()
        present = HKDF(SHA256(), 16, None, b"cma next").derive(present)
        frame = one.sealed(other.node, b"new")
        assert opened(frame, present, b"cma pair") == other.opened(frame) == b"new"
        answer = other.sealed(one.node, b"heard")
        assert opened(answer, present, b"cma pair") == one.opened(answer) == b"heard"


def test_what_somebody_else_seals_by_the_standards_is_opened() -> None:
    one, other = pair(6)
    frame = one.sealed(other.node, b"x")
    key, common_iv = keys_of(secret(6), b"cma pair")
    header, high = frame[:12] + b"\x12\x34", b"\x00\x01"
    form = header + high
    structure = ["Encrypt0", cbor2.dumps({1: 10}), cose_forms.external_aad(form)]
    nonce = cose_forms.nonce_of(form, common_iv)
    sealed = AESCCM(key, tag_length=8).encrypt(nonce, b"theirs", cbor2.dumps(structure))
    assert other.opened(header + sealed + high) == b"theirs"


@pytest.mark.parametrize("first", [True, False])
def test_no_two_nodes_and_no_two_frames_share_a_nonce(first: bool) -> None:
    members: list[Member] = [*pair(1), *cluster(11, 22)]
    nonces = set()
    for member in members:
        for number in range(50):
            target = 33 - member.node if number % 2 == first else ALL
            frame = member.sealed(target)
            if isinstance(frame, bytes):
                nonces.add(
                    (frame[8:12] == b"\x3f\xff\xff\xff", cose_forms.nonce_of(frame, bytes(13)))
                )
    assert len(nonces) == 4 * 25


CLAIMS = claims_of(b"question", b"\x02" + bytes(5), b"s" * 32, b"c" * 16, b"m" * 16)


def test_a_coded_token_is_a_mac0_of_an_eat() -> None:
    key = HKDF(SHA256(), 32, None, b"cma attest").derive(secret(1))
    message = cbor2.loads(coded(token_key(secret(1)), CLAIMS))
    protected, unprotected, payload, tag = message.value
    assert (message.tag, cbor2.loads(protected), unprotected) == (17, {1: 5}, {})
    code = HMAC(key, SHA256())
    code.update(cbor2.dumps(["MAC0", protected, b"", payload]))
    code.verify(tag)
    claims = cbor2.loads(payload)
    assert claims[10] == b"question" and claims[256] == b"\x02\x02" + bytes(5)
    assert (claims[262], claims[263]) == (False, 0)
    [[form, measured]] = claims[273]
    assert form == 65_000 and cbor2.loads(measured) == [b"s" * 32, b"c" * 16, b"m" * 16]


def test_a_signed_token_is_a_sign1() -> None:
    message = cbor2.loads(signed(crypto.make(), secret(2) * 2, CLAIMS))
    protected, unprotected, payload, signature = message.value
    assert (message.tag, cbor2.loads(protected), unprotected) == (18, {1: -8}, {})
    public = Ed25519PrivateKey.from_private_bytes(secret(2) * 2).public_key()
    public.verify(signature, cbor2.dumps(["Signature1", protected, b"", payload]))


def test_what_is_made_has_the_shape_of_protocol_cddl() -> None:
    rules = (Path(__file__).parents[2] / "firmware" / "protocol.cddl").read_text()
    one, other = pair(1)
    [member] = cluster(3)
    values = member.table.values
    made = {
        "protected-frame": [cose_forms.to_encrypt0(one.sealed(other.node, b"x" * 226))],
        "coded-token": [coded(token_key(secret(1)), CLAIMS)],
        "signed-token": [signed(crypto.make(), secret(2) * 2, CLAIMS)],
        "token-claims": [CLAIMS],
        "measured": [cbor2.loads(CLAIMS)[273][0][1]],
        "nonces-record": [values[nonces.KEY]],
        "group-record": [values[group.KEY]],
    }
    member.protection.install_group(2, secret(2))
    member.sealed(ALL)
    made["nonces-record"].append(values[nonces.KEY])
    made["group-record"].append(values[group.KEY])
    for rule, items in made.items():
        schema = pycddl.Schema(f"start = {rule}\n{rules}")
        for item in items:
            schema.validate_cbor(item)
        with pytest.raises(pycddl.ValidationError):
            schema.validate_cbor(cbor2.dumps([{}, rule]))
