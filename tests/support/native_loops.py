"""Do the loops of the chip do what the loops in Python do? Print how many calls agreed."""

from native import loops as machine

from kernel.prng import Prng
from kernel.secure.loops import Loops

TIMES = 400
BUFFER_BYTES = 400


def _bytes(prng, count):
    return bytes([prng.below(256) for _ in range(count)])


def _call(prng):
    """Draw a call: its name, a buffer that it writes to, and what follows."""
    size, start, at = prng.below(120), prng.below(5), prng.below(5)
    data, nonce = _bytes(prng, size + start), _bytes(prng, 13)
    aad = _bytes(prng, prng.below(40))
    return (
        ("lay_message", (nonce, prng.below(256), aad, len(aad), data, start, size)),
        ("lay_counters", (nonce, size)),
        ("mix", (at, data, start, size)),
        ("copy", (at, data, start, size)),
        ("wipe", (at, size)),
        ("differ", (at, data, start, size)),
    )[prng.below(6)]


def agreed():
    """Return how many of the drawn calls leave the same bytes and return the same."""
    prng, count = Prng(1), 0
    for number in range(TIMES):
        name, arguments = _call(prng)
        before = _bytes(prng, BUFFER_BYTES)
        if name == "differ" and number & 1:  # or texts would agree once in a lifetime
            at, data, start, size = arguments
            before = before[:at] + data[start : start + size] + before[at + size :]
        found = []
        for loops in (Loops(), machine):
            # One of them writes to a part of a buffer that begins anywhere.
            buffer = bytearray(before)
            view = memoryview(buffer)[number & 7 :]
            result = getattr(loops, name)(view, *arguments)
            found.append((bool(result) if name == "differ" else result, bytes(buffer)))
        count += found[0] == found[1]
    return count


print(agreed(), "of", TIMES)
