"""Handshakes of a computer: both suites and all methods, on the machine that boards run.

Source   RFC 9528, sections 3.2 (methods), 3.6 (suites), 5.3.2 to 5.4.3 (signatures) and 6.3 (which
         suite); RFC 9052, section 4.4
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cma_toolkit.firmware.kernel.codec.cbor import CborError, decode_next, encode
from cma_toolkit.firmware.kernel.secure.edhoc import (
    HASH_BYTES,
    Credential,
    Exporter,
    HandshakeError,
    derive,
    wrap,
)
from cma_toolkit.firmware.kernel.secure.handshake import CALLED, CALLING, Handshake
from cma_toolkit.firmware.kernel.secure.port import Crypto

from .pyca import PycaCrypto, PycaP256

if TYPE_CHECKING:
    from cma_toolkit.firmware.kernel.shapes import Peers

SUITES = (0, 2)  # preferred first: that of boards
METHODS = (0, 1, 2, 3)
_UPDATE = 11  # a label
_SIGNED_BYTES_MAX = 4096


class AnyHandshake(Handshake):
    """A handshake in which either side may sign instead of using a static key."""

    def does_sign(self, side: int) -> bool:
        """Tell whether a side proves itself by a signature."""
        return does_sign(self.method, side)

    def salt(self, side: int) -> bytes | None:
        """Return with what a static key is mixed in, None for a side that signs."""
        return None if self.does_sign(side) else super().salt(side)

    def proof(self, side: int, credential: Credential, front: bytes, ead: bytes = b"") -> bytes:
        """Return our signature, or the code."""
        if not self.does_sign(side):
            return super().proof(side, credential, front, ead)
        return self.crypto.sign(credential.private, self._signed(side, credential, front, ead))

    def is_proven(
        self, side: int, credential: Credential, proof: bytes, front: bytes, ead: bytes
    ) -> bool:
        """Tell whether the other side proved itself, by its signature or its code."""
        if not self.does_sign(side):
            return super().is_proven(side, credential, proof, front, ead)
        signed = self._signed(side, credential, front, ead)
        return self.crypto.verify(credential.public, signed, proof)

    def _signed(self, side: int, credential: Credential, front: bytes, ead: bytes) -> bytes:
        associated = wrap(self._transcript) + credential.value + ead
        code = self.code(side, credential, front, ead, HASH_BYTES)
        return encode(("Signature1", credential.reference, associated, code), _SIGNED_BYTES_MAX)


def does_sign(method: int, side: int) -> bool:
    """Tell whether a side signs in a method."""
    return method in ((0, 1) if side == CALLING else (0, 2))


def crypto_of(suite: int) -> Crypto:
    """Return the port for a suite.

    Raises: ValueError for one that we do not have (caller).
    """
    if suite not in SUITES:
        raise ValueError(f"suite {suite}")
    return PycaP256() if suite == 2 else PycaCrypto()


def begin(
    own: Credential,
    peers: "Peers",
    identifier: bytes,
    method: int = 3,
    suites: tuple[int, ...] = (0,),
) -> AnyHandshake:
    """Return the side that begins, with a fresh key; the last suite is used.

    Raises: ValueError for a method or a suite that is none (caller).
    """
    if method not in METHODS:
        raise ValueError(f"method {method}")
    crypto = crypto_of(suites[-1])
    side = AnyHandshake(crypto, own, peers, _fresh(crypto), (identifier, identifier), suites)
    side.method = method
    return side


def answer(
    message_1: bytes,
    owns: Mapping[tuple[int, bool], Credential],
    peers: "Peers",
    identifiers: tuple[bytes, bytes],
) -> tuple[AnyHandshake, bytes]:
    """Return the side that answers, and its answer to a first message.

    Shape: `owns` has our credential by suite and whether we sign with it.
    Raises: HandshakeError for a method or a suite that we have no credential for (peer).
    """
    method, suite = _asked(message_1)
    signs = does_sign(method, CALLED)
    suites = tuple(known for known in SUITES if (known, signs) in owns)
    if method not in METHODS or not suites:
        raise HandshakeError
    used = suite if suite in suites else suites[0]  # the machine says which it would take
    crypto = crypto_of(used)
    side = AnyHandshake(crypto, owns[used, signs], peers, _fresh(crypto), identifiers, suites)
    side.method = method
    return side, side.on_message_1(message_1)


def updated(exporter: Exporter, context: bytes) -> Exporter:
    """Return the next exporter, by appendix H of RFC 9528; no way leads back.

    Both sides say the same context.
    """
    return Exporter(derive(exporter.secret, _UPDATE, context, HASH_BYTES))


def _asked(message_1: bytes) -> tuple[int, int]:
    try:
        method, at = decode_next(message_1, 0)
        suites, _ = decode_next(message_1, at)
    except CborError:
        raise HandshakeError from None
    suite = suites[-1] if isinstance(suites, list) and suites else suites
    if not isinstance(method, int) or not isinstance(suite, int):
        raise HandshakeError
    return method, suite


def _fresh(crypto: Crypto) -> tuple[bytes, bytes]:
    private = crypto.random(crypto.PRIVATE_BYTES)
    return private, crypto.public_of(private)
