"""Seal frames in MicroPython with the loops of the chip, and in Python; hash them beside.

Prints the best time of a seal and of a hash with both, the heap of a seal and that of a key.
"""

import gc
import json
from hashlib import sha256
from time import ticks_diff, ticks_us

from cryptolib import aes
from native import loops as native_loops

from kernel.secure.loops import Loops
from kernel.secure.pure import PureCrypto
from support.heap import bytes_taken

FRAME_BYTES, HEADER_BYTES = 250, 20
ROUNDS, TIMES = 40, 50
KEY, NONCE, AAD = bytes(16), bytes(13), bytes(HEADER_BYTES)


def _time_us(function):
    begin = ticks_us()
    for _ in range(TIMES):
        function()
    return ticks_diff(ticks_us(), begin) / TIMES


def measure(loops):
    """Return the microseconds of a seal and of a hash, taken in turn, the best of each."""
    buffer = bytearray(FRAME_BYTES + 8)
    port_bytes, port = bytes_taken(PureCrypto, aes, None, loops)
    session_bytes, aead = bytes_taken(port.aead, KEY)

    def seal():
        aead.seal(NONCE, AAD, buffer, 0, FRAME_BYTES)

    def digest():
        sha256(memoryview(buffer)[:FRAME_BYTES]).digest()

    first_bytes, _ = bytes_taken(seal)
    later_bytes, _ = bytes_taken(seal)
    seal_us = digest_us = 1e9
    gc.collect()
    for _ in range(ROUNDS):
        seal_us = min(seal_us, _time_us(seal))
        digest_us = min(digest_us, _time_us(digest))
    return {
        "seal_us": seal_us,
        "sha256_us": digest_us,
        "seal_heap": later_bytes,
        "key_heap": session_bytes + first_bytes - later_bytes,
        "port_heap": port_bytes,
    }


print(json.dumps({"native": measure(native_loops), "python": measure(Loops())}))
