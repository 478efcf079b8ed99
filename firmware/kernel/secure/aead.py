"""Seal and unseal bytes as bytes, where a copy does not matter: handshakes, not frames."""

from .port import TAG_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .port import Aead


def seal(aead: "Aead", nonce: bytes, aad: bytes, plaintext: bytes) -> bytes:
    """Return the ciphertext with its tag."""
    buffer = bytearray(len(plaintext) + TAG_BYTES)
    buffer[: len(plaintext)] = plaintext
    aead.seal(nonce, aad, buffer, 0, len(plaintext))
    return bytes(buffer)


def unseal(aead: "Aead", nonce: bytes, aad: bytes, sealed: bytes) -> "bytes | None":
    """Return the plaintext, None if it is not genuine."""
    buffer = bytearray(sealed)
    end = aead.open(nonce, aad, buffer, 0, len(buffer))
    return None if end < 0 else bytes(memoryview(buffer)[:end])
