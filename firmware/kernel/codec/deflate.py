"""Make bytes smaller: an encoder of raw DEFLATE that needs one small table.

Stock boards can inflate and cannot deflate. One block with the fixed code, and no memory of
earlier calls: what comes out depends on what goes in alone. Each three bytes are looked up where
their like began last; if they are the same, and near enough, a match is sent in their place.

Input    deflate(data, size, out, at, end, places)
Effects  none
Bounds   PLACES of two bytes; each byte is compared twice at most; nothing is written from `end`
         on, and nothing is allocated
Source   RFC 1951, section 3.2.6
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array

WINDOW_BITS = 9  # how far back a match may be: who inflates needs as much memory
PLACES = 128  # of what three bytes may look like

_SHORTEST = 3
_LONGEST = 114  # a longer one would have a code of another form
_WINDOW = 1 << WINDOW_BITS
_BACK_BITS = WINDOW_BITS + 1  # of a number up to _WINDOW
# Half a byte, turned round.
_TURNED = b"\x00\x08\x04\x0c\x02\x0a\x06\x0e\x01\x09\x05\x0d\x03\x0b\x07\x0f"


def deflate(  # noqa: PLR0917 - as machine code has it, which knows no keywords
    data: "bytes | bytearray",
    size: int,
    out: bytearray,
    at: int,
    end: int,
    places: "array[int]",
) -> int:
    """Write what the first `size` bytes deflate to; return where that ends, 0 if not by `end`.

    Shape: at most 65,534 bytes of data; `places` an array of PLACES "H", whatever is in it.
    """
    # long: a row of bits, which another function would have to be handed and hand back
    for slot in range(PLACES):
        places[slot] = 0
    start = 0
    bits, width = 3, 3  # of the last block, and in the fixed code
    while start <= size:
        match = _match(data, size, start, places) if start + _SHORTEST <= size else 0
        if match:
            length = match >> _BACK_BITS
            start += length
            rest, more = length - _SHORTEST, 0
            while rest >> more >= 8:
                more += 1
            # Seven bits turned round are eight turned round, without the first.
            bits |= _turned((more << 2) + (rest >> more) + 1) >> 1 << width
            width += 7
            bits |= (rest & (1 << more) - 1) << width
            width += more
            rest, more = (match & (1 << _BACK_BITS) - 1) - 1, 0
            while rest >> more >= 4:
                more += 1
            bits |= _turned((more << 1) + (rest >> more)) >> 3 << width
            width += 5
            bits |= (rest & (1 << more) - 1) << width
            width += more  # 30 at most: a small int on every board
        elif start == size:
            start += 1
            width += 14  # seven zeros end the block, up to seven more the last byte
        else:
            byte = data[start]
            start += 1
            if byte < 144:
                byte += 48
            else:
                bits |= 1 << width
                width += 1
            bits |= _turned(byte) << width
            width += 8
        while width >= 8:
            if at >= end:
                return 0
            out[at] = bits & 255
            at += 1
            bits >>= 8
            width -= 8
    return at


def _match(data: "bytes | bytearray", size: int, start: int, places: "array[int]") -> int:
    """Return how much agrees with what began alike, and how far back that is; note this place."""
    slot = (data[start] * 5 ^ data[start + 1] * 11 ^ data[start + 2] * 17) & PLACES - 1
    back = start + 1 - places[slot]  # of where it stood, 0 is nowhere
    places[slot] = start + 1
    if back > start or back > _WINDOW:
        return 0
    length = 0
    while length < _LONGEST and start + length < size:
        if data[start + length] != data[start + length - back]:
            break
        length += 1
    return length << _BACK_BITS | back if length >= _SHORTEST else 0


def _turned(byte: int) -> int:
    # A code is sent its highest bit first, all else its lowest.
    return _TURNED[byte & 15] << 4 | _TURNED[byte >> 4]
