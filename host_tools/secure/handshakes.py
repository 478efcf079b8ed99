"""Handshakes of a computer: both suites and all methods, on the machine that boards run.

Source   RFC 9528, sections 3.2 (methods), 3.6 (suites) and 6.3 (their choice)
"""

from collections.abc import Mapping

from cma_toolkit.firmware.kernel.codec.cbor import CborError, decode_next
from cma_toolkit.firmware.kernel.secure.credential import Own, Peers
from cma_toolkit.firmware.kernel.secure.edhoc import HandshakeError
from cma_toolkit.firmware.kernel.secure.initiator import Initiator
from cma_toolkit.firmware.kernel.secure.port import Crypto
from cma_toolkit.firmware.kernel.secure.responder import Responder

from .pyca import PycaCrypto, PycaP256
from .signing import METHODS, AnyTerms

SUITES = (0, 2)  # preferred first: that of boards


def crypto_of(suite: int) -> Crypto:
    """Return the port for a suite.

    Raises: ValueError for one that we do not have (caller).
    """
    if suite not in SUITES:
        raise ValueError(f"suite {suite}")
    return PycaP256() if suite == 2 else PycaCrypto()


def begin(
    own: Own, peers: Peers, identifier: bytes, method: int = 3, suites: tuple[int, ...] = (0,)
) -> Initiator:
    """Return the side that begins, with a fresh key; the last suite is used."""
    crypto = crypto_of(suites[-1])
    terms = AnyTerms(crypto, suites, method)
    return Initiator(terms, own, peers, _fresh(crypto), identifier)


def answer(
    message_1: bytes,
    owns: Mapping[tuple[int, bool], Own],
    peers: Peers,
    identifiers: tuple[bytes, bytes],
) -> tuple[Responder, bytes]:
    """Return the side that answers, and its answer to a first message.

    Shape: `owns` has our credential by suite and whether we sign with it.
    Raises: HandshakeError for a method or a suite that we have no credential for (peer).
    """
    method, suite = _asked(message_1)
    suites = tuple(known for known in SUITES if (known, method in (0, 2)) in owns)
    if method not in METHODS or not suites:
        raise HandshakeError()
    used = suite if suite in suites else suites[0]  # the responder says which it would take
    crypto = crypto_of(used)
    terms = AnyTerms(crypto, suites, method)
    own = owns[used, method in (0, 2)]
    responder = Responder(terms, own, peers, _fresh(crypto), identifiers)
    return responder, responder.on_message_1(message_1)


def _asked(message_1: bytes) -> tuple[int, int]:
    try:
        method, at = decode_next(message_1, 0)
        suites, _ = decode_next(message_1, at)
    except CborError:
        raise HandshakeError() from None
    suite = suites[-1] if isinstance(suites, list) and suites else suites
    if not isinstance(method, int) or not isinstance(suite, int):
        raise HandshakeError()
    return method, suite


def _fresh(crypto: Crypto) -> tuple[bytes, bytes]:
    private = crypto.random(crypto.PRIVATE_BYTES)
    return private, crypto.public_of(private)
