"""Feed inputs to a parser; write the CRC-32 of what came of each.

In MicroPython: `replay.py MODULE INPUTS RESULTS`. An input is its length in 4 bytes and itself.
"""

import binascii
import gc
import struct
import sys


def replay(take, inputs, results):
    """Answer every input."""
    while True:
        size = inputs.read(4)
        if not size:
            return
        data = inputs.read(struct.unpack(">I", size)[0])
        results.write(struct.pack(">I", binascii.crc32(take(data))))
        gc.collect()


def main(module, inputs, results):
    """Replay a file of inputs."""
    __import__(module)
    take = sys.modules[module].take
    with open(inputs, "rb") as file, open(results, "wb") as answers:
        replay(take, file, answers)


if __name__ == "__main__":
    main(*sys.argv[1:])
