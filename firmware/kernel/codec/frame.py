"""The 14 bytes in front of every frame.

Input    a received buffer, or the fields
Effects  none
Bounds   FRAME_BYTES_MAX; reading and writing allocate nothing
Source   SPEC.md, "Frame header"

    0        version (4 bits), hop limit (4 bits)
    1        kind
    2..3     network
    4..7     source        node ids: 30 bits, the two highest zero
    8..11    target        BROADCAST for all
    12..13   sequence      counted apart for broadcasts and for frames to one neighbour
    14..     payload       one deterministic CBOR item
"""

import binascii
from struct import pack_into

from ..limits import FRAME_BYTES_MAX, HEADER_BYTES

VERSION = 1
BROADCAST = 0x3FFFFFFF

KIND_ANNOUNCE = 1
KIND_PING = 2
KIND_PONG = 3
KIND_MESSAGE = 4
KIND_TELEMETRY = 5
KIND_REQUEST = 6
KIND_RESPONSE = 7
KIND_FRAGMENT = 8
KIND_OFFER = 9
KIND_LAST = 9  # of those that an agent takes in
KIND_WANT = 10  # from here on only who updates
KIND_PIECE = 11
KIND_REPORT = 12
VALUE_KINDS = b"\x04\x06\x07"  # those that carry a value of an application


def node_id(mac: bytes) -> int:
    """Return the id of the node with this hardware address: never 0, never BROADCAST."""
    number = binascii.crc32(mac) & BROADCAST
    return 1 if number in (0, BROADCAST) else number


def write_header(  # noqa: PLR0917 - keywords cost a board more, at each frame
    buffer: bytearray, kind: int, network: int, source: int, target: int, sequence: int
) -> None:
    """Write a header for one hop at the start of a buffer."""
    pack_into(">BBHIIH", buffer, 0, VERSION << 4 | 1, kind, network, source, target, sequence)


def write_sequence(buffer: bytearray, sequence: int) -> None:
    """Number a frame: when it leaves, so that one that never leaves makes no gap."""
    buffer[12] = sequence >> 8
    buffer[13] = sequence & 0xFF


def read_source(buffer: "bytes | bytearray") -> int:
    """Return the source of a frame that is at least a header long, 0 if that is no id.

    A driver learns by it which address belongs to which node.
    """
    if buffer[4] > 0x3F:
        return 0
    return buffer[4] << 24 | buffer[5] << 16 | buffer[6] << 8 | buffer[7]


def read_target(buffer: "bytes | bytearray") -> int:
    """Return the target of a frame that is at least a header long, 0 if that is no id."""
    if buffer[8] > 0x3F:
        return 0
    return buffer[8] << 24 | buffer[9] << 16 | buffer[10] << 8 | buffer[11]


def is_frame(buffer: "bytes | bytearray", length: int) -> bool:
    """Tell whether bytes have the length, the version and the kind of a frame."""
    if not HEADER_BYTES < length <= FRAME_BYTES_MAX or not 0 < buffer[1] <= KIND_LAST:
        return False
    return buffer[0] >> 4 == VERSION and buffer[0] & 15 > 0
