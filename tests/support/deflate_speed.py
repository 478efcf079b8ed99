"""Time and heap that packing a payload takes on MicroPython, in Python and as machine code.

Prints JSON: for each form the best microseconds of a payload of 226 bytes, in those of one SHA-256
of it, and the heap that a call takes; and on how many payloads the two forms agree.
"""

import gc
import json
from array import array
from hashlib import sha256
from time import ticks_diff, ticks_us

from native import deflate as machine

from kernel.codec import deflate as written
from kernel.codec.deflate import PLACES
from kernel.prng import Prng

SIZE, ROUNDS, PAYLOADS = 226, 200, 300


def text(prng):
    """Return a payload that repeats itself, as lists of readings do."""
    names = (b"\x64soil\x19\x01", b"\x62at\x1a\x65\x53", b"\x66moisture", b"\xf5\xf4\x00\x18")
    made = bytearray()
    while len(made) < SIZE:
        made += names[prng.below(4)] + bytes((prng.below(256),))
    return bytes(memoryview(made)[:SIZE])


def best_us(work):
    """Return how long a call takes when nothing disturbs it."""
    found = 1 << 29
    for _ in range(ROUNDS):
        start = ticks_us()
        work()
        found = min(found, ticks_diff(ticks_us(), start))
    return found


def main():
    """Measure both forms, and compare them."""
    prng, out, places = Prng(1), bytearray(2 * SIZE), array("H", [0] * PLACES)
    data = text(prng)
    made = {"agree": 0, "payloads": PAYLOADS}
    for name, form in (("python", written), ("machine", machine)):
        gc.collect()
        gc.disable()
        before = gc.mem_alloc()
        form.deflate(data, SIZE, out, 1, SIZE, places)
        heap = gc.mem_alloc() - before
        gc.enable()
        spent_us = best_us(lambda form=form: form.deflate(data, SIZE, out, 1, SIZE, places))
        made[name] = {"us": spent_us, "heap": heap}
    made["sha256_us"] = best_us(lambda: sha256(data).digest())
    for number in range(PAYLOADS):
        size = prng.below(SIZE + 1)
        payload = text(prng) if number & 1 else bytes(prng.below(256) for _ in range(SIZE))
        found = []
        for form in (written, machine):
            buffer = bytearray(2 * SIZE)
            end = form.deflate(payload, size, buffer, 1, size + number % 90, places)
            found.append((end, bytes(buffer)))
        made["agree"] += found[0] == found[1]
    print(json.dumps(made))


main()
