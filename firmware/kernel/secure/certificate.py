"""Who a board is, as its fleet's authority says: one CWT that certifies both of its keys.

The key that it agrees on secrets with stands in it; the one that it signs with, by its thumbprint.
Boards read certificates only.

Input    Certificate(data), its facts, holds(…), is_signed(…)
Effects  none
Bounds   CERTIFICATE_BYTES_MAX, so that a handshake with it keeps to one frame a message
Source   RFC 8392 (CWT), RFC 8747 (cnf), RFC 9052, section 4.4 (COSE_Sign1); RFC 9679, section 3
         (thumbprint); the private claim is of SPEC.md
"""

from hashlib import sha256

from ..codec.cbor import decode, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

CERTIFICATE_BYTES_MAX = 158
THUMBPRINT_BYTES = 16
EXPIRES, CONFIRMS, BOARD = 4, 8, -65537  # claims; the last one is private to us
EPOCH_MAX = 255  # what an authority counts up to make all before void
PROTECTED = b"\xa1\x01\x27"  # the algorithm: EdDSA
KEY_HEAD = b"\xa3\x01\x01\x20\x04\x21\x58\x20"  # a COSE_Key of X25519, up to its 32 bytes
SIGNER_HEAD = b"\xa3\x01\x01\x20\x06\x21\x58\x20"  # of Ed25519


class Certificate:
    """The facts of a board; nobody vouches for them yet.

    Units: `expires_s` since 1970; `network` as in a frame's header.
    Shape: `public` its X25519 key, `thumbprint` that of its Ed25519 key, `roles` four flags.
    """

    def __init__(self, data: bytes) -> None:
        """Read them.

        Raises: ValueError for what is no certificate (peer).
        """
        self._claims = self._signature = self.public = self.thumbprint = b""
        self.node = self.network = self.roles = self.epoch = self.expires_s = 0
        try:
            self._read(data)
        except (IndexError, KeyError, TypeError):
            raise ValueError

    def _read(self, data: bytes) -> None:
        message: "Any" = decode(data)
        protected, others, self._claims, self._signature = message
        claims: "Any" = decode(self._claims)
        key = encode(claims[CONFIRMS][1])
        self.expires_s = claims[EXPIRES]
        self.node, self.network, self.roles, self.epoch, self.thumbprint = claims[BOARD]
        self.public = key[len(KEY_HEAD) :]
        for number in (self.expires_s, self.node, self.network, self.roles, self.epoch):
            if type(number) is not int or number < 0:
                raise ValueError
        if (
            self.epoch > EPOCH_MAX  # no list could ever make it void
            or (protected, others, len(claims)) != (PROTECTED, {}, 3)
            or key[: len(KEY_HEAD)] != KEY_HEAD
            or not isinstance(self.thumbprint, bytes)
            or not isinstance(self._signature, bytes)
            or len(self.thumbprint) != THUMBPRINT_BYTES
            or len(data) > CERTIFICATE_BYTES_MAX
        ):
            raise ValueError

    def holds(self, network: int, epoch: int, now_s: int) -> bool:
        """Tell whether it is of this network, of this epoch or a later one, and not expired.

        Units: `now_s` since 1970, 0: no clock, which lets the epoch alone decide.
        """
        return self.network == network and self.epoch >= epoch and now_s < self.expires_s

    def is_signed(self, authority: bytes, verify: "Callable[[bytes, bytes, bytes], bool]") -> bool:
        """Tell whether an authority signed it."""
        return verify(authority, to_be_signed(self._claims), self._signature)


def to_be_signed(claims: bytes) -> bytes:
    """Return what the signature is over."""
    return encode(("Signature1", PROTECTED, b"", claims))


def thumbprint_of(signer: bytes) -> bytes:
    """Return what stands for an Ed25519 key in a certificate."""
    return sha256(SIGNER_HEAD + signer).digest()[:THUMBPRINT_BYTES]
