"""The port of cryptography on a computer: the library `cryptography`, on two pairs of curves.

Source   RFC 9053 for the algorithms; RFC 9528, section 3.7, for the public keys of P-256
"""

import os

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    derive_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from cryptography.hazmat.primitives.hashes import SHA256

from cma_toolkit.firmware.kernel.secure.port import (
    AAD_BYTES_MAX,
    DATA_BYTES_MAX,
    KEY_BYTES,
    NONCE_BYTES,
    TAG_BYTES,
)

Bytes = bytes | bytearray | memoryview
Buffer = bytearray | memoryview

_COORDINATE_BYTES = 32
_EVEN, _UNCOMPRESSED = b"\x02", b"\x04"  # the forms of a point, of SEC 1


class PycaAead:
    """AES-CCM-16-64-128 under one key."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError("key")
        self._ccm = AESCCM(key, tag_length=TAG_BYTES)

    def seal(self, nonce: Bytes, aad: Bytes, buffer: Buffer, start: int, end: int) -> int:
        """Encrypt in place, a tag behind it; returns where that ends."""
        tag_end = end + TAG_BYTES
        _check(nonce, aad, buffer, start, end, tag_end)
        buffer[start:tag_end] = self._ccm.encrypt(bytes(nonce), bytes(buffer[start:end]), aad)
        return tag_end

    def open(self, nonce: Bytes, aad: Bytes, buffer: Buffer, start: int, end: int) -> int:
        """Decrypt in place; returns where the plaintext ends, or -1 and leaves zeros."""
        plain_end = end - TAG_BYTES
        _check(nonce, aad, buffer, start, max(start, plain_end), end)
        try:
            plaintext = self._ccm.decrypt(bytes(nonce), bytes(buffer[start:end]), aad)
        except InvalidTag:
            buffer[start:end] = bytes(end - start)
            return -1
        buffer[start:plain_end] = plaintext
        return plain_end


class PycaCrypto:
    """X25519 and Ed25519."""

    PRIVATE_BYTES = PUBLIC_BYTES = _COORDINATE_BYTES
    SIGNATURE_BYTES = 2 * _COORDINATE_BYTES

    def aead(self, key: bytes) -> PycaAead:
        """Return AES-CCM under a key."""
        return PycaAead(key)

    def public_of(self, private: bytes) -> bytes:
        """Return the X25519 public key."""
        return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()

    def agree(self, private: bytes, public: bytes) -> bytes:
        """Return the X25519 secret.

        Raises: ValueError (a peer) for a key of small order.
        """
        other = X25519PublicKey.from_public_bytes(public)
        return X25519PrivateKey.from_private_bytes(private).exchange(other)

    def signer_of(self, private: bytes) -> bytes:
        """Return the Ed25519 public key."""
        return Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()

    def sign(self, private: bytes, message: bytes) -> bytes:
        """Return the Ed25519 signature."""
        return Ed25519PrivateKey.from_private_bytes(private).sign(message)

    def verify(self, public: bytes, message: bytes, signature: bytes) -> bool:
        """Tell whether it is an Ed25519 signature of a key."""
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True

    def random(self, count: int) -> bytes:
        """Return random bytes of the system."""
        return os.urandom(count)


class PycaP256(PycaCrypto):
    """P-256: ECDH with public keys that are a first coordinate, and ES256.

    Shape: a private key is a number of 32 B, the public key of a signer both coordinates, a
    signature r and s.
    """

    SIGNER_BYTES = 2 * _COORDINATE_BYTES

    def public_of(self, private: bytes) -> bytes:
        """Return the first coordinate of the public key."""
        return self.signer_of(private)[:_COORDINATE_BYTES]

    def agree(self, private: bytes, public: bytes) -> bytes:
        """Return the first coordinate of the shared point.

        Raises: ValueError (a peer) for a public key that is no point of the curve.
        """
        # Of the two points with one first coordinate either leads to the same secret.
        other = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), _EVEN + public)
        return _p256(private).exchange(ECDH(), other)

    def signer_of(self, private: bytes) -> bytes:
        """Return both coordinates of the public key."""
        numbers = _p256(private).public_key().public_numbers()
        return b"".join(one.to_bytes(_COORDINATE_BYTES, "big") for one in (numbers.x, numbers.y))

    def sign(self, private: bytes, message: bytes) -> bytes:
        """Return the ES256 signature."""
        pair = decode_dss_signature(_p256(private).sign(message, ECDSA(SHA256())))
        return b"".join(one.to_bytes(_COORDINATE_BYTES, "big") for one in pair)

    def verify(self, public: bytes, message: bytes, signature: bytes) -> bool:
        """Tell whether it is an ES256 signature of a key."""
        if len(signature) != self.SIGNATURE_BYTES or len(public) != self.SIGNER_BYTES:
            return False
        r = int.from_bytes(signature[:_COORDINATE_BYTES], "big")
        s = int.from_bytes(signature[_COORDINATE_BYTES:], "big")
        try:
            key = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), _UNCOMPRESSED + public)
            key.verify(encode_dss_signature(r, s), message, ECDSA(SHA256()))
        except (InvalidSignature, ValueError):
            return False
        return True


def _p256(private: bytes) -> EllipticCurvePrivateKey:
    return derive_private_key(int.from_bytes(private, "big"), SECP256R1())


def _check(  # noqa: PLR0917 - what `seal` and `open` take
    nonce: Bytes, aad: Bytes, buffer: Buffer, start: int, end: int, tag_end: int
) -> None:
    if (
        len(nonce) != NONCE_BYTES
        or len(aad) > AAD_BYTES_MAX
        or not 0 <= end - start <= DATA_BYTES_MAX
        or not 0 <= start <= tag_end <= len(buffer)
    ):
        raise ValueError("length")
