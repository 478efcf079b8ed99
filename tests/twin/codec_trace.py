"""Make values, encode them, damage the bytes, decode them; print a digest of all that came out.

Runs on both runtimes: `codec_trace.py SEED ROUNDS`.
"""

import binascii
import hashlib
import struct
import sys

from kernel.codec import cbor
from kernel.prng import Prng


def make_text(rng):
    """Return text with characters of one to four bytes."""
    return "".join(chr((97, 0xFC, 0x6C34, 0x1F600)[rng.below(4)]) for _ in range(rng.below(6)))


def make_float(rng):
    """Return a float of any bits but NaN's."""
    bits = bytes(rng.below(256) for _ in range(8))
    value = struct.unpack(">d", bits)[0]
    if rng.below(2):
        value = float(rng.below(4096)) / 64
    return value if value == value else 0.5  # noqa: PLR0124 - NaN is not equal to itself


def make_value(rng, depth):  # noqa: PLR0911 - one return per kind
    """Return a value of any kind that has a CBOR form."""
    kind = rng.below(12 if depth else 9)
    if kind == 0:
        return (rng.below(1 << 29) << rng.below(36)) & ((1 << 64) - 1)
    if kind == 1:
        return -1 - (rng.below(1 << 29) << rng.below(34))
    if kind == 2:
        return bytes(rng.below(256) for _ in range(rng.below(8)))
    if kind == 3:
        return make_text(rng)
    if kind == 4:
        return make_float(rng)
    if kind == 5:
        return (None, True, False)[rng.below(3)]
    if kind == 6:
        return rng.below(24)
    if kind == 7:
        sign = 1 - 2 * rng.below(2)
        return sign * (rng.below(1 << 29) << (35 + rng.below(440)))
    if kind == 8:
        return cbor.Tag(cbor.SIMPLE, rng.below(2) * 23)
    if kind == 9:
        return cbor.Tag(1000 + rng.below(1 << 20), make_value(rng, depth - 1))
    if kind == 10:
        return [make_value(rng, depth - 1) for _ in range(rng.below(4))]
    keys = [make_text(rng) if rng.below(2) else rng.below(300) for _ in range(rng.below(4))]
    values = {}
    for key in keys:
        values[key] = make_value(rng, depth - 1)
    return values


def outcome(data):
    """Return what decoding some bytes comes to, as bytes."""
    result = b""
    for read in (cbor.decode, cbor.decode_any):
        try:
            result += cbor.encode(read(data))
        except cbor.CborError as error:
            result += str(error).encode()
    return result


def run(seed, rounds):
    """Return the digest of everything."""
    rng = Prng(seed)
    digest = hashlib.sha256()
    for _ in range(rounds):
        data = bytearray(cbor.encode(make_value(rng, 3)))
        digest.update(data)
        digest.update(outcome(data))
        for _ in range(1 + rng.below(3)):
            data[rng.below(len(data))] = rng.below(256)
        digest.update(outcome(data[: 1 + rng.below(len(data))]))
        digest.update(outcome(data))
    return binascii.hexlify(digest.digest()).decode()


if __name__ == "__main__":
    print(run(int(sys.argv[1]), int(sys.argv[2])))
