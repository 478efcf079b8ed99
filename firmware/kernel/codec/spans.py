"""Bytes and numbers within buffers, handled without a slice, which would allocate.

Input    buffers and offsets; numbers are unsigned, the highest byte first
Effects  none
Bounds   a frame or a message; nothing is allocated
"""


def copy(
    source: "bytes | bytearray", start: int, target: bytearray, offset: int, size: int
) -> int:
    """Copy some bytes to an offset of another buffer; return the offset after them."""
    for index in range(size):
        target[offset + index] = source[start + index]
    return offset + size


def is_same(
    left: "bytes | bytearray", left_at: int, right: "bytes | bytearray", right_at: int, size: int
) -> bool:
    """Tell whether two buffers hold the same bytes at two offsets."""
    for index in range(size):  # noqa: SIM110 - a generator would allocate
        if left[left_at + index] != right[right_at + index]:
            return False
    return True


def write_short(buffer: bytearray, offset: int, number: int) -> int:
    """Write 16 bits; return the offset after them."""
    buffer[offset] = number >> 8
    buffer[offset + 1] = number & 0xFF
    return offset + 2


def read_short(buffer: "bytes | bytearray | memoryview", offset: int) -> int:
    """Return the 16 bits at an offset."""
    return buffer[offset] << 8 | buffer[offset + 1]
