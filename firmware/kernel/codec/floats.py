"""Floats in the fewest bytes that keep their value: half, single or double precision.

The bits are moved as integers of 16 bits: MicroPython's `struct` has no exact half precision, and
on a board whose floats are single a double's bits must still be judged as they came.

Input    a float, or its bytes
Effects  none
Bounds   no loop depends on the input but one of at most 52 bits
Source   IEEE 754-2019, 3.4; RFC 8949, 4.2.1 (shortest form, NaN as f97e00) and appendix D
"""

from struct import pack, unpack, unpack_from

_NAN = 0x7E00


def to_bytes(value: float) -> bytes:
    """Return the shortest CBOR item of a float, head included."""
    if value != value:  # noqa: PLR0124 - NaN, without a module to ask
        return b"\xf9\x7e\x00"
    try:
        single = pack(">f", value)
    except OverflowError:  # CPython; MicroPython makes it infinite, which compares unequal
        return b"\xfb" + pack(">d", value)
    if unpack(">f", single)[0] != value:
        return b"\xfb" + pack(">d", value)
    half = half_of(single, 0)
    return b"\xfa" + single if half < 0 else pack(">BH", 0xF9, half)


def half_of(data: "bytes | memoryview", offset: int) -> int:
    """Return the 16 bits of half precision that equal the single at an offset, -1 if none do.

    Every NaN has one half that stands for it.
    """
    high, low = unpack_from(">HH", data, offset)
    sign = high & 0x8000
    exponent = (high >> 7) & 0xFF
    fraction: int = (high & 0x7F) << 16 | low
    if exponent == 0xFF:
        return _NAN if fraction else sign | 0x7C00
    if not exponent:
        return -1 if fraction else sign
    exponent -= 112  # the difference of the two biases
    if exponent > 30 or exponent < -9:
        return -1
    if exponent > 0:
        return -1 if fraction & 0x1FFF else sign | exponent << 10 | fraction >> 13
    fraction |= 1 << 23
    shift = 14 - exponent
    return -1 if fraction & ((1 << shift) - 1) else sign | fraction >> shift


def from_half(bits: int) -> float:
    """Return the value of half precision bits; any NaN is NaN."""
    sign = -1.0 if bits & 0x8000 else 1.0
    exponent = (bits >> 10) & 31
    fraction = bits & 0x3FF
    if exponent == 31:
        return float("nan") if fraction else sign * float("inf")
    if not exponent:
        return sign * fraction / 16_777_216
    return sign * (1024 + fraction) * (1 << exponent) / 33_554_432


def fits_single(data: "bytes | memoryview", offset: int) -> bool:
    """Tell whether the double at an offset has an equal single: it is not the shortest then."""
    words = unpack_from(">HHHH", data, offset)
    exponent = (words[0] >> 4) & 0x7FF
    if exponent == 0x7FF:
        return True
    zeros = 0  # of the fraction's 52 bits, from its low end
    for word in (words[3], words[2], words[1], words[0] & 15 | 16):
        if not word:
            zeros += 16
            continue
        while not (word >> (zeros & 15)) & 1:
            zeros += 1
        break
    if not exponent:
        return zeros >= 52
    exponent -= 896
    if exponent > 254 or exponent < -22:
        return False
    return zeros >= (29 if exponent > 0 else 30 - exponent)
