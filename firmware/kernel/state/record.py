"""A stored value and its checksum.

A filesystem that survives power cuts still does not notice bits that rot under a file.

Input    a value, or stored bytes
Effects  none
Bounds   as `codec.cbor`
Source   SPEC.md, "Stored records": CRC-32 (big-endian) and one deterministic CBOR item
"""

import binascii
import struct

from ..codec import cbor

CRC_BYTES = 4


def seal(value: object, size_bytes_max: int) -> bytes:
    """Return the record of a value.

    Raises: CborError if its encoding is missing or longer than `size_bytes_max`.
    """
    body = cbor.encode(value, size_bytes_max)
    return struct.pack(">I", binascii.crc32(body)) + body


def unseal(data: bytes) -> object:
    """Return the value of a record.

    Raises: CborError if the bytes are damaged (flash).
    """
    body = memoryview(data)[CRC_BYTES:]
    if len(data) <= CRC_BYTES or struct.unpack(">I", data[:CRC_BYTES])[0] != binascii.crc32(body):
        raise cbor.CborError("checksum")
    return cbor.decode(body)
