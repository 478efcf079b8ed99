"""The file that a board writes of a crash, made by hand."""

import struct
from binascii import crc32

_HEAD = ">HBBHHHHIIII"


def file_of(
    inputs: bytes = b"", *, text: bytes = b"", magic: int = 0xC3B6, number: int = 1, end: int = 0
) -> bytes:
    """Return the file of a board that noted these inputs and lost nine bytes before them."""
    memory = bytearray(1536)
    memory[18 : 18 + len(inputs)] = inputs
    end = end or 18 + len(inputs)
    struct.pack_into(_HEAD, memory, 1508, magic, number, 0x41, 5, 18, end, 9, 7, 300, 11, 1000)
    data = b"cma\x01" + bytes([7, len(text) >> 8, len(text) & 0xFF]) + text + memory
    return data + crc32(data).to_bytes(4, "big")
