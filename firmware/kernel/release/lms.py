"""Whether a signature is of a key: HSS/LMS, which needs nothing but a hash function.

The signature is read once from its first byte to its last and never copied: it may lie in flash.

Input    verify(key, message, signature)
Effects  none
Bounds   the shipped set, one level of SHA256_M24_H10 with SHA256_N24_W4: 1,504 B, and at most 800
         blocks of SHA-256 for a message of 137 B
Source   RFC 8554, sections 4 to 6; RFC 9858, sections 3 and 4
"""

from hashlib import sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LEVELS_MAX = 8
_CHECKSUM_DIGITS = b"\x09\x05\x03\x02"  # for digits of 1, 2, 4 and 8 bits


def verify(
    key: "bytes | memoryview",
    message: "bytes | memoryview",
    signature: "bytes | memoryview",
    families: "Any" = (sha256,),
) -> bool:
    """Tell whether a signature of a message was made with a key; nothing malformed raises.

    `families` makes hashes: of SHA-256, and of SHAKE256 where somebody has it.
    """
    try:
        levels = _word(key, 0)
        if not 0 < levels <= _LEVELS_MAX or _word(signature, 0) != levels - 1:
            return False
        key = memoryview(key)[4:]
        signature = memoryview(signature)[4:]
        # Each level but the last signs the key of the next one.
        while levels > 1:
            size = _shape(key)[3]
            signed = signature[size:]
            signed = signed[: 24 + _shape(signed)[0]]
            if not _verify_level(key, signed, signature[:size], families):
                return False
            signature = signature[size + len(signed) :]
            key = signed
            levels -= 1
        return _verify_level(key, message, signature, families)
    except IndexError:
        return False  # cut off


def _word(data: "bytes | memoryview", at: int) -> int:
    return data[at] << 24 | data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3]


def _shape(key: "bytes | memoryview") -> "tuple[int, int, int, int]":
    # Return the bytes of a hash, the hashes of a one-time signature, the tree's height and the
    # bytes of a signature. Types come in fours and fives: SHA-256, /192, SHAKE256, SHAKE256/192.
    ots = _word(key, 4) - 1
    size = 24 if ots & 4 else 32
    # 192 digits of one bit add up to less than 256: one digit less.
    count = (8 * size >> (ots & 3)) + _CHECKSUM_DIGITS[ots & 3] - (ots & 7 == 4)
    height = _word(key, 0) % 5 * 5 + 5
    return size, count, height, 12 + size * (1 + count + height)


def _verify_level(
    key: "bytes | memoryview",
    message: "bytes | memoryview",
    signature: "bytes | memoryview",
    families: "Any",
) -> bool:
    size, count, height, signature_bytes = _shape(key)
    lms, ots, leaf = _word(key, 0), _word(key, 4), _word(signature, 0)
    family = ots - 1 >> 2
    at = 8 + size * (1 + count)
    if (
        len(key) != 24 + size
        or len(signature) != signature_bytes
        or lms // 5 != family + 1
        or not 0 <= family < 2 * len(families)
        or leaf >> height
        or _word(signature, 4) != ots
        or _word(signature, at) != lms
    ):
        return False
    new = families[family >> 1]
    found = _one_time_key(key, message, signature, new)
    begin = _begin(key)
    node = 1 << height | leaf
    hashed = _start(new, begin, node, 0x8282)
    hashed.update(found)
    at += 4
    while node > 1:
        found = hashed.digest()[:size]
        other = signature[at : at + size]
        hashed = _start(new, begin, node >> 1, 0x8383)
        hashed.update(other if node & 1 else found)
        hashed.update(found if node & 1 else other)
        at += size
        node >>= 1
    return bool(hashed.digest()[:size] == bytes(key[24:]))


def _begin(key: "bytes | memoryview") -> bytearray:
    # What every hash begins with: which key, and where in it.
    begin = bytearray(22)
    begin[:16] = key[8:24]
    return begin


def _start(new: "Any", begin: bytearray, number: int, domain: int) -> "Any":
    begin[16:20] = bytes((number >> 24, number >> 16 & 255, number >> 8 & 255, number & 255))
    begin[20:] = bytes((domain >> 8, domain & 255))
    return new(begin)


def _one_time_key(
    key: "bytes | memoryview",
    message: "bytes | memoryview",
    signature: "bytes | memoryview",
    new: "Any",
) -> bytes:
    # Return the one-time public key that the signature leads to.
    size, count, _, _ = _shape(key)
    width = 1 << (_word(key, 4) - 1 & 3)
    begin, leaf, at = _begin(key), _word(signature, 0), 8 + size
    hashed = _start(new, begin, leaf, 0x8181)
    hashed.update(signature[8:at])
    hashed.update(message)
    digits = hashed.digest()[:size]
    top = (1 << width) - 1
    checksum = 0
    for i in range(0, 8 * size, width):
        checksum += top - (digits[i >> 3] >> 8 - width - (i & 7) & top)
    checksum <<= 16 + 8 * size - count * width
    digits += bytes((checksum >> 8, checksum & 255))
    hashed = _start(new, begin, leaf, 0x8080)
    link = bytearray(23 + size)
    link[:20] = begin[:20]
    for i in range(count):
        link[20:22] = bytes((i >> 8, i & 255))
        link[23:] = signature[at : at + size]
        at += size
        for j in range(digits[i * width >> 3] >> 8 - width - (i * width & 7) & top, top):
            link[22] = j
            link[23:] = new(link).digest()[:size]
        hashed.update(memoryview(link)[23:])
    end: bytes = hashed.digest()[:size]
    return end
