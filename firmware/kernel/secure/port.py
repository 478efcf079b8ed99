"""What the secure room asks of its surroundings: the arithmetic of keys, and randomness.

A board computes it in Python over the C of its AES and SHA-256 (`pure.py`), a computer with a
library (`host_tools/secure/pyca.py`). What stands here is for readers and for the type checker:
who implements it need not derive from it, so no image has it.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol
else:
    Protocol = object

KEY_BYTES = 16
NONCE_BYTES = 13
TAG_BYTES = 8
AAD_BYTES_MAX = 256
DATA_BYTES_MAX = 1024


class Aead(Protocol):
    """AES-CCM-16-64-128 under one key. It is made once for a key and kept.

    Source: RFC 9053, section 4.2: number 10 of COSE's algorithms.
    """

    def seal(
        self,
        nonce: "bytes | bytearray | memoryview",
        aad: "bytes | bytearray | memoryview",
        buffer: "bytearray | memoryview",
        start: int,
        end: int,
    ) -> int:
        """Encrypt a part of a buffer where it lies and put a tag behind it.

        Returns: where the tag ends, TAG_BYTES after `end`.
        Raises: ValueError (the caller) for no room or a wrong length; then nothing was changed.
        """

    def open(
        self,
        nonce: "bytes | bytearray | memoryview",
        aad: "bytes | bytearray | memoryview",
        buffer: "bytearray | memoryview",
        start: int,
        end: int,
    ) -> int:
        """Decrypt a part of a buffer, a tag at its end, where it lies.

        Returns: where the plaintext ends; -1 if it is not genuine, and then the part is zeros.
        Raises: ValueError (the caller) for a wrong length; then nothing was changed.
        """


class Crypto(Protocol):
    """One curve for agreement and one for signatures, an AEAD, and random bytes.

    Shape: X25519 and Ed25519, unless a subclass says otherwise.
    """

    PRIVATE_BYTES: int
    PUBLIC_BYTES: int
    SIGNATURE_BYTES: int

    def aead(self, key: bytes) -> Aead:
        """Return the AEAD under a key of KEY_BYTES."""

    def public_of(self, private: bytes) -> bytes:
        """Return what others agree on a secret with."""

    def agree(self, private: bytes, public: bytes) -> bytes:
        """Return the secret that two pairs share.

        Raises: ValueError (a peer) for a public key that leads to no secret.
        """

    def signer_of(self, private: bytes) -> bytes:
        """Return what others verify with."""

    def sign(self, private: bytes, message: bytes) -> bytes:
        """Return the signature of a message."""

    def verify(self, public: bytes, message: bytes, signature: bytes) -> bool:
        """Tell whether a signature was made with a key; nothing malformed raises."""

    def random(self, count: int) -> bytes:
        """Return random bytes, good enough for keys.

        Raises: OSError where entropy is not proven.
        """
