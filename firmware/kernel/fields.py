"""Whole numbers in a snapshot: four bytes each.

Input    write_word(buffer, offset, value), read_word(buffer, offset), read_signed(buffer, offset)
Effects  none
Bounds   values of 30 bits, small ints on every board: nothing is allocated
"""


def write_word(buffer: bytearray, offset: int, value: int) -> int:
    """Write a number of 30 bits, or a signed one of as many; return where it ends."""
    buffer[offset] = (value >> 24) & 0x3F
    buffer[offset + 1] = (value >> 16) & 0xFF
    buffer[offset + 2] = (value >> 8) & 0xFF
    buffer[offset + 3] = value & 0xFF
    return offset + 4


def read_word(buffer: "bytes | bytearray", offset: int) -> int:
    """Return a number in [0, 2**30), whatever stands there."""
    high = (buffer[offset] & 0x3F) << 24 | buffer[offset + 1] << 16
    return high | buffer[offset + 2] << 8 | buffer[offset + 3]


def read_signed(buffer: "bytes | bytearray", offset: int) -> int:
    """Return a number in [-2**29, 2**29), whatever stands there."""
    return (read_word(buffer, offset) ^ 1 << 29) - (1 << 29)
