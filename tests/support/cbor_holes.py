"""Read frames in a heap whose largest hole is smaller than a frame: none may need more.

Runs in MicroPython: `cbor_holes.py INPUTS`, an input being its length in 4 bytes and itself.
Prints how many were refused by both readers, or what else happened.
"""

import gc
import struct
import sys

from kernel.codec import cbor
from kernel.limits import FRAME_BYTES_MAX

HOLE_BYTES = 160


def fill(kept, size):
    """Allocate pieces of a size until there is no room for another."""
    try:
        for index in range(len(kept)):
            if kept[index] is None:
                kept[index] = bytearray(size)
    except MemoryError:
        return
    raise AssertionError("too few places")


def make_holes():
    """Leave many holes, none of which takes a frame; returns what must stay meanwhile."""
    kept, larger = [None] * 4000, [None] * 200
    fill(kept, HOLE_BYTES)
    for index in range(0, len(kept), 2):
        kept[index] = None
    gc.collect()
    fill(larger, FRAME_BYTES_MAX)
    return kept, larger


def count_refused(file, frame):
    """Return how many inputs both readers refuse."""
    refused = 0
    while True:
        size = file.read(4)
        if not size:
            return refused
        data = frame[: struct.unpack(">I", size)[0]]
        file.readinto(data)
        for read in (cbor.decode, cbor.decode_any):
            try:
                read(data)
            except cbor.CborError:
                refused += 1


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as inputs:
        received = memoryview(bytearray(FRAME_BYTES_MAX))
        holes = make_holes()
        print(count_refused(inputs, received))
