"""Two ports of cryptography, the kernel's own and that of a library, do the same."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cma_toolkit.host_tools.secure.pyca import PycaCrypto, PycaP256
from kernel.secure.aead import seal, unseal
from kernel.secure.port import Crypto
from support.crypto import make
from support.crypto_vectors import PRIME

PURE, LIBRARY, P256 = make(), PycaCrypto(), PycaP256()
KEYS = st.binary(min_size=32, max_size=32)


def secret(port: Crypto, private: bytes, public: bytes) -> bytes | None:
    try:
        return port.agree(private, public)
    except ValueError:
        return None


@settings(max_examples=60, deadline=None)
@given(
    st.binary(min_size=16, max_size=16),
    st.binary(min_size=13, max_size=13),
    st.binary(max_size=70),
    st.binary(max_size=270),
)
def test_what_one_seals_the_other_opens(key: bytes, nonce: bytes, aad: bytes, data: bytes) -> None:
    ours, theirs = PURE.aead(key), LIBRARY.aead(key)
    sealed = seal(ours, nonce, aad, data)
    assert sealed == seal(theirs, nonce, aad, data)
    assert unseal(theirs, nonce, aad, sealed) == unseal(ours, nonce, aad, sealed) == data
    changed = bytes((sealed[0] ^ 1, *sealed[1:]))
    assert unseal(theirs, nonce, aad, changed) is unseal(ours, nonce, aad, changed) is None


@pytest.mark.parametrize("size", [0, 15, 16, 17, 255, 256, 1024])
@pytest.mark.parametrize("aad_bytes", [0, 13, 14, 15, 255, 256])
def test_lengths_at_which_a_block_or_a_byte_is_full(size: int, aad_bytes: int) -> None:
    data, aad = bytes(range(256)) * 4, bytes(range(255, -1, -1))
    sealed = [
        seal(port.aead(bytes(16)), bytes(13), aad[:aad_bytes], data[:size])
        for port in (PURE, LIBRARY)
    ]
    assert sealed[0] == sealed[1]


@settings(max_examples=10, deadline=None)
@given(KEYS, KEYS)
def test_keys_and_secrets_are_the_same(private: bytes, public: bytes) -> None:
    assert PURE.public_of(private) == LIBRARY.public_of(private)
    assert PURE.signer_of(private) == LIBRARY.signer_of(private)
    assert secret(PURE, private, public) == secret(LIBRARY, private, public)


def test_points_that_are_written_in_no_least_form_lead_to_the_same_secret() -> None:
    private = bytes(range(32))
    for point in (*range(2, 10), PRIME - 2, *range(PRIME + 2, PRIME + 19)):
        for upper_bit in (0, 1 << 255):
            public = (point | upper_bit).to_bytes(32, "little")
            assert PURE.agree(private, public) == LIBRARY.agree(private, public), point


@settings(max_examples=8, deadline=None)
@given(KEYS, st.binary(max_size=300))
def test_signatures_are_the_same(private: bytes, message: bytes) -> None:
    signature = PURE.sign(private, message)
    assert signature == LIBRARY.sign(private, message)
    public = PURE.signer_of(private)
    changed = bytearray(signature)
    changed[random.Random(message).randrange(64)] ^= 0x10
    for port in (PURE, LIBRARY):
        assert port.verify(public, message, signature)
        assert not port.verify(public, message, bytes(changed))
        assert not port.verify(public, message + b".", signature)


@pytest.mark.parametrize("port", [PURE, LIBRARY], ids=["kernel", "library"])
def test_nothing_malformed_is_verified(port: Crypto) -> None:
    for public, signature in ((b"", b""), (bytes(31), bytes(64)), (bytes(33), bytes(64))):
        assert not port.verify(public, b"message", signature)
    assert not port.verify(port.signer_of(bytes(32)), b"message", bytes(63))
    for key in (b"", bytes(31), bytes(33)):
        for method in (port.public_of, port.signer_of):
            with pytest.raises(ValueError):
                method(key)
        with pytest.raises(ValueError):
            port.agree(bytes(32), key)


@pytest.mark.parametrize("port", [PURE, LIBRARY], ids=["kernel", "library"])
def test_random_bytes_have_the_length_asked_for(port: Crypto) -> None:
    assert len(port.random(32)) == 32 and port.random(32) != port.random(32)


def test_a_wrong_length_is_an_error_of_either_and_changes_nothing() -> None:
    buffer = bytearray(b"\x55" * 40)
    for port in (PURE, LIBRARY):
        aead = port.aead(bytes(16))
        for nonce, aad, start, end in (
            (bytes(12), b"", 0, 20),
            (bytes(13), bytes(257), 0, 20),
            (bytes(13), b"", 0, 41),
            (bytes(13), b"", 21, 20),
            (bytes(13), b"", -1, 20),
        ):
            for method in (aead.seal, aead.open):
                with pytest.raises(ValueError):
                    method(nonce, aad, buffer, start, end)
        with pytest.raises(ValueError):
            aead.seal(bytes(13), b"", buffer, 0, 33)
        with pytest.raises(ValueError):
            port.aead(bytes(15))
    assert buffer == b"\x55" * 40
    for port in (PURE, LIBRARY):
        assert port.aead(bytes(16)).open(bytes(13), b"", buffer, 0, 7) == -1
        assert buffer[:7] == bytes(7)
        buffer[:7] = b"\x55" * 7


def test_p256_agrees_by_first_coordinates() -> None:
    one, other = bytes(31) + b"\x07", b"\x01" * 32
    assert P256.agree(one, P256.public_of(other)) == P256.agree(other, P256.public_of(one))
    with pytest.raises(ValueError):
        P256.agree(one, b"\xff" * 32)
    with pytest.raises(ValueError):
        P256.agree(one, P256.public_of(other)[:31])


def test_p256_verifies_its_own_signatures_only() -> None:
    private = b"\x01" * 32
    public, signature = P256.signer_of(private), P256.sign(private, b"message")
    assert len(public) == P256.SIGNER_BYTES and len(signature) == P256.SIGNATURE_BYTES
    assert P256.verify(public, b"message", signature)
    assert not P256.verify(public, b"other", signature)
    assert not P256.verify(P256.signer_of(b"\x02" * 32), b"message", signature)
    for bad in (b"", signature[:63], signature + b"\0", bytes(64), b"\xff" * 64):
        assert not P256.verify(public, b"message", bad)
    for bad in (b"", public[:63], b"\xff" * 64):
        assert not P256.verify(bad, b"message", signature)
