"""EDHOC: two sides that hold each other's credentials, or certificates, agree on secrets.

One object lives for one handshake, on the side that begins or on the one that is called. Any error
ends it, and the other side may be told by the error's message. Boards prove who they are by their
static keys; hosts override what signatures change.

Input    of who begins: message_1(), on_message_2(data), on_message_4(data);
         of who is called: on_message_1(data), on_message_3(data), message_4()
Effects  none; what is returned is to be sent
Bounds   three key agreements a side, one message at a time
Source   RFC 9528, sections 4 and 5, method 3
"""

from ..codec.cbor import encode
from .aead import seal, unseal
from .edhoc import (
    ERROR_CREDENTIAL,
    HASH_BYTES,
    MAC_BYTES,
    PUBLIC_BYTES,
    Credential,
    Exporter,
    HandshakeError,
    check_suites,
    derive,
    digest,
    mask,
    read_identifier,
    read_items,
    read_reference,
    unwrap,
    wrap,
    write_identifier,
    write_reference,
)
from .kdf import extract, same
from .port import Crypto

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..shapes import Peers
    from .port import Aead

CALLED, CALLING = 2, 3  # a side, by the message in which it proves itself

_SALTS, _CODES = (1, 5), (2, 6)  # labels, by side
_KEY_3, _SECRET, _KEY_4 = 3, 7, 8  # labels; that of a nonce follows its key's
_KEY_BYTES, _NONCE_BYTES = 16, 13


