"""Signers of releases for tests: keys of 32 leaves, made from a seed, and documents by them."""

import random
from collections.abc import Sequence

from cma_toolkit.firmware.kernel.release.manifest import Manifest, to_bytes
from cma_toolkit.host_tools.release import documents, lms_key
from cma_toolkit.host_tools.release.documents import Role, RootDocument
from cma_toolkit.host_tools.release.lms_key import ParameterSet

SMALL = ParameterSet(10, 6)
CLASS_ID = bytes(range(16))
DIGEST = bytes(range(100, 132))
MPY = 6 << 8 | 3
DAY_S = 86_400
NOW_S = 1_800_000_000
LATER_S = NOW_S + 30 * DAY_S


class Signer:
    """A key that signs with its next leaf."""

    def __init__(self, seed: int, parameters: ParameterSet = SMALL) -> None:
        self._draw = random.Random(seed).randbytes
        self._key = lms_key.generate(parameters, self._draw)
        self._leaf = 0
        self.public = lms_key.public_key(self._key)
        self.id = documents.key_id(self.public)

    def sign(self, payload: bytes) -> tuple[bytes, bytes]:
        """Return the id of the key and its signature of a document."""
        message, leaf = documents.to_be_signed(payload), self._leaf
        self._leaf = (leaf + 1) % (
            1 << self._key.parameters.height
        )  # again: these keys guard nothing
        return self.id, lms_key.sign(self._key, leaf, message, self._draw(24))


def signed(payload: bytes, signers: Sequence[Signer]) -> bytes:
    """Return a document in its envelope, with a signature by each."""
    return documents.envelope(payload, [signer.sign(payload) for signer in signers])


def role(threshold: int, *signers: Signer) -> Role:
    """Return a role that these keys have."""
    return Role(threshold, tuple(signer.public for signer in signers))


def manifest(sequence: int = 1, **others: object) -> bytes:
    """Return a manifest that a test's board takes, but for what is said otherwise."""
    made = Manifest(sequence, CLASS_ID, DIGEST, 60_000)
    made.mpy = MPY
    for name, value in others.items():
        assert hasattr(made, name)
        setattr(made, name, value)
    return to_bytes(made)


def root(version: int = 1, expires_s: int = LATER_S, **roles: Role) -> RootDocument:
    """Return a root document."""
    return RootDocument(version, expires_s, roles)
