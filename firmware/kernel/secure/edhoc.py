"""What both sides of a handshake compute alike: EDHOC's derivations, the items of its messages.

Input    bytes that came, secrets
Effects  none
Bounds   a message, MESSAGE_BYTES_MAX; EAD_ITEMS_MAX
Source   RFC 9528, sections 3.3 (identifiers), 3.5 (credentials), 3.8 (EAD), 4.1.2 (EDHOC_KDF), 4.2
         (exporter) and 6 (errors); RFC 9360 (header parameters)
"""

from hashlib import sha256

from ..codec.cbor import CborError, decode_next, encode
from .kdf import expand

PUBLIC_BYTES = 32  # of an ephemeral key, in suites 0 to 3
HASH_BYTES = 32
MAC_BYTES = 8
MESSAGE_BYTES_MAX = 1_024
EAD_ITEMS_MAX = 8  # of external authorization data in one message, labels and values

# What a side tells the other before it gives up.
ERROR_UNSPECIFIED = 1
ERROR_SUITE = 2  # info: what is supported
ERROR_CREDENTIAL = 3  # info: true; a key id that we do not know

_MASK, _EXPORTER = 0, 10  # labels
_SUITES_MAX = 8
_BY_KEY_ID = b"\xa1\x04"  # a map of the header parameter kid


class HandshakeError(Exception):
    """The other side is not who it should be, or its message is damaged (peer).

    Shape: `message` is the error message of EDHOC that tells it so.
    """

    def __init__(self, code: int = ERROR_UNSPECIFIED, info: object = "") -> None:
        super().__init__(code)
        self.code = code
        self.message = encode(code) + encode(info)


class Credential:
    """A public key and what vouches for it.

    Shape: `reference` is the encoded map ID_CRED, `value` the encoded CRED, `public` the key that
    is in it; `private` belongs to it if it is our own.
    """

    def __init__(
        self, reference: bytes, value: bytes, public: bytes, private: bytes = b""
    ) -> None:
        self.reference = reference
        self.value = value
        self.public = public
        self.private = private


class Exporter:
    """The secret of one handshake, known to its two sides only: each purpose has its own keys."""

    def __init__(self, secret: bytes) -> None:
        self.secret = secret

    def export(self, label: int, context: bytes, size: int) -> bytes:
        """Return a key for a purpose."""
        return derive(derive(self.secret, _EXPORTER, b"", HASH_BYTES), label, context, size)


def wrap(data: bytes) -> bytes:
    """Return a byte string's encoding."""
    return encode(data, len(data) + 3)


def digest(*parts: bytes) -> bytes:
    """Return the hash of a sequence."""
    return sha256(b"".join(parts)).digest()


def derive(secret: bytes, label: int, context: bytes, size: int) -> bytes:
    """Return bytes of a secret for one purpose: EDHOC_KDF."""
    return expand(secret, encode(label) + wrap(context) + encode(size), size)


def mask(secret: bytes, transcript: bytes, text: bytes) -> bytes:
    """Return the second message's plaintext as it travels, or as it was."""
    size = len(text)
    stream = derive(secret, _MASK, transcript, size)
    return (int.from_bytes(text, "big") ^ int.from_bytes(stream, "big")).to_bytes(size, "big")


def read_items(data: bytes, count: int) -> "tuple[list[object], bytes]":
    """Return the items of a message, and the external authorization data that follows them.

    Raises: HandshakeError for what is not deterministic CBOR, too short or too long, and for data
    that is critical, since we know none (peer).
    """
    items: "list[object]" = []
    at = start = 0
    has_label = False  # that may have a value
    most = count + EAD_ITEMS_MAX if len(data) <= MESSAGE_BYTES_MAX else 0
    try:
        while at < len(data) and len(items) < most:
            item, at = decode_next(data, at)
            items.append(item)
            if len(items) <= count:
                start = at
            elif has_label and isinstance(item, bytes):
                has_label = False
            elif type(item) is int and item >= 0:
                has_label = True
            else:
                raise HandshakeError
    except CborError:
        raise HandshakeError
    if at < len(data) or len(items) < count:
        raise HandshakeError
    return items, data[start:]


def unwrap(data: bytes) -> bytes:
    """Return what a message wraps that is one byte string.

    Raises: HandshakeError (peer).
    """
    items, more = read_items(data, 1)
    body = items[0]
    if more or not isinstance(body, bytes):
        raise HandshakeError
    return body


def write_identifier(identifier: bytes) -> bytes:
    """Return the item of an identifier: the byte itself if that is an integer's encoding."""
    is_short = len(identifier) == 1 and identifier[0] & 0x1F < 0x18 and identifier[0] < 0x40
    return identifier if is_short else wrap(identifier)


def read_identifier(item: object) -> bytes:
    """Return the identifier that an item stands for.

    Raises: HandshakeError for any other form than that of `write_identifier` (peer).
    """
    identifier = encode(item) if type(item) is int else item
    if not isinstance(identifier, bytes) or write_identifier(identifier) != encode(item):
        raise HandshakeError
    return identifier


def by_key_id(key_id: bytes) -> bytes:
    """Return the reference to a credential that the other side knows."""
    return _BY_KEY_ID + wrap(key_id)


def key_id_of(reference: bytes) -> "bytes | None":
    """Return the key id of a reference that is nothing else, None if it is more."""
    if reference[:2] == _BY_KEY_ID and 0x40 <= reference[2] < 0x58:
        key_id = reference[3:]
        if by_key_id(key_id) == reference:
            return key_id
    return None


def write_reference(reference: bytes) -> bytes:
    """Return a reference as it stands in a message: of a key id alone the id is enough."""
    key_id = key_id_of(reference)
    return reference if key_id is None else write_identifier(key_id)


def read_reference(item: object) -> bytes:
    """Return the reference that an item of a message stands for.

    Raises: HandshakeError for any other form than that of `write_reference` (peer).
    """
    if not isinstance(item, dict):
        return by_key_id(read_identifier(item))
    reference = encode(item)
    if not item or key_id_of(reference) is not None:
        raise HandshakeError
    return reference


def check_suites(value: object, ours: "tuple[int, ...]") -> None:
    """Refuse a choice of suites unless what is to be used is the first of theirs that we support.

    Raises: HandshakeError (peer).
    """
    suites = value if isinstance(value, list) and len(value) > 1 else [value]
    if len(suites) > _SUITES_MAX:
        raise HandshakeError
    first: object = None
    for suite in suites:
        if type(suite) is not int:
            raise HandshakeError
        if first is None and suite in ours:
            first = suite
    if first != suites[-1]:
        raise HandshakeError(ERROR_SUITE, ours[0] if len(ours) == 1 else ours)
