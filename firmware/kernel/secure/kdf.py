"""Keys from secrets, and codes from keys: HMAC and HKDF with SHA-256.

Input    keys, secrets and messages as bytes
Effects  none
Bounds   255 * 32 B of a key at once
Source   RFC 2104; RFC 5869; vectors of RFC 4231
"""

from hashlib import sha256

HASH_BYTES = 32
_BLOCK_BYTES = 64


def hmac(key: "bytes | bytearray | memoryview", *parts: "bytes | bytearray | memoryview") -> bytes:
    """Return the code of a message, given in parts."""
    if len(key) > _BLOCK_BYTES:
        key = sha256(key).digest()
    inner, outer = bytearray(_BLOCK_BYTES), bytearray(_BLOCK_BYTES)
    for i in range(_BLOCK_BYTES):
        byte = key[i] if i < len(key) else 0
        inner[i], outer[i] = byte ^ 0x36, byte ^ 0x5C
    hashed = sha256(inner)
    for part in parts:
        hashed.update(part)
    code = sha256(outer)
    code.update(hashed.digest())
    return code.digest()


def extract(salt: "bytes | bytearray", secret: "bytes | bytearray") -> bytes:
    """Return a key of HASH_BYTES from a secret that is not uniform; `salt` may be empty."""
    return hmac(salt, secret)


def expand(key: "bytes | bytearray", info: "bytes | bytearray", size: int) -> bytes:
    """Return `size` bytes for a purpose from a key that `extract` made.

    Raises: ValueError (the caller) for more than 255 hashes.
    """
    if not 0 <= size <= 255 * HASH_BYTES:
        raise ValueError("size")
    made = last = b""
    number = 1
    while len(made) < size:
        last = hmac(key, last, info, bytes((number,)))
        made += last
        number += 1
    return made[:size]


def same(
    one: "bytes | bytearray | memoryview",
    other: "bytes | bytearray | memoryview",
) -> bool:
    """Tell whether two texts agree, in steps that depend on their lengths only."""
    if len(one) != len(other):
        return False
    found = 0
    for i in range(len(one)):
        found |= one[i] ^ other[i]
    return not found