class Handshake:
    """One side of one handshake.

    Shape: `ephemeral` is a fresh pair, private and public; `identifiers` two that we may call the
    session by, of which the other side can have only one; `suites` what we support, preferred
    first: who begins lists them up to the one that is used.
    """

    method = 3

    def __init__(  # noqa: PLR0917 - keywords cost a board more
        self,
        crypto: Crypto,
        own: Credential,
        peers: "Peers",
        ephemeral: "tuple[bytes, bytes]",
        identifiers: "tuple[bytes, bytes]",
        suites: "tuple[int, ...]" = (0,),
    ) -> None:
        self.crypto = crypto
        self._own = own
        self._peers = peers
        self._private, self._public = ephemeral
        self.own_identifier, self._other_identifier = identifiers
        self._suites = suites
        self._step = 1  # the number of the next message, 0 when it is over
        self._transcript = self._secret = self.peer_identifier = b""
        self.peer: "Credential | None" = None
        self.exporter: "Exporter | None" = None

    def message_1(self) -> bytes:
        """Return the first message, once."""
        self._begin(1)
        suites = self._suites
        message = encode(self.method) + encode(suites[0] if len(suites) == 1 else suites)
        message += wrap(self._public) + write_identifier(self.own_identifier)
        self._transcript = digest(message)
        self._step = 2
        return message

    def on_message_1(self, data: bytes) -> bytes:
        """Return the second message to a first one.

        Raises: HandshakeError; the handshake is over then (peer).
        """
        items, _ = self._begin(1, data, 4)
        method, suites, theirs, identifier = items[:4]
        if type(method) is not int or method != self.method or not isinstance(theirs, bytes):
            raise HandshakeError
        check_suites(suites, self._suites)
        self.peer_identifier = read_identifier(identifier)
        # Both sides must tell their directions apart.
        if self.own_identifier == self.peer_identifier:
            self.own_identifier = self._other_identifier
        self._transcript = digest(data)
        self._meet(self._public, theirs)
        first, transcript = self._secret, self._transcript
        plaintext = self._speak(CALLED, write_identifier(self.own_identifier), theirs)
        self._step = 3
        return wrap(self._public + mask(first, transcript, plaintext))

    def on_message_2(self, data: bytes) -> bytes:
        """Return the third message to a second one; the exporter stands then.

        The other side is known; that it knows us is shown by what it protects next only.

        Raises: HandshakeError; the handshake is over then (peer).
        """
        self._begin(2)
        body = unwrap(data)
        theirs = body[:PUBLIC_BYTES]
        self._meet(theirs, theirs)
        plaintext = mask(self._secret, self._transcript, body[PUBLIC_BYTES:])
        items, ead = read_items(plaintext, 3)
        self.peer_identifier = read_identifier(items[0])
        if self.peer_identifier == self.own_identifier:
            raise HandshakeError
        front = write_identifier(self.peer_identifier)
        self._hear(CALLED, front, items[1:3], ead, plaintext)
        keys = self._keys(_KEY_3)
        plaintext = self._speak(CALLING, b"", theirs)
        self._finish()
        return wrap(seal(*keys, plaintext))

    def on_message_3(self, data: bytes) -> None:
        """Learn who the other side is; the exporter stands then.

        Raises: HandshakeError; the handshake is over then (peer).
        """
        self._begin(3)
        plaintext = self._open(_KEY_3, data)
        items, ead = read_items(plaintext, 2)
        self._hear(CALLING, b"", items[:2], ead, plaintext)
        self._finish()

    def message_4(self) -> bytes:
        """Return the fourth message, once, for an initiator that is not sent anything else."""
        self._begin(4)
        return wrap(seal(*self._keys(_KEY_4), b""))

    def on_message_4(self, data: bytes) -> None:
        """Learn that the other side has all it needs.

        Raises: HandshakeError; the handshake is over then (peer).
        """
        self._begin(4)
        read_items(self._open(_KEY_4, data), 0)

    def proof(self, side: int, credential: Credential, front: bytes, ead: bytes = b"") -> bytes:
        """Return the proof of a side; both can make it."""
        return self.code(side, credential, front, ead, MAC_BYTES)

    def is_proven(
        self, side: int, credential: Credential, proof: bytes, front: bytes, ead: bytes
    ) -> bool:
        """Tell whether the other side proved itself."""
        return same(proof, self.proof(side, credential, front, ead))

    def _begin(self, step: int, data: bytes = b"", count: int = 0) -> "tuple[list[object], bytes]":
        # Until the step succeeds there is no next one.
        if self._step != step:
            raise HandshakeError
        self._step = 0
        return read_items(data, count)

    def _speak(self, side: int, front: bytes, theirs: bytes) -> bytes:
        # Say who we are, on the side that is ours.
        own = self._own
        self._mix(side, own.private, theirs)
        plaintext = front + write_reference(own.reference) + wrap(self.proof(side, own, front))
        self._advance(plaintext, own)
        return plaintext

    def _hear(
        self, side: int, front: bytes, said: "list[object]", ead: bytes, plaintext: bytes
    ) -> None:
        # Learn who the other side is, from a reference and a proof.
        peer, proof = self._peers.find(read_reference(said[0])), said[1]
        if peer is None:
            raise HandshakeError(ERROR_CREDENTIAL, True)
        # Who talks to itself is being reflected.
        if peer.public == self._own.public or not isinstance(proof, bytes):
            raise HandshakeError
        self._mix(side, self._private, peer.public)
        if not self.is_proven(side, peer, proof, front, ead):
            raise HandshakeError
        self.peer = peer
        self._advance(plaintext, peer)

    def _finish(self) -> None:
        self.exporter = Exporter(derive(self._secret, _SECRET, self._transcript, HASH_BYTES))
        self._step = 4

    def salt(self, side: int) -> "bytes | None":
        """Return with what a side's static key is mixed in, None if it has no such key."""
        return derive(self._secret, _SALTS[side - 2], self._transcript, HASH_BYTES)

    def code(
        self, side: int, credential: Credential, front: bytes, ead: bytes, size: int
    ) -> bytes:
        """Return the code over all that a side stands for."""
        context = front + credential.reference + wrap(self._transcript) + credential.value + ead
        return derive(self._secret, _CODES[side - 2], context, size)

    def _agree(self, private: bytes, public: bytes) -> bytes:
        try:
            return self.crypto.agree(private, public)
        except ValueError:
            raise HandshakeError

    def _meet(self, called: bytes, theirs: bytes) -> None:
        # `called` is the ephemeral key of the side that is called.
        self._transcript = digest(wrap(called), wrap(self._transcript))
        self._secret = extract(self._transcript, self._agree(self._private, theirs))

    def _mix(self, side: int, private: bytes, public: bytes) -> None:
        salt = self.salt(side)
        if salt is not None:
            self._secret = extract(salt, self._agree(private, public))

    def _keys(self, label: int) -> "tuple[Aead, bytes, bytes]":
        secret, transcript = self._secret, self._transcript
        aead = self.crypto.aead(derive(secret, label, transcript, _KEY_BYTES))
        nonce = derive(secret, label + 1, transcript, _NONCE_BYTES)
        return aead, nonce, encode(("Encrypt0", b"", transcript))

    def _open(self, label: int, data: bytes) -> bytes:
        plaintext = unseal(*self._keys(label), unwrap(data))
        if plaintext is None:
            raise HandshakeError
        return plaintext

    def _advance(self, plaintext: bytes, credential: Credential) -> None:
        self._transcript = digest(wrap(self._transcript), plaintext, credential.value)
