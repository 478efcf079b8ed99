"""Who a side says it is: a credential, and what refers to it in a message.

Input    Credential(reference, value, public), write_reference(credential), read_reference(item)
Effects  none
Bounds   as a message
Source   RFC 9528, section 3.5.2 (CRED) and 3.5.3 (ID_CRED); RFC 9360
"""

from ..codec.cbor import encode
from .edhoc import HandshakeError, read_identifier, wrap, write_identifier

KEY_ID = 4  # COSE header parameters
CWT = 13


class Credential:
    """A public key and what vouches for it.

    Shape: `reference` is the encoded map ID_CRED, `value` the encoded CRED, `public` the key that
    is in it.
    """

    def __init__(self, reference: bytes, value: bytes, public: bytes) -> None:
        self.reference = reference
        self.value = value
        self.public = public


class Own:
    """Our own credential, and the private key to it."""

    def __init__(self, credential: Credential, private: bytes) -> None:
        self.credential = credential
        self.private = private


class Peers:
    """Know nobody: what finds the credential that a reference means, or holds it."""

    def find(self, reference: bytes) -> "Credential | None":
        """Return the credential to a reference, None if there is none to be believed."""
        return None


def by_key_id(key_id: bytes) -> bytes:
    """Return the reference to a credential that the other side knows."""
    return b"\xa1\x04" + wrap(key_id)


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
        raise HandshakeError()
    return reference


def key_id_of(reference: bytes) -> "bytes | None":
    """Return the key id of a reference that is nothing else, None if it is more."""
    if reference[:2] != b"\xa1\x04":
        return None
    size = reference[2] - 0x40
    return reference[3:] if 0 <= size < 24 and len(reference) == size + 3 else None
