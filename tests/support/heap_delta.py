"""Blocks made of windows of VCDIFF on MicroPython, over memory that is mapped by the host.

Runs within the heap that is measured. The mapped memory holds the source, room for one block, then
windows: each time the bytes of a window (4) and of its block (4), the window and the block.
"""

import struct

import uctypes

from kernel.release.vcdiff import apply


def run(address, source_bytes, block_bytes, count, is_measured):
    """Make blocks, or where none is measured do all but that, and say how many are right."""
    source = memoryview(uctypes.bytearray_at(address, source_bytes))
    room = memoryview(uctypes.bytearray_at(address + source_bytes, block_bytes))
    at = address + source_bytes + block_bytes
    right = 0

    def read(start, buffer):
        buffer[:] = source[start : start + len(buffer)]

    for _ in range(count):
        size, made = struct.unpack(">II", uctypes.bytearray_at(at, 8))
        window = uctypes.bytearray_at(at + 8, size)
        block = uctypes.bytearray_at(at + 8 + size, made)
        if is_measured:
            apply(window, read, source_bytes, room[:made])
        else:
            room[:made] = block
        right += room[:made] == block
        at += 8 + size + made
    print("right", right)
