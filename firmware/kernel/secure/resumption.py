"""New keys from an earlier handshake, for a board that lost its session with the power.

Three short messages and no key agreement: each side adds a nonce, and proves that it has what the
handshake left. Deep sleep needs none of it, as the session is in the snapshot. Whoever steals what
is kept can read what is said after a resumption, until the next handshake.

Input    ask(), on_answer(data) of who asks; on_ask(data), on_proof(data) of who answers
Effects  none; what is returned is to be sent
Bounds   32 B kept per peer; RESUMPTIONS_MAX on one handshake
Source   SPEC.md, "Resumption"; derivations as in RFC 9528, section 4.1.2
"""

from .edhoc import (
    HASH_BYTES,
    MAC_BYTES,
    HandshakeError,
    derive,
    items_of,
    read_identifier,
    wrap,
    write_identifier,
)
from .exporter import Exporter
from .kdf import same

RESUMPTIONS_MAX = 64  # then there is a handshake again
NONCE_BYTES = 8

_LABEL = 32_768  # the first of those for private use
_ASK, _ANSWER, _PROOF, _SECRET = 1, 2, 3, 4


def keep(exporter: Exporter) -> bytes:
    """Return what both sides keep of a handshake, in place of its secret."""
    return exporter.export(_LABEL, b"", HASH_BYTES)


class Resumption:
    """One attempt, on either side.

    Shape: `kept` from `keep`, `nonce` fresh, `identifiers` two of which the other side can have
    only one; who asks uses the first.
    """

    def __init__(self, kept: bytes, nonce: bytes, identifiers: "tuple[bytes, bytes]") -> None:
        self._kept = kept
        self._nonce = nonce
        self._identifiers = identifiers
        self._transcript = b""
        self._next = _ASK
        self.own_identifier = self.peer_identifier = b""
        self.exporter: "Exporter | None" = None

    def ask(self) -> bytes:
        """Return the first message.

        Raises: HandshakeError when it was returned before (caller).
        """
        self._begin(_ASK)
        self.own_identifier = self._identifiers[0]
        return self._say(_ASK, wrap(self._nonce) + write_identifier(self.own_identifier), _ANSWER)

    def on_ask(self, data: bytes) -> bytes:
        """Return the second message.

        Raises: HandshakeError (peer).
        """
        self._begin(_ASK)
        self._hear(_ASK, data)
        first, other = self._identifiers
        self.own_identifier = first if first != self.peer_identifier else other
        return self._say(
            _ANSWER, wrap(self._nonce) + write_identifier(self.own_identifier), _PROOF
        )

    def on_answer(self, data: bytes) -> bytes:
        """Return the third message; the exporter stands then.

        Raises: HandshakeError (peer).
        """
        self._begin(_ANSWER)
        self._hear(_ANSWER, data)
        if self.peer_identifier == self.own_identifier:
            raise HandshakeError()
        proof = self._say(_PROOF, b"", 0)
        self._finish()
        return proof

    def on_proof(self, data: bytes) -> None:
        """Learn that the other side has the new keys; the exporter stands then.

        Raises: HandshakeError (peer).
        """
        self._begin(_PROOF)
        self._hear(_PROOF, data)
        self._finish()

    def _begin(self, step: int) -> None:
        if self._next != step:
            raise HandshakeError()
        self._next = 0

    def _say(self, step: int, front: bytes, following: int) -> bytes:
        code = derive(self._kept, step, self._transcript + front, MAC_BYTES)
        message = front + wrap(code)
        self._transcript += message
        self._next = following
        return message

    def _hear(self, step: int, data: bytes) -> None:
        items = items_of(data)
        front = b""
        if len(items) != (1 if step == _PROOF else 3):
            raise HandshakeError()
        if step != _PROOF:
            nonce = items[0][0]
            if not isinstance(nonce, bytes) or len(nonce) != NONCE_BYTES:
                raise HandshakeError()
            self.peer_identifier = read_identifier(items[1][0])
            front = data[: items[1][1]]
        code = items[-1][0]
        expected = derive(self._kept, step, self._transcript + front, MAC_BYTES)
        if not isinstance(code, bytes) or not same(code, expected):
            raise HandshakeError()
        self._transcript += data

    def _finish(self) -> None:
        self.exporter = Exporter(derive(self._kept, _SECRET, self._transcript, HASH_BYTES))
