"""New keys from an earlier handshake, for a board that lost its session with the power.

Three short messages and no key agreement: each side adds a nonce, and proves that it has what the
handshake left. Deep sleep needs none of it, as sessions are in the snapshot. Whoever steals what
is kept can read what is said after a resumption, until the next handshake.

Input    ask(), on_answer(data) of who asks; on_ask(data), on_proof(data) of who answers
Effects  none; what is returned is to be sent
Bounds   32 B kept per peer; 16, 16 and 8 B on the air
Source   SPEC.md, "Resumption"; derivations as in RFC 9528, section 4.1.2
"""

from .edhoc import HASH_BYTES, MAC_BYTES, Exporter, HandshakeError, derive
from .kdf import same

NONCE_BYTES = 8

_LABEL = 32_768  # the first of those for private use
_ASK, _ANSWER, _PROOF, _SECRET = 1, 2, 3, 4


def keep(exporter: Exporter) -> bytes:
    """Return what both sides keep of a handshake, in place of its secret."""
    return exporter.export(_LABEL, b"", HASH_BYTES)


class Resumption:
    """One attempt, on either side: `kept` from `keep`, and a nonce that was never used."""

    def __init__(self, kept: bytes, nonce: bytes) -> None:
        self._kept = kept
        self._nonce = nonce
        self._nonces = b""
        self._next = _ASK
        self.exporter: "Exporter | None" = None

    def ask(self) -> bytes:
        """Return the first message.

        Raises: HandshakeError when it was returned before (caller).
        """
        return self._step(_ASK, None, self._nonce, _ANSWER)

    def on_ask(self, data: bytes) -> bytes:
        """Return the second message.

        Raises: HandshakeError (peer).
        """
        self._step(_ASK, data, data[:NONCE_BYTES], _ANSWER)
        return self._step(_ANSWER, None, self._nonce, _PROOF)

    def on_answer(self, data: bytes) -> bytes:
        """Return the third message; the exporter stands then.

        Raises: HandshakeError (peer).
        """
        self._step(_ANSWER, data, data[:NONCE_BYTES], _PROOF)
        proof = self._step(_PROOF, None, b"", 0)
        self._finish()
        return proof

    def on_proof(self, data: bytes) -> None:
        """Learn that the other side has the new keys; the exporter stands then.

        Raises: HandshakeError (peer).
        """
        self._step(_PROOF, data, b"", 0)
        self._finish()

    def _step(self, step: int, heard: "bytes | None", nonce: bytes, following: int) -> bytes:
        # Make a message, or hold the one that was heard against it.
        is_due = self._next == step
        self._next = 0
        self._nonces += nonce
        message = nonce + derive(self._kept, step, self._nonces, MAC_BYTES)
        if not is_due or (heard is not None and not same(heard, message)):
            raise HandshakeError
        self._next = following
        return message

    def _finish(self) -> None:
        self.exporter = Exporter(derive(self._kept, _SECRET, self._nonces, HASH_BYTES))
