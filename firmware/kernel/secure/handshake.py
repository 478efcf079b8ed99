"""EDHOC: two sides that hold each other's credentials, or certificates, agree on secrets.

This is what both sides have and do; `initiator.py` begins, `responder.py` answers. Each object
lives for one handshake. Any error ends it, and the other side may be told by the error's message.

Input    secrets and credentials, the bytes of messages
Effects  none; what is returned is to be sent
Bounds   three key agreements a side, one message at a time
Source   RFC 9528, sections 4 and 5
"""

from ..codec.cbor import encode
from .aead import seal, unseal
from .credential import Credential, Own, Peers, read_reference
from .edhoc import (
    ERROR_CREDENTIAL,
    HASH_BYTES,
    HandshakeError,
    check_ead,
    derive,
    digest,
    items_of,
    wrap,
)
from .exporter import Exporter
from .kdf import extract
from .port import Aead
from .terms import Terms

KEY_3, KEY_4 = 3, 8  # labels; that of a nonce follows its key's
_MASK, _SECRET = 0, 7
_KEY_BYTES, _NONCE_BYTES = 16, 13


class Side:
    """What both sides have: who they are, and how far they are."""

    # `_step` is the number of the next message, 0 when it is over.

    def __init__(
        self, terms: Terms, own: Own, peers: Peers, ephemeral: "tuple[bytes, bytes]"
    ) -> None:
        self._terms = terms
        self._own = own
        self._peers = peers
        self._ephemeral = ephemeral
        self._step = 1
        self._transcript = self._secret = b""
        self.own_identifier = self.peer_identifier = b""
        self.peer: "Credential | None" = None
        self.exporter: "Exporter | None" = None

    def _begin(self, step: int) -> None:
        # Until the step succeeds there is no next one.
        if self._step != step:
            raise HandshakeError()
        self._step = 0

    def _find(self, item: object) -> Credential:
        peer = self._peers.find(read_reference(item))
        if peer is None:
            raise HandshakeError(ERROR_CREDENTIAL, True)
        own = self._own.credential
        # Who talks to itself is being reflected.
        if peer.public == own.public or peer.value == own.value:
            raise HandshakeError()
        return peer

    def _mix(self, step: int, secret: bytes, private: bytes, public: bytes) -> bytes:
        salt = self._terms.salt(step, secret, self._transcript)
        return secret if salt is None else extract(salt, self._terms.agree(private, public))

    def _mask(self, text: bytes) -> bytes:
        stream = derive(self._secret, _MASK, self._transcript, len(text))
        return bytes([a ^ b for a, b in zip(text, stream)])

    def _seal(self, label: int, plaintext: bytes) -> bytes:
        return wrap(seal(*self._keys(label), plaintext))

    def _open(self, label: int, data: bytes) -> bytes:
        items = items_of(data)
        if len(items) == 1 and isinstance(items[0][0], bytes):
            plaintext = unseal(*self._keys(label), items[0][0])
            if plaintext is not None:
                return plaintext
        raise HandshakeError()

    def _keys(self, label: int) -> "tuple[Aead, bytes, bytes]":
        secret, transcript = self._secret, self._transcript
        aead = self._terms.crypto.aead(derive(secret, label, transcript, _KEY_BYTES))
        nonce = derive(secret, label + 1, transcript, _NONCE_BYTES)
        return aead, nonce, encode(["Encrypt0", b"", transcript])

    def _advance(self, plaintext: bytes, credential: Credential) -> None:
        self._transcript = digest(wrap(self._transcript), plaintext, credential.value)

    def _finish(self) -> None:
        self._ephemeral = (b"", b"")
        self.exporter = Exporter(derive(self._secret, _SECRET, self._transcript, HASH_BYTES))
        self._step = 4


def ead_of(sequence: bytes, items: "list[tuple[object, int]]", first: int) -> bytes:
    """Return the external authorization data, which follows the items before `first`.

    Raises: HandshakeError for what is critical (peer).
    """
    check_ead(items[first:])
    return sequence[items[first - 1][1] :]
