"""Who a board is, as its fleet's authority says: one CWT that certifies both of its keys.

The key that it agrees on secrets with stands in it; the one that it signs with, by its thumbprint.
`read` takes what `to_signed` makes, no other byte.

Input    Certificate, to_signed(certificate, sign), read(data), is_signed, check
Effects  none
Bounds   CERTIFICATE_BYTES_MAX, so that a handshake with it keeps to one frame a message
Source   RFC 8392 (CWT), RFC 8747 (cnf), RFC 9052, section 4.4; RFC 9679, section 3; the private
         claim is of SPEC.md
"""

from hashlib import sha256

from ..codec.cbor import CborError, decode, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

CERTIFICATE_BYTES_MAX = 158
THUMBPRINT_BYTES = 16
NETWORK_MAX = 0xFFFF
ROLES_MAX = 15  # four flags
EPOCH_MAX = 255  # of certificates: what an authority counts up to make all before void
TIME_MAX = 0xFFFFFFFF  # seconds since 1970

# Why one is not believed.
REFUSED_MALFORMED = 1
REFUSED_NETWORK = 2
REFUSED_EPOCH = 3
REFUSED_TIME = 4
REFUSED_SIGNATURE = 5

_EXPIRES, _CONFIRMS, _BOARD = 4, 8, -65537  # claims; the last one is private to us
_COSE_KEY = 1
_TYPE, _CURVE, _X = 1, -1, -2
_OKP, _X25519, _ED25519 = 1, 4, 6
_PROTECTED = b"\xa1\x01\x27"  # the algorithm: EdDSA
_KEY_BYTES, _SIGNATURE_BYTES = 32, 64


class CertificateError(Exception):
    """The bytes are no certificate (peer)."""


class Certificate:
    """The facts of a board.

    Units: `expires_s` since 1970; `network` as in a frame's header.
    Shape: `public` its X25519 key, `thumbprint` that of its Ed25519 key, `roles` four flags.
    """

    def __init__(self, node: int, network: int, public: bytes, thumbprint: bytes) -> None:
        self.node = node
        self.network = network
        self.public = public
        self.thumbprint = thumbprint
        self.roles = self.epoch = self.expires_s = 0

    def to_claims(self) -> bytes:
        """Return the claims, as they are signed."""
        facts = [self.node, self.network, self.roles, self.epoch, self.thumbprint]
        key = {_TYPE: _OKP, _CURVE: _X25519, _X: self.public}
        return encode({_EXPIRES: self.expires_s, _CONFIRMS: {_COSE_KEY: key}, _BOARD: facts})


def read(data: bytes) -> Certificate:
    """Return what a certificate says; nobody vouches for it yet.

    Raises: CertificateError for anything but what `to_signed` makes (peer).
    """
    try:
        claims, signature = _parts_of(data)
        held: "Any" = decode(claims)
        facts = held[_BOARD]
        public = held[_CONFIRMS][_COSE_KEY][_X]
        certificate = Certificate(facts[0], facts[1], public, facts[4])
        certificate.roles, certificate.epoch = facts[2], facts[3]
        certificate.expires_s = held[_EXPIRES]
        if _is_within(certificate) and _signed(certificate.to_claims(), signature) == data:
            return certificate
    except (CborError, KeyError, IndexError, TypeError, ValueError):
        pass
    raise CertificateError()


def to_signed(certificate: Certificate, sign: "Callable[[bytes], bytes]") -> bytes:
    """Return a certificate with the signature that an authority makes of it.

    Raises: CertificateError for facts out of their bounds (caller).
    """
    if not _is_within(certificate):
        raise CertificateError()
    claims = certificate.to_claims()
    return _signed(claims, sign(to_be_signed(claims)))


def to_be_signed(claims: bytes) -> bytes:
    """Return what the signature is over."""
    return encode(["Signature1", _PROTECTED, b"", claims])


def check(certificate: Certificate, network: int, epoch: int, now_s: int) -> int:
    """Return why a certificate does not hold here and now, 0 if it does.

    Units: `now_s` since 1970, 0: no clock, which lets the epoch alone decide.
    """
    if certificate.network != network:
        return REFUSED_NETWORK
    if certificate.epoch < epoch:
        return REFUSED_EPOCH
    if now_s >= certificate.expires_s:
        return REFUSED_TIME
    return 0


def is_signed(
    data: bytes, authority: bytes, verify: "Callable[[bytes, bytes, bytes], bool]"
) -> bool:
    """Tell whether an authority signed a certificate that `read` took."""
    claims, signature = _parts_of(data)
    return verify(authority, to_be_signed(claims), signature)


def thumbprint_of(signer: bytes) -> bytes:
    """Return what stands for an Ed25519 key in a certificate."""
    key = encode({_TYPE: _OKP, _CURVE: _ED25519, _X: signer})
    return sha256(key).digest()[:THUMBPRINT_BYTES]


def _parts_of(data: bytes) -> "tuple[bytes, bytes]":
    message: "Any" = decode(data)
    _, _, claims, signature = message
    return claims, signature


def _signed(claims: bytes, signature: bytes) -> bytes:
    if not isinstance(signature, bytes) or len(signature) != _SIGNATURE_BYTES:
        raise CertificateError()
    return encode([_PROTECTED, {}, claims, signature])


def _is_within(certificate: Certificate) -> bool:
    bounds = (
        (certificate.node, (1 << 30) - 2),
        (certificate.network, NETWORK_MAX),
        (certificate.roles, ROLES_MAX),
        (certificate.epoch, EPOCH_MAX),
        (certificate.expires_s, TIME_MAX),
    )
    for value, most in bounds:
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
            return False
    public, thumbprint = certificate.public, certificate.thumbprint
    if not isinstance(public, bytes) or not isinstance(thumbprint, bytes):
        return False
    return len(public) == _KEY_BYTES and len(thumbprint) == THUMBPRINT_BYTES
