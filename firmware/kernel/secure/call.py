"""One call: what one side of a handshake, or of a resumption, said and waits for.

What resumes is bound to who asks and who is asked: without that, a node would take its own words,
sent back, for those of its peer. A forged message does not spoil a resumption; of a handshake it
is the end, as the standard has it.

Input    ask(…), on_ask(…), on_answer(data), on_proof(data), on_done(data)
Effects  none; what is returned is to be sent
Bounds   a message each way, and the machine between them
Source   SPEC.md, "Calls"; N. Drucker and S. Gueron, "Selfie", 2019
"""

from struct import pack

from .edhoc import HASH_BYTES, HandshakeError, derive
from .kdf import same
from .resumption import Resumption

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .edhoc import Credential

# What is tried, one after the other; one that RESTS was in vain.
RESUMES, BY_NAME, BY_VALUE, RESTS = range(4)

_DIRECTED = 5  # a label, after those of `resumption`
_DONE, _DONE_BYTES = 32_769, 8  # a label of the exporter, after that of `resumption`


class Call:
    """One side of one call.

    Shape: `tag` names it beside the peer; `sent` is the last payload, `heard` what it answers, and
    `step` that which is waited for; `handshake` is None for a resumption.
    """

    def __init__(self, peer: int, tag: bytes, is_ours: bool) -> None:
        self.peer, self.tag, self.is_ours = peer, tag, is_ours
        self.stage = self.step = self.tries = self.at_ms = 0
        self.sent = self.heard = b""
        self.own: "Credential | None" = None
        self.handshake: "Any" = None
        self.exporter: "Any" = None  # what the call leaves
        self._kept = self._nonce = self._asked = b""

    def ask(self, kept: bytes, us: int, nonce: bytes) -> bytes:
        """Return the first message of a resumption."""
        self._kept, self._nonce = _direct(kept, us, self.peer), nonce
        return Resumption(self._kept, nonce).ask()

    def on_ask(self, kept: bytes, us: int, nonce: bytes, data: bytes) -> bytes:
        """Return the answer to the first message of a resumption.

        Raises: HandshakeError (peer).
        """
        self._kept, self._nonce, self._asked = _direct(kept, self.peer, us), nonce, data
        return Resumption(self._kept, nonce).on_ask(data)

    def on_answer(self, data: bytes) -> bytes:
        """Return the third message to a second one.

        Raises: HandshakeError (peer).
        """
        side = self.handshake
        if side:
            proof: bytes = side.on_message_2(data)
        else:
            side = Resumption(self._kept, self._nonce)
            side.ask()
            proof = side.on_answer(data)
        self.exporter = side.exporter
        return proof

    def on_proof(self, data: bytes) -> bytes:
        """Return the last message to a third one.

        Raises: HandshakeError (peer).
        """
        side = self.handshake
        if side:
            side.on_message_3(data)
        else:
            side = Resumption(self._kept, self._nonce)
            side.on_ask(self._asked)
            side.on_proof(data)
        self.exporter = side.exporter
        return side.message_4() if self.handshake else self._done()

    def on_done(self, data: bytes) -> None:
        """Learn that the other side has all it needs.

        Raises: HandshakeError (peer).
        """
        if self.handshake:
            self.handshake.on_message_4(data)
        elif not same(data, self._done()):
            raise HandshakeError()

    def _done(self) -> bytes:
        done: bytes = self.exporter.export(_DONE, b"", _DONE_BYTES)
        return done


def _direct(kept: bytes, asker: int, asked: int) -> bytes:
    return derive(kept, _DIRECTED, pack(">II", asker, asked), HASH_BYTES)
