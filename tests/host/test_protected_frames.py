"""What we seal is COSE: other implementations of the standards open it, with the bytes of SPEC."""

import cbor2
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from support import cose_forms
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
    one.protection.sessions.turn()
    next_one = HKDF(SHA256(), 16, None, b"cma next").derive(secret(5))
    assert opened(one.sealed(other.node, b"new"), next_one, b"cma pair") == b"new"


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
