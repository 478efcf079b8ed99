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

from ..limits import FRAME_BYTES_MAX, HEADER_BYTES

VERSION = 1
BROADCAST = 0x3FFFFFFF

KIND_ANNOUNCE = 1
KIND_PING = 2
KIND_PONG = 3
KIND_MESSAGE = 4
KIND_TELEMETRY = 5
KIND_LAST = 5


def node_id(mac: bytes) -> int:
    """Return the id of the node with this hardware address: never 0, never BROADCAST."""
    number = binascii.crc32(mac) & BROADCAST
    return 1 if number in (0, BROADCAST) else number


def write_header(  # noqa: PLR0917 - keywords cost a board more, at each frame
    buffer: bytearray, kind: int, network: int, source: int, target: int, sequence: int
) -> None:
    """Write a header for one hop at the start of a buffer."""
    buffer[0] = VERSION << 4 | 1
    buffer[1] = kind
    buffer[2] = network >> 8
    buffer[3] = network & 0xFF
    _write_id(buffer, 4, source)
    _write_id(buffer, 8, target)
    buffer[12] = sequence >> 8
    buffer[13] = sequence & 0xFF


def _write_id(buffer: bytearray, offset: int, number: int) -> None:
    buffer[offset] = number >> 24
    buffer[offset + 1] = (number >> 16) & 0xFF
    buffer[offset + 2] = (number >> 8) & 0xFF
    buffer[offset + 3] = number & 0xFF


def read_id(buffer: "bytes | bytearray | memoryview", offset: int) -> int:
    """Return the node id at an offset, 0 if it is none."""
    if buffer[offset] > 0x3F:
        return 0
    return (
        buffer[offset] << 24
        | buffer[offset + 1] << 16
        | buffer[offset + 2] << 8
        | buffer[offset + 3]
    )


def read_source(buffer: "bytes | bytearray | memoryview") -> int:
    """Return the source of a frame that is at least a header long.

    A driver learns by it which address belongs to which node.
    """
    return read_id(buffer, 4)


def read_target(buffer: "bytes | bytearray | memoryview") -> int:
    """Return the target of a frame that is at least a header long."""
    return read_id(buffer, 8)


class Header:
    """The fields of the frame that was read last."""

    def __init__(self) -> None:
        self.kind = 0
        self.network = 0
        self.source = 0
        self.target = 0
        self.sequence = 0

    def read(self, buffer: "bytes | bytearray | memoryview", length: int) -> bool:
        """Take the fields from a frame; False if it is not one of this version.

        The fields then stand half new: they are of no use.
        """
        if not HEADER_BYTES < length <= FRAME_BYTES_MAX:
            return False
        if buffer[0] >> 4 != VERSION or not buffer[0] & 15:
            return False
        self.kind = buffer[1]
        self.network = buffer[2] << 8 | buffer[3]
        self.source = read_id(buffer, 4)
        self.target = read_id(buffer, 8)
        self.sequence = buffer[12] << 8 | buffer[13]
        return 0 < self.source < BROADCAST and self.target > 0 and 0 < self.kind <= KIND_LAST
