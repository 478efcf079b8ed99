"""Read CBOR inputs from a file; write the CRC-32 of what each value encodes to.

Runs in MicroPython: `cbor_replay.py INPUTS RESULTS`. An input is its length in 4 bytes and itself;
one that is refused counts as nothing.
"""

import binascii
import gc
import struct
import sys

from kernel.codec import cbor


def outcome(data):
    """Return the encoding of what an input is read as, b"" if it is refused."""
    try:
        return cbor.encode(cbor.decode_any(data), 2 * len(data) + 16)
    except cbor.CborError:
        return b""


def replay(inputs, results):
    """Answer every input."""
    while True:
        size = inputs.read(4)
        if not size:
            return
        data = inputs.read(struct.unpack(">I", size)[0])
        results.write(struct.pack(">I", binascii.crc32(outcome(data))))
        gc.collect()


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as file, open(sys.argv[2], "wb") as answers:
        replay(file, answers)
