"""Do the loops of the chip do what the loops in Python do? Print how many calls agreed."""

from native import loops as machine

from kernel.prng import Prng
from kernel.secure.loops import Loops

TIMES = 400
BUFFER_BYTES = 400


def _bytes(prng, count):
    return bytes([prng.below(256) for _ in range(count)])


def _call(prng):
    """Draw a call: its name, and what follows the buffer that it writes to."""
    size, start, at = prng.below(120), prng.below(5), prng.below(5)
    return (
        ("count", (size,)),
        ("mix", (at, _bytes(prng, size + start), start, size)),
    )[prng.below(2)]


def agreed():
    """Return how many of the drawn calls leave the same bytes and return the same."""
    prng, count = Prng(1), 0
    for number in range(TIMES):
        name, arguments = _call(prng)
        before = _bytes(prng, BUFFER_BYTES)
        found = []
        for loops in (Loops(), machine):
            # They write to a part of a buffer that begins anywhere.
            buffer = bytearray(before)
            view = memoryview(buffer)[number & 7 :]
            found.append((getattr(loops, name)(view, *arguments), buffer))
        count += found[0] == found[1]
    return count


print(agreed(), "of", TIMES)
