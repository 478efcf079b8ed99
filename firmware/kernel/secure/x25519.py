"""Agreement on a secret: X25519.

The steps are the same for every key, and so is their number: no branch and no loop depends on a
bit of it. How long MicroPython takes for one multiplication still depends a little on the numbers.

Input    a private key and a public one, 32 B each
Effects  none
Bounds   255 steps of nine multiplications
Source   RFC 7748, sections 5 and 6.1
"""

from .field import LOW, PRIME, invert, times


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
