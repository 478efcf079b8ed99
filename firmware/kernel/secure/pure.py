"""The port of cryptography in Python, over the AES of the runtime.

Each part is loaded when it is first used: a board that only talks loads no signatures.
"""

from .ccm import Ccm

_BASE = b"\x09" + bytes(31)  # of X25519: a public key is what all agree on with it

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class PureCrypto:
    """X25519, Ed25519 and AES-CCM.

    `aes` makes ciphers as `cryptolib.aes` does, `random(count)` returns random bytes, and `loops`
    are `Loops` or their form in machine code; only an AEAD needs them.
    """

    PRIVATE_BYTES = PUBLIC_BYTES = 32
    SIGNATURE_BYTES = 64

    def __init__(self, aes: "Any", random: "Any", loops: "Any" = None) -> None:
        self.aes, self.random, self.loops = aes, random, loops
        # Where all keys make blocks: for a frame of 250 B and 64 B beside it; what is longer makes
        # it grow, once.
        self.scratch = memoryview(bytearray(352))

    def aead(self, key: bytes) -> Ccm:
        """Return AES-CCM under a key."""
        return Ccm(key, self)

    def public_of(self, private: bytes) -> bytes:
        """Return the X25519 public key."""
        return self.agree(private, _BASE)

    def agree(self, private: bytes, public: bytes) -> bytes:
        """Return the X25519 secret."""
        from .x25519 import agree as x25519_agree

        return x25519_agree(private, public)

    def signer_of(self, private: bytes) -> bytes:
        """Return the Ed25519 public key."""
        from .ed25519 import public_of as ed25519_key

        return ed25519_key(private)

    def sign(self, private: bytes, message: bytes) -> bytes:
        """Return the Ed25519 signature."""
        from .ed25519 import sign as ed25519_sign

        return ed25519_sign(private, message)

    def verify(self, public: bytes, message: bytes, signature: bytes) -> bool:
        """Tell whether it is an Ed25519 signature of a key."""
        from .ed25519 import verify as ed25519_verify

        return ed25519_verify(public, message, signature)
