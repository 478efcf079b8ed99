"""The documents of a release as bytes: roots, timestamps, and envelopes with their signatures.

Pure. Written with a CBOR library of its own; what a board makes of them is `kernel/release`.

Source   draft-ietf-suit-manifest-34, sections 8.2 and 8.3; RFC 9052, section 4.4; RFC 8778
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import cbor2

from cma_toolkit.firmware.kernel.release.trust import ROLES, ROOT_KIND, TIMESTAMP_KIND

HSS_LMS = -46
SHA_256 = -16
KEY_ID_BYTES = 8
ENVELOPE_TAG, SIGN1_TAG = 107, 18
AUTHENTICATION, CONTENT = 2, 3
ALGORITHM, KEY_ID = 1, 4


@dataclass(frozen=True)
class Role:
    """The public keys of a role, and how many of them must sign."""

    threshold: int
    keys: tuple[bytes, ...]


@dataclass(frozen=True)
class RootDocument:
    """What a root says: `sequence` and `security_counter` void those of stolen release keys."""

    version: int
    expires_s: int
    roles: Mapping[str, Role]
    sequence: int = 0
    security_counter: int = 0

    def to_bytes(self) -> bytes:
        """Return its one encoding."""
        keys = list(dict.fromkeys(key for name in ROLES for key in self.roles[name].keys))
        roles = [
            [self.roles[name].threshold, [keys.index(key) for key in self.roles[name].keys]]
            for name in ROLES
        ]
        numbers = [self.version, self.expires_s, self.sequence, self.security_counter]
        return _dumps([ROOT_KIND, *numbers, keys, roles])


def timestamp(version: int, issued_s: int, expires_s: int, current: Sequence[bytes]) -> bytes:
    """Return word of what is current: the digests of envelopes."""
    return _dumps([TIMESTAMP_KIND, version, issued_s, expires_s, list(current)])


def key_id(public: bytes) -> bytes:
    """Return by what a signature names its key: of the key itself, so nobody can choose it."""
    return sha256(public).digest()[:KEY_ID_BYTES]


def digest_of(payload: bytes) -> bytes:
    """Return the digest of a document, as its envelope names it."""
    return sha256(_dumps(payload)).digest()


def to_be_signed(payload: bytes, algorithm: int = HSS_LMS) -> bytes:
    """Return what a signature of a document is over."""
    protected, digest = _dumps({ALGORITHM: algorithm}), _dumps([SHA_256, digest_of(payload)])
    return _dumps(["Signature1", protected, b"", digest])


def envelope(payload: bytes, signatures: Iterable[tuple[bytes, bytes]] = ()) -> bytes:
    """Return a document in its envelope; each signature comes with the id of its key."""
    protected, digest = _dumps({ALGORITHM: HSS_LMS}), _dumps([SHA_256, digest_of(payload)])
    blocks = [
        _dumps(cbor2.CBORTag(SIGN1_TAG, [protected, {KEY_ID: key}, None, signature]))
        for key, signature in signatures
    ]
    wrapper = _dumps([digest, *blocks])
    return _dumps(cbor2.CBORTag(ENVELOPE_TAG, {AUTHENTICATION: wrapper, CONTENT: payload}))


def envelope_bytes(payload_bytes: int, signatures: Iterable[int]) -> int:
    """Return how long an envelope is, by the sizes of what is in it."""
    blanks = [(bytes(KEY_ID_BYTES), bytes(size)) for size in signatures]
    return len(envelope(bytes(payload_bytes), blanks))


def open_envelope(data: bytes) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """Return the document and the signatures of an envelope that a board could read."""
    outer = cbor2.loads(data).value
    signatures = []
    for block in cbor2.loads(outer[AUTHENTICATION])[1:]:
        _, unprotected, _, signature = cbor2.loads(block).value
        signatures.append((bytes(unprotected[KEY_ID]), bytes(signature)))
    return bytes(outer[CONTENT]), signatures


def _dumps(value: Any) -> bytes:
    return bytes(cbor2.dumps(value, canonical=True))
