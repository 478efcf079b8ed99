"""Signatures: Ed25519.

A scalar is taken four bits at a time, and a multiple of its point is added for each four, for zero
too: the formulas hold for all points, so signing takes the same steps for every key.

Input    a private key of 32 B; a public key of 32 B, a message, a signature of 64 B
Effects  none
Bounds   252 doublings, 64 additions for each point; three or four runs of SHA-512
Source   RFC 8032, section 5.1; H. Hisil et al., "Twisted Edwards Curves Revisited", 2008,
         sections 3.1 and 3.3, as RFC 8032, section 5.1.4, has them
"""

from .sha512 import sha512
from .x25519 import LOW, PRIME, invert, raise_up, square, times

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    # x / z, y / z, their product, z
    Point = tuple[int, int, int, int]

_ORDER = (1 << 252) + 27742317777372353535851937790883648493
_D = -121_665 * invert(121_666) % PRIME
_ROOT = times(square(raise_up(2)[0], 3), 8)  # of -1
_NEUTRAL = (0, 1, 0, 1)


def public_of(private: bytes) -> bytes:
    """Return the public key of a private one.

    Raises: ValueError (a caller) unless that has 32 bytes.
    """
    return _encode(_multiply((_BASE, _secrets(private)[0])))


def sign(private: bytes, message: bytes) -> bytes:
    """Return the signature of a message.

    Raises: ValueError (a caller) unless the key has 32 bytes.
    """
    scalar, prefix = _secrets(private)
    public = _encode(_multiply((_BASE, scalar)))
    once = _number(sha512(prefix, message)) % _ORDER
    point = _encode(_multiply((_BASE, once)))
    answer = (once + _number(sha512(point, public, message)) * scalar) % _ORDER
    return point + answer.to_bytes(32, "little")


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether a signature of a message was made with a key; nothing malformed raises.

    A key of small order is refused: it would verify what nobody signed.
    """
    if len(public) != 32 or len(signature) != 64:
        return False
    answer = _number(signature[32:])
    key = _decode(public)
    if answer >= _ORDER or key is None or not _double(key, 3)[0] % PRIME:
        return False
    x, y, product, z = key
    negative = (PRIME - x, y, PRIME - product, z)
    challenge = _number(sha512(signature[:32], public, message)) % _ORDER
    return _encode(_multiply((_BASE, answer), (negative, challenge))) == bytes(signature[:32])


def _number(data: "bytes | memoryview") -> int:
    return int.from_bytes(bytes(data), "little")


def _secrets(private: bytes) -> "tuple[int, bytes]":
    # Return the scalar of a key, and what makes its signatures unlike one another.
    if len(private) != 32:
        raise ValueError("key")
    made = sha512(private)
    return _number(made[:32]) & (1 << 254) - 8 | 1 << 254, made[32:]


def _encode(point: "Point") -> bytes:
    x, y, _, z = point
    z = invert(z)
    x = times(x, z) % PRIME
    y = times(y, z) % PRIME
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _decode(data: "bytes | memoryview") -> "Point | None":
    y = _number(data)
    odd = y >> 255
    y &= LOW
    above = y * y - 1
    below = times(_D, y * y % PRIME) + 1
    # The root of above / below, if there is one: above * below**3 * (above * below**7)**(p - 5)/8
    third = times(above % PRIME, times(below, square(below, 1)))
    seventh = times(third, square(square(below, 1), 1))
    x = times(third, times(square(raise_up(seventh)[0], 2), seventh))
    wrong = (times(below, square(x, 1)) - above) % PRIME
    if wrong:
        x = times(x, _ROOT)
        wrong = (times(below, square(x, 1)) - above) % PRIME
    x %= PRIME
    if wrong or y >= PRIME:
        return None
    if x & 1 != odd:
        x = PRIME - x
    return x, y, times(x, y), 1


def _double(point: "Point", count: int) -> "Point":
    x, y, product, z = point
    for _ in range(count):
        xx = square(x, 1)
        yy = square(y, 1)
        h = xx + yy
        e = h - square(x + y, 1)
        g = xx - yy
        f = 2 * square(z, 1) + g
        x = times(e, f)
        y = times(g, h)
        z = times(f, g)
        product = times(e, h)
    return x, y, product, z


def _add(one: "Point", other: "Point") -> "Point":
    x1, y1, t1, z1 = one
    x2, y2, t2, z2 = other
    a = times(y1 - x1, y2 - x2)
    b = times(y1 + x1, y2 + x2)
    c = times(times(t1, 2 * _D), t2)
    d = 2 * times(z1, z2)
    e, f, g, h = b - a, d - c, d + c, b + a
    return times(e, f), times(g, h), times(e, h), times(f, g)


def _multiply(*parts: "tuple[Point, int]") -> "Point":
    # Return the sum of points times scalars.
    tables = []
    for point, scalar in parts:
        table: "list[Point]" = [_NEUTRAL]
        for _ in range(15):
            table.append(_add(table[-1], point))
        tables.append((table, scalar.to_bytes(32, "little")))
    found: "Point" = _NEUTRAL
    for at in range(63, -1, -1):
        found = _double(found, 4)
        for table, digits in tables:
            found = _add(found, table[digits[at >> 1] >> 4 * (at & 1) & 15])
    return found


_BASE: "Any" = _decode(b"\x58" + b"\x66" * 31)  # 4 / 5, and the even root
