"""A protected frame: what is authenticated beside its payload, and under which nonce.

It is a COSE_Encrypt0 without what both sides know. The header stays as it is but for bit 7 of the
kind; behind the ciphertext and its tag stand two more bytes, with which the header's sequence
makes the Partial IV. Whoever puts back the rest has a message for any COSE library.

Input    frames, and the keys of `Keys`
Effects  none
Bounds   SEALED_BYTES a frame; nothing is allocated but by `Keys`
Source   RFC 9052, section 5.3 (Enc_structure); RFC 8613, sections 3.2 and 5.2 (keys, nonce);
         SPEC.md, "Protected frames"

    0..13      header, kind + PROTECTED, sequence: the low 16 bits of the frame's number
    14..       ciphertext
    -10..-3    tag
    -2..-1     4 bits: which key; 12 bits: the high bits of the number
"""

from ..codec.frame import KIND_LAST, VERSION
from ..codec.spans import read_short, write_short
from ..limits import FRAME_BYTES_MAX, HEADER_BYTES
from .kdf import expand, extract
from .port import KEY_BYTES, NONCE_BYTES, TAG_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .port import Crypto

PROTECTED = 0x80  # of a frame's kind
SEALED_BYTES = 10  # that protection adds: HEADER_BYTES + SEALED_BYTES = 24
NUMBER_BITS = 28  # of a frame; each sender counts those to all and those to one apart
KEY_MASK = 15  # which generation of a key, or which epoch, modulo 16

SECRET_BYTES = 16
_DISTINCT_MIN = 5
FOR_PAIR = b"cma pair"
FOR_GROUP = b"cma group"
_FOR_NEXT = b"cma next"

# ["Encrypt0", h'a1010a', h'header'] with the header still to come; { 1: 10 } is AES-CCM-16-64-128.
_STRUCTURE = b"\x83\x68Encrypt0\x43\xa1\x01\x0a\x4e"
_HEADER_AT = len(_STRUCTURE)
AAD_BYTES = _HEADER_AT + HEADER_BYTES  # 29: with its length, two blocks of AES
_ID_BYTES = 4  # of a node, which OSCORE calls a Sender ID


class Keys:
    """What one secret is used with: an AEAD and the Common IV, made once and kept."""

    def __init__(self, crypto: "Crypto", secret: "bytes | bytearray", purpose: bytes) -> None:
        made = expand(extract(b"", secret), purpose, KEY_BYTES + NONCE_BYTES)
        self.aead = crypto.aead(made[:KEY_BYTES])
        self.iv = made[KEY_BYTES:]


def next_secret(secret: "bytes | bytearray") -> bytes:
    """Return the secret of the next generation; none leads back."""
    return expand(extract(b"", secret), _FOR_NEXT, SECRET_BYTES)


def is_weak(secret: "bytes | bytearray") -> bool:
    """Tell whether this is no secret: of another size, or hardly more than one byte repeated.

    Of those that are drawn, one in 10**20 is taken for weak.
    """
    return len(secret) != SECRET_BYTES or len(set(secret)) < _DISTINCT_MIN


def make_aad() -> bytearray:
    """Return the room that `write_aad` fills."""
    aad = bytearray(AAD_BYTES)
    aad[:_HEADER_AT] = _STRUCTURE
    return aad


def write_aad(aad: bytearray, frame: "bytes | bytearray") -> None:
    """Put a frame's header into what is authenticated, but for its hop limit: that changes."""
    aad[_HEADER_AT] = frame[0] & 0xF0
    for index in range(1, HEADER_BYTES):
        aad[_HEADER_AT + index] = frame[index]


def write_nonce(nonce: bytearray, iv: bytes, frame: "bytes | bytearray", high: int) -> None:
    """Write the nonce of a frame: the Common IV, its source and its number, xored.

    Units: `high` is what stands in the frame's last two bytes.
    """
    nonce[:] = iv
    nonce[0] ^= _ID_BYTES
    for index in range(_ID_BYTES):
        nonce[4 + index] ^= frame[4 + index]
    nonce[9] ^= high >> 8
    nonce[10] ^= high & 0xFF
    nonce[11] ^= frame[12]
    nonce[12] ^= frame[13]


def is_sealed(frame: "bytes | bytearray", length: int) -> bool:
    """Tell whether bytes have the length, the version and the kind of a protected frame."""
    if not HEADER_BYTES + SEALED_BYTES < length <= FRAME_BYTES_MAX or frame[0] >> 4 != VERSION:
        return False
    return frame[0] & 15 > 0 and PROTECTED < frame[1] <= PROTECTED | KIND_LAST


def number_of(frame: "bytes | bytearray", high: int) -> int:
    """Return the number of a frame, whose last two bytes are `high`."""
    return (high & 0xFFF) << 16 | read_short(frame, 12)


def write_number(frame: bytearray, number: int, key: int) -> int:
    """Write what of a number stands in the header; return what stands in the last two bytes."""
    write_short(frame, 12, number & 0xFFFF)
    return (key & KEY_MASK) << 12 | number >> 16


def tag_end(length: int) -> int:
    """Return where the tag of a protected frame ends."""
    return length - (SEALED_BYTES - TAG_BYTES)
