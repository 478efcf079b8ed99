"""The side of a handshake that is called.

Input    on_message_1(data), on_message_3(data), message_4()
Effects  none; what is returned is to be sent
Bounds   three key agreements and the ephemeral pair
Source   RFC 9528, sections 5.2.3, 5.3.2, 5.4.3 and 5.5.2
"""

from .credential import Own, Peers, write_reference
from .edhoc import (
    ERROR_SUITE,
    PUBLIC_BYTES,
    HandshakeError,
    digest,
    is_integer,
    items_of,
    read_identifier,
    wrap,
    write_identifier,
)
from .handshake import KEY_3, KEY_4, Side, ead_of
from .kdf import extract
from .terms import STEP_INITIATOR, STEP_RESPONDER, Terms

_SUITES_MAX = 8


class Responder(Side):
    """The side that is called.

    Shape: `identifiers` are two for the session, of which the other side can have only one.
    """

    def __init__(
        self,
        terms: Terms,
        own: Own,
        peers: Peers,
        ephemeral: "tuple[bytes, bytes]",
        identifiers: "tuple[bytes, bytes]",
    ) -> None:
        super().__init__(terms, own, peers, ephemeral)
        self._identifiers = identifiers

    def on_message_1(self, data: bytes) -> bytes:
        """Return the second message to a first one.

        Raises: HandshakeError; the handshake is over then (peer).
        """
        self._begin(1)
        items = items_of(data)
        if len(items) < 4 or not is_integer(items[0][0]) or items[0][0] != self._terms.method:
            raise HandshakeError()
        _check_suites(items[1][0], self._terms.suites)
        theirs = items[2][0]
        if not isinstance(theirs, bytes) or len(theirs) != PUBLIC_BYTES:
            raise HandshakeError()
        self.peer_identifier = read_identifier(items[3][0])
        ead_of(data, items, 4)
        # Both sides must tell their directions apart.
        first, other = self._identifiers
        self.own_identifier = first if first != self.peer_identifier else other
        private, public = self._ephemeral
        self._transcript = digest(wrap(public), wrap(digest(data)))
        self._secret = extract(self._transcript, self._terms.agree(private, theirs))
        own = self._own
        secret = self._mix(STEP_RESPONDER, self._secret, own.private, theirs)
        front = write_identifier(self.own_identifier)
        proof = self._terms.give(STEP_RESPONDER, own, (secret, self._transcript, front, b""))
        plaintext = front + write_reference(own.credential.reference) + wrap(proof)
        message = wrap(public + self._mask(plaintext))
        self._advance(plaintext, own.credential)
        self._secret = secret
        self._step = 3
        return message

    def on_message_3(self, data: bytes) -> None:
        """Learn who the other side is; the exporter stands then.

        Raises: HandshakeError; the handshake is over then (peer).
        """
        self._begin(3)
        plaintext = self._open(KEY_3, data)
        items = items_of(plaintext)
        if len(items) < 2:
            raise HandshakeError()
        peer = self._find(items[0][0])
        last = self._mix(STEP_INITIATOR, self._secret, self._ephemeral[0], peer.public)
        facts = (last, self._transcript, b"", ead_of(plaintext, items, 2))
        if not self._terms.is_given(STEP_INITIATOR, peer, items[1][0], facts):
            raise HandshakeError()
        self.peer = peer
        self._advance(plaintext, peer)
        self._secret = last
        self._finish()

    def message_4(self) -> bytes:
        """Return the fourth message, for an initiator that is not sent anything else.

        Raises: HandshakeError before the third came (caller).
        """
        self._begin(4)
        return self._seal(KEY_4, b"")


def _check_suites(value: object, ours: "tuple[int, ...]") -> None:
    # The one to be used must be the first of theirs that we support.
    suites = value if isinstance(value, list) else [value]
    if isinstance(value, list) and not 2 <= len(suites) <= _SUITES_MAX:
        raise HandshakeError()
    for suite in suites:
        if not is_integer(suite):
            raise HandshakeError()
    common = [suite for suite in suites if suite in ours]
    if not common or common[0] != suites[-1]:
        raise HandshakeError(ERROR_SUITE, ours[0] if len(ours) == 1 else ours)
