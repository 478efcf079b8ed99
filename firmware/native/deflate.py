"""The encoder of raw DEFLATE as machine code for one chip: `kernel/codec/deflate.py` says how.

Nothing here checks a length. To compile it, name a chip, as for `loops.py`.
"""

import micropython


@micropython.viper
def deflate(  # noqa: PLR0912, PLR0915, PLR0917 - see below
    data: ptr8, size: int, out: ptr8, at: int, end: int, places: ptr16
) -> int:
    """Write what the first `size` bytes deflate to; return where that ends, 0 if not by `end`."""
    # long: machine code that calls a function goes by way of the interpreter
    turned = ptr8(b"\x00\x08\x04\x0c\x02\x0a\x06\x0e\x01\x09\x05\x0d\x03\x0b\x07\x0f")
    start = 128
    while start:
        start -= 1
        places[start] = 0
    bits = 3
    width = 3
    while start <= size:
        length = 0
        back = 0
        if start + 3 <= size:
            slot = (data[start] * 5 ^ data[start + 1] * 11 ^ data[start + 2] * 17) & 127
            back = start + 1 - places[slot]
            places[slot] = start + 1
            if back <= start and back <= 512:
                while (
                    length < 114
                    and start + length < size
                    and data[start + length] == data[start + length - back]
                ):
                    length += 1
        if length >= 3:
            start += length
            # First how long the match is, then how far back: a code, and the rest of it.
            rest = length - 3
            kept = 2
            while kept:
                more = 0
                while rest >> more >= 2 << kept:
                    more += 1
                code = (more << kept) + (rest >> more) + kept - 1
                code = turned[code & 15] << 4 | turned[code >> 4]
                bits |= code >> 5 - 2 * kept << width
                width += 3 + 2 * kept
                bits |= (rest & (1 << more) - 1) << width
                width += more
                rest = back - 1
                kept -= 1
        else:
            code = 0
            if start < size:
                code = data[start]
                if code < 144:
                    code += 48
                else:
                    bits |= 1 << width
                    width += 1
            else:
                width += 6
            bits |= (turned[code & 15] << 4 | turned[code >> 4]) << width
            width += 8
            start += 1
        while width >= 8:
            if at >= end:
                return 0
            out[at] = bits
            at += 1
            bits >>= 8
            width -= 8
    return at
