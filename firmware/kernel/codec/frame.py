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

from ..fields import read_word
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
KIND_LAST = 8
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


def _read_id(buffer: "bytes | bytearray", offset: int) -> int:
    # More than 30 bits are no node's: 0 is none, too.
    return 0 if buffer[offset] > 0x3F else read_word(buffer, offset)


def read_source(buffer: "bytes | bytearray") -> int:
    """Return the source of a frame that is at least a header long.

    A driver learns by it which address belongs to which node.
    """
    return _read_id(buffer, 4)


def read_target(buffer: "bytes | bytearray") -> int:
    """Return the target of a frame that is at least a header long."""
    return _read_id(buffer, 8)


class Header:
    """The fields of the frame that was read last."""

    def __init__(self) -> None:
        self.kind = 0
        self.network = 0
        self.source = 0
        self.target = 0
        self.sequence = 0

    def read(self, buffer: "bytes | bytearray", length: int) -> bool:
        """Take the fields from a frame; False if it is not one of this version.

        The fields then stand half new: they are of no use.
        """
        if not HEADER_BYTES < length <= FRAME_BYTES_MAX:
            return False
        if buffer[0] >> 4 != VERSION or not buffer[0] & 15:
            return False
        # Written out, as every frame in reach comes by here.
        kind = self.kind = buffer[1]
        self.network = buffer[2] << 8 | buffer[3]
        if buffer[4] > 0x3F or buffer[8] > 0x3F:
            return False
        source = buffer[4] << 24 | buffer[5] << 16 | buffer[6] << 8 | buffer[7]
        target = buffer[8] << 24 | buffer[9] << 16 | buffer[10] << 8 | buffer[11]
        self.source = source
        self.target = target
        self.sequence = buffer[12] << 8 | buffer[13]
        return 0 < source < BROADCAST and target > 0 and 0 < kind <= KIND_LAST
