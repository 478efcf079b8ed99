"""SHA-512, which MicroPython's hashlib has not and Ed25519 needs.

Words of 64 bits are long integers on every board: a rotation is one shift of a word beside itself.

Source   FIPS 180-4, sections 4.2.3, 5.3.5 and 6.4
"""

_WORD = (1 << 64) - 1


def _root(number: int, power: int) -> bytes:
    # Return the first 64 bits behind the point of a root that is below 8, by Newton's method.
    number <<= 64 * power
    found, above = 8 << 64, 9 << 64
    while found < above:
        above = found
        found = ((power - 1) * above + number // above ** (power - 1)) // power
    return (above & _WORD).to_bytes(8, "big")


def _roots(count: int, power: int) -> bytes:
    # Return those of as many primes. Of what passes Fermat's test up to 409, 341 alone is none.
    primes = [p for p in range(2, 410) if not ((1 << p) - 2) % p and p != 341]
    return b"".join([_root(p, power) for p in primes[:count]])


# As a table they would be 700 B; to compute them takes a twentieth of what a signature takes.
_FIRST, _ROUNDS = _roots(8, 2), _roots(80, 3)


def sha512(*parts: "bytes | bytearray | memoryview") -> bytes:
    """Return the digest of a message, given in parts."""
    message = b"".join([bytes(part) for part in parts])
    bits = 8 * len(message)
    message += b"\x80" + bytes(-(len(message) + 17) % 128) + bits.to_bytes(16, "big")
    state = [int.from_bytes(_FIRST[i : i + 8], "big") for i in range(0, 64, 8)]
    for at in range(0, len(message), 128):
        _take(state, message, at)
    return b"".join([word.to_bytes(8, "big") for word in state])


def _take(state: "list[int]", message: bytes, at: int) -> None:
    # Stir one block in. The schedule is a ring of 16 words.
    mask = _WORD
    words = [int.from_bytes(message[i : i + 8], "big") for i in range(at, at + 128, 8)]
    a, b, c, d, e, f, g, h = state
    for i in range(80):
        word = words[i & 15]
        if i > 15:
            x = words[i + 1 & 15]
            y = words[i + 14 & 15]
            xx = x << 64 | x
            yy = y << 64 | y
            word += words[i + 9 & 15] + ((xx >> 1 ^ xx >> 8 ^ x >> 7) & mask)
            word = word + ((yy >> 19 ^ yy >> 61 ^ y >> 6) & mask) & mask
            words[i & 15] = word
        ee = e << 64 | e
        h += ((ee >> 14 ^ ee >> 18 ^ ee >> 41) & mask) + (g ^ e & (f ^ g)) + word
        h += int.from_bytes(_ROUNDS[8 * i : 8 * i + 8], "big")
        aa = a << 64 | a
        word = h + ((aa >> 28 ^ aa >> 34 ^ aa >> 39) & mask) + (a & b | c & (a | b))
        a, b, c, d, e, f, g, h = word & mask, a, b, c, d + h & mask, e, f, g
    for i, word in enumerate((a, b, c, d, e, f, g, h)):
        state[i] = state[i] + word & mask
