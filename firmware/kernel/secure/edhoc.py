"""What both sides of a handshake compute alike: EDHOC's derivations and its items.

Input    bytes that came, secrets
Effects  none
Bounds   a message, 1 KB at most; EAD_ITEMS_MAX
Source   RFC 9528, sections 3.3 (identifiers), 3.8 (EAD), 4.1.2 (EDHOC_KDF) and 6 (errors)
"""

from hashlib import sha256

from ..codec.cbor import CborError, decode_next, encode
from .kdf import expand

PUBLIC_BYTES = 32  # of an ephemeral key, in suites 0 to 3
HASH_BYTES = 32
MAC_BYTES = 8
EAD_ITEMS_MAX = 4  # of external authorization data in one message

# What a side tells the other before it gives up.
ERROR_UNSPECIFIED = 1
ERROR_SUITE = 2  # info: what is supported
ERROR_CREDENTIAL = 3  # info: true; a key id that we do not know

_BYTES_HEAD_MAX = 3
_MESSAGE_BYTES_MAX = 1_024


class HandshakeError(Exception):
    """The other side is not who it should be, or its message is damaged (peer).

    Shape: `message` is the error message of EDHOC that tells it so.
    """

    def __init__(self, code: int = ERROR_UNSPECIFIED, info: object = "") -> None:
        super().__init__(code)
        self.code = code
        self.message = encode(code) + encode(info)


def wrap(data: bytes) -> bytes:
    """Return a byte string's encoding."""
    return encode(data, len(data) + _BYTES_HEAD_MAX)


def digest(*parts: bytes) -> bytes:
    """Return the hash of a sequence."""
    state = sha256()
    for part in parts:
        state.update(part)
    return state.digest()


def derive(secret: bytes, label: int, context: bytes, size: int) -> bytes:
    """Return bytes of a secret for one purpose: EDHOC_KDF."""
    return expand(secret, encode(label) + wrap(context) + encode(size), size)


def items_of(data: bytes) -> "list[tuple[object, int]]":
    """Return the items of a sequence, each with the offset after it.

    Raises: HandshakeError for what is not deterministic CBOR, or too long (peer).
    """
    if len(data) > _MESSAGE_BYTES_MAX:
        raise HandshakeError()
    items = []
    at = 0
    try:
        while at < len(data):
            value, at = decode_next(data, at)
            items.append((value, at))
    except CborError:
        raise HandshakeError()
    return items


def check_ead(items: "list[tuple[object, int]]") -> None:
    """Refuse external authorization data that is critical, since we know none, or malformed.

    Raises: HandshakeError (peer).
    """
    may_be_value = False
    count = 0
    for value, _ in items:
        if is_integer(value) and value >= 0:  # type: ignore[operator]
            may_be_value = True
            count += 1
        elif may_be_value and isinstance(value, bytes):
            may_be_value = False
        else:
            raise HandshakeError()
    if count > EAD_ITEMS_MAX:
        raise HandshakeError()


def is_integer(value: object) -> bool:
    """Tell an integer from a truth value, which is one to Python."""
    return isinstance(value, int) and not isinstance(value, bool)


def write_identifier(identifier: bytes) -> bytes:
    """Return the item of an identifier: the byte itself if that is an integer's encoding."""
    return identifier if _is_short(identifier) else wrap(identifier)


def read_identifier(value: object) -> bytes:
    """Return the identifier that an item stands for.

    Raises: HandshakeError for any other form than that of `write_identifier` (peer).
    """
    if is_integer(value):
        identifier = encode(value)
        if len(identifier) == 1:
            return identifier
    elif isinstance(value, bytes) and not _is_short(value):
        return value
    raise HandshakeError()


def _is_short(identifier: bytes) -> bool:
    return len(identifier) == 1 and (identifier[0] < 0x18 or 0x20 <= identifier[0] < 0x38)
