"""What boards say to each other about releases: who offers, who lacks what, and the pieces.

Nothing of it is believed: what a piece brings is held to what was signed. The payload of each of
the four kinds of frames is one array:

    offer     generation, sequence, digest, class, root, bases, nodes
    want      tag, base, part and bits of each
    piece     tag, form, part, size, index, data
    report    sequence, stage, target, permille, battery, reason, charge

Input    write(identity, kind, fields), read(kind, payload)
Effects  none
Bounds   one frame; PIECES_MAX pieces a part, PART_BYTES_MAX
Source   SPEC.md, "Releases on the air"; protocol.cddl
"""

from ..codec.cbor import CborError, decode, write_into
from ..codec.frame import (
    BROADCAST,
    KIND_OFFER,
    KIND_PIECE,
    KIND_REPORT,
    KIND_WANT,
    write_header,
)
from ..limits import FRAME_BYTES_MAX, HEADER_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..identity import Identity

# Of an offer
GENERATION, SEQUENCE, DIGEST, CLASS, ROOT, BASES, NODES = range(7)
NODES_MAX = 34
BASES_MAX = 3
DIGEST_BYTES = 8

# Parts of a release: the blocks of its image, and from here on
PART_INDEX = 64
PART_ENVELOPE = 65
PART_TIMESTAMP = 66
PART_ROOT = 128  # and the version of the root

PIECE_BYTES = 205  # 10 bytes of the frame stay free for protection
PIECES_MAX = 40
PART_BYTES_MAX = PIECE_BYTES * PIECES_MAX

FORM_PLAIN, FORM_DEFLATED = 0, 1  # else a window of VCDIFF for the image with that tag

STAGE_IDLE, STAGE_FETCHING, STAGE_TRIAL, STAGE_CONFIRMED, STAGE_REJECTED = range(5)

_NUMBER_MAX = (1 << 30) - 1
_BITS_MAX = (1 << PIECES_MAX) - 1
# n: a number, b: bytes, N: numbers, B: numbers and sets of pieces
_SHAPES = ("nnbnnNN", "nnB", "nnnnnb", "nnnnnnn")
_LIST_MAX = 64


def tag_of(digest: "bytes | memoryview") -> int:
    """Return by which number of 30 bits a digest, or a class, is named on the air."""
    return (digest[0] << 24 | digest[1] << 16 | digest[2] << 8 | digest[3]) & _NUMBER_MAX


def piece_count(size_bytes: int) -> int:
    """Return in how many pieces a part travels."""
    return -(-size_bytes // PIECE_BYTES)


def write(
    identity: "Identity",
    kind: int,
    fields: "list[Any]",
    sequence: int,
    target: int = BROADCAST,
) -> bytearray:
    """Return a frame to all in reach, or to one node.

    Raises: CborError if it does not fit (caller).
    """
    buffer = bytearray(FRAME_BYTES_MAX)
    write_header(buffer, kind, identity.network, identity.node, target, sequence)
    end = write_into(buffer, HEADER_BYTES, fields)
    return bytearray(memoryview(buffer)[:end])


def read(kind: int, payload: "bytes | memoryview") -> "list[Any] | None":
    """Return the fields of a payload, None if it has not the shape of its kind."""
    if not KIND_OFFER <= kind <= KIND_REPORT:
        return None
    try:
        fields = decode(payload)
    except CborError:
        return None
    shape = _SHAPES[kind - KIND_OFFER]
    if not isinstance(fields, list) or len(fields) != len(shape):
        return None
    for place in range(len(shape)):
        if not _has_shape(fields[place], shape[place]):
            return None
    return fields if _is_sound(kind, fields) else None


def _is_sound(kind: int, fields: "list[Any]") -> bool:
    if kind == KIND_OFFER:
        return len(fields[DIGEST]) == DIGEST_BYTES
    if kind == KIND_WANT:
        return len(fields[2]) % 2 == 0
    return kind != KIND_PIECE or _is_piece(fields)


def _has_shape(value: object, shape: str) -> bool:
    if shape == "b":
        return isinstance(value, bytes)
    if shape == "n":
        return _is_number(value, _NUMBER_MAX)
    if not isinstance(value, list) or len(value) > _LIST_MAX:
        return False
    most = _BITS_MAX if shape == "B" else _NUMBER_MAX
    return all([_is_number(number, most) for number in value])


def _is_number(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


def _is_piece(fields: "list[Any]") -> bool:
    # All pieces but the last are full, so that an index says where its bytes lie.
    _tag, _form, _part, size, index, data = fields
    start = index * PIECE_BYTES
    is_there: bool = start < size <= PART_BYTES_MAX
    return is_there and len(data) == min(PIECE_BYTES, int(size) - start)


def piece_of(data: "bytes | bytearray | memoryview", index: int) -> bytes:
    """Return one piece of a part."""
    return bytes(data[index * PIECE_BYTES : (index + 1) * PIECE_BYTES])
