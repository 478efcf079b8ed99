"""Signatures: Ed25519.

A scalar is taken four bits at a time, and a multiple of its point is added for each four, for zero
too: the formulas hold for all points, so signing takes the same steps for every key.

Input    a private key of 32 B; a public key of 32 B, a message, a signature of 64 B
Effects  none
Bounds   252 doublings, 64 additions for each point; three or four runs of SHA-512
Source   RFC 8032, section 5.1; H. Hisil et al., "Twisted Edwards Curves Revisited", 2008,
         sections 3.1 and 3.3, as RFC 8032, section 5.1.4, has them
"""

from .field import LOW, PRIME, invert, raise_up, square, times
from .sha512 import sha512

TYPE_CHECKING = False
if TYPE_CHECKING:
    # x / z, y / z, their product, z
    Point = tuple[int, int, int, int]

_ORDER = (1 << 252) + 27742317777372353535851937790883648493
# -121665 / 121666, the root of -1, and the base point.
_D = 0x52036CEE2B6FFE738CC740797779E89800700A4D4141D8AB75EB4DCA135978A3
_ROOT = 0x2B8324804FC1DF0B2B4D00993DFBD7A72F431806AD2FE478C4EE1B274A0EA0B0
_X = 0x216936D3CD6E53FEC0A4E231FDD6DC5C692CC7609525A7B2C9562D608F25D51A
_Y = 0x6666666666666666666666666666666666666666666666666666666666666658
_NEUTRAL = (0, 1, 0, 1)


def public_of(private: bytes) -> bytes:
    """Return the public key of a private one.

    Raises: ValueError (a caller) unless that has 32 bytes.
    """
    return _encode(_multiply((_base(), _secrets(private)[0])))


def sign(private: bytes, message: bytes) -> bytes:
    """Return the signature of a message.

    Raises: ValueError (a caller) unless the key has 32 bytes.
    """
    scalar, prefix = _secrets(private)
    base = _base()
    public = _encode(_multiply((base, scalar)))
    once = _number(sha512(prefix, message)) % _ORDER
    point = _encode(_multiply((base, once)))
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
    return _encode(_multiply((_base(), answer), (negative, challenge))) == bytes(signature[:32])


def _number(data: "bytes | memoryview") -> int:
    return int.from_bytes(bytes(data), "little")


def _secrets(private: bytes) -> "tuple[int, bytes]":
    # Return the scalar of a key, and what makes its signatures unlike one another.
    if len(private) != 32:
        raise ValueError("key")
    made = sha512(private)
    return _number(made[:32]) & (1 << 254) - 8 | 1 << 254, made[32:]


def _base() -> "Point":
    return _X, _Y, times(_X, _Y), 1


def _encode(point: "Point") -> bytes:
    x, y, _, z = point
    z = invert(z)
    x = times(x, z) % PRIME
    y = times(y, z) % PRIME
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _decode(data: "bytes | memoryview") -> "Point | None":
    y = _number(data)
    sign = y >> 255
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
    if x & 1 != sign:
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
