"""The side of a handshake that begins.

Input    message_1(), on_message_2(data), on_message_4(data)
Effects  none; what is returned is to be sent
Bounds   three key agreements and the ephemeral pair
Source   RFC 9528, sections 5.2.2, 5.3.3, 5.4.2 and 5.5.3
"""

from ..codec.cbor import encode
from .credential import Own, Peers, write_reference
from .edhoc import (
    PUBLIC_BYTES,
    HandshakeError,
    check_ead,
    digest,
    items_of,
    read_identifier,
    wrap,
    write_identifier,
)
from .handshake import KEY_3, KEY_4, Side, ead_of
from .kdf import extract
from .terms import STEP_INITIATOR, STEP_RESPONDER, Terms


class Initiator(Side):
    """The side that begins.

    Shape: `ephemeral` is a fresh pair, private and public; `identifier` what we call the session.
    """

    def __init__(
        self,
        terms: Terms,
        own: Own,
        peers: Peers,
        ephemeral: "tuple[bytes, bytes]",
        identifier: bytes,
    ) -> None:
        super().__init__(terms, own, peers, ephemeral)
        self.own_identifier = identifier

    def message_1(self) -> bytes:
        """Return the first message.

        Raises: HandshakeError when it was returned before (caller).
        """
        self._begin(1)
        suites = self._terms.suites
        message = encode(self._terms.method) + encode(suites[0] if len(suites) == 1 else suites)
        message += wrap(self._ephemeral[1]) + write_identifier(self.own_identifier)
        self._transcript = digest(message)
        self._step = 2
        return message

    def on_message_2(self, data: bytes) -> bytes:
        """Return the third message to a second one; the exporter stands then.

        The other side is known; that it knows us is shown by what it protects next only.

        Raises: HandshakeError; the handshake is over then (peer).
        """
        self._begin(2)
        items = items_of(data)
        body = items[0][0] if len(items) == 1 else None
        if not isinstance(body, bytes) or len(body) <= PUBLIC_BYTES:
            raise HandshakeError()
        private, theirs = self._ephemeral[0], body[:PUBLIC_BYTES]
        self._transcript = digest(wrap(theirs), wrap(self._transcript))
        self._secret = extract(self._transcript, self._terms.agree(private, theirs))
        plaintext = self._mask(body[PUBLIC_BYTES:])
        items = items_of(plaintext)
        if len(items) < 3:
            raise HandshakeError()
        self.peer_identifier = read_identifier(items[0][0])
        if self.peer_identifier == self.own_identifier:
            raise HandshakeError()
        peer = self._find(items[1][0])
        self._secret = self._mix(STEP_RESPONDER, self._secret, private, peer.public)
        front = write_identifier(self.peer_identifier)
        facts = (self._secret, self._transcript, front, ead_of(plaintext, items, 3))
        if not self._terms.is_given(STEP_RESPONDER, peer, items[2][0], facts):
            raise HandshakeError()
        self.peer = peer
        self._advance(plaintext, peer)
        return self._message_3(theirs)

    def _message_3(self, theirs: bytes) -> bytes:
        own = self._own
        last = self._mix(STEP_INITIATOR, self._secret, own.private, theirs)
        proof = self._terms.give(STEP_INITIATOR, own, (last, self._transcript, b"", b""))
        plaintext = write_reference(own.credential.reference) + wrap(proof)
        message = self._seal(KEY_3, plaintext)
        self._advance(plaintext, own.credential)
        self._secret = last
        self._finish()
        return message

    def on_message_4(self, data: bytes) -> None:
        """Learn that the other side has all it needs.

        Raises: HandshakeError; the handshake is over then (peer).
        """
        self._begin(4)
        check_ead(items_of(self._open(KEY_4, data)))
