"""Agreement on a secret: X25519, and the numbers modulo 2**255 - 19 that Ed25519 needs, too.

The steps are the same for every key, and so is their number: no branch and no loop depends on a
bit of it. How long MicroPython takes for one multiplication still depends a little on the numbers.

What lies above bit 255 counts 19 times. A division of MicroPython takes four times as long as such
a fold. Folded numbers are not the least ones, only below 2**256; the last step of whoever computes
with them is one `%`.

Input    a private key and a public one, 32 B each
Effects  none
Bounds   255 steps of nine multiplications
Source   RFC 7748, sections 5 and 6.1; D. J. Bernstein, "Curve25519: new Diffie-Hellman speed
         records", 2006, section 3
"""

PRIME = (1 << 255) - 19
LOW = (1 << 255) - 1


def square(number: int, times: int) -> int:
    """Return a number squared so many times."""
    for _ in range(times):
        number *= number
        number = (number & LOW) + 19 * (number >> 255)
        number = (number & LOW) + 19 * (number >> 255)
    return number


def times(one: int, other: int) -> int:
    """Return a product, folded."""
    number = one * other
    number = (number & LOW) + 19 * (number >> 255)
    return (number & LOW) + 19 * (number >> 255)


def raise_up(number: int) -> "tuple[int, int]":
    """Return the powers 2**250 - 1 and 11 of a number, with which two chains begin.

    Of both exponents that anybody needs all upper bits are ones.
    """
    two = square(number, 1)
    nine = times(number, square(two, 2))
    eleven = times(two, nine)
    made = times(nine, square(eleven, 1))  # 2**5 - 1
    made = times(square(made, 5), made)  # 2**10 - 1
    tenth = made
    made = times(square(made, 10), made)  # 2**20 - 1
    made = times(square(made, 20), made)  # 2**40 - 1
    made = times(square(made, 10), tenth)  # 2**50 - 1
    fiftieth = made
    made = times(square(made, 50), made)  # 2**100 - 1
    made = times(square(made, 100), made)  # 2**200 - 1
    made = times(square(made, 50), fiftieth)  # 2**250 - 1
    return made, eleven


def invert(number: int) -> int:
    """Return the reciprocal, 0 of 0, in the same steps for every number."""
    made, eleven = raise_up(number)
    return times(square(made, 5), eleven)


def agree(private: "bytes | bytearray", public: "bytes | bytearray | memoryview") -> bytes:
    """Return the secret that two pairs of keys share: a point times a private key.

    Raises: ValueError (a peer, a caller) unless both have 32 bytes, and for a key of small order,
    with which the secret would be none.
    """
    if len(private) != 32 or len(public) != 32:
        raise ValueError("key")
    scalar = bytearray(private)
    scalar[0] &= 248
    scalar[31] |= 64  # the bit above it is not looked at
    low = LOW
    base = int.from_bytes(bytes(public), "little") & low
    one, other = (1, 0), (base, 1)
    last = 0
    for at in range(254, -1, -1):
        bit = scalar[at >> 3] >> (at & 7) & 1
        pair = (one, other)
        x2, z2 = pair[bit ^ last]
        x3, z3 = pair[bit ^ last ^ 1]
        last = bit
        # Folded once, these are a few bits longer; what the step ends with is folded twice.
        a = x2 + z2
        b = x2 - z2
        da = (x3 - z3) * a
        cb = (x3 + z3) * b
        a *= a
        b *= b
        a = (a & low) + 19 * (a >> 255)
        b = (b & low) + 19 * (b >> 255)
        da = (da & low) + 19 * (da >> 255)
        cb = (cb & low) + 19 * (cb >> 255)
        difference = da - cb
        difference *= difference
        difference = (difference & low) + 19 * (difference >> 255)
        e = a - b
        other = times(da + cb, da + cb), times(base, difference)
        one = times(a, b), times(e, a + 121_665 * e)
    pair = (one, other)
    x2, z2 = pair[last]
    found = times(x2, invert(z2)) % PRIME
    if not found:
        raise ValueError("public key of small order")
    return found.to_bytes(32, "little")
