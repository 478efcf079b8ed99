"""Floats in the fewest bytes that keep their value: half, single or double precision.

The bits are moved as integers: MicroPython's `struct` has no exact half precision, and on a board
whose floats are single a double's bits must still be judged as they came.

Input    a float, or its bytes
Effects  none
Bounds   no loop depends on the input but one of at most 8 bytes
Source   IEEE 754-2019, 3.4; RFC 8949, 4.2.1 (shortest form, NaN as f97e00) and appendix D
"""

import struct

_NAN = 0x7E00


def to_bytes(value: float) -> bytes:
    """Return the shortest CBOR item of a float, head included."""
    if value != value:  # noqa: PLR0124 - NaN, without a module to ask
        return b"\xf9\x7e\x00"
    single = _to_single(value)
    if single is None:
        return b"\xfb" + struct.pack(">d", value)
    half = half_of(single)
    if half >= 0:
        return b"\xf9" + bytes((half >> 8, half & 0xFF))
    return b"\xfa" + single


def _to_single(value: float) -> "bytes | None":
    try:
        single = struct.pack(">f", value)
    except OverflowError:  # CPython; MicroPython makes it infinite, which compares unequal
        return None
    return single if struct.unpack(">f", single)[0] == value else None


def half_of(single: "bytes | memoryview") -> int:
    """Return the 16 bits of half precision that equal a single, -1 if none do.

    Every NaN has one half that stands for it.
    """
    sign = (single[0] & 0x80) << 8
    exponent = (single[0] & 0x7F) << 1 | single[1] >> 7
    fraction = (single[1] & 0x7F) << 16 | single[2] << 8 | single[3]
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


def is_other_nan(data: "bytes | memoryview") -> bool:
    """Tell whether half precision bits are a NaN, but not the one that stands for all."""
    bits = data[0] << 8 | data[1]
    return bits & 0x7C00 == 0x7C00 and bits & 0x3FF != 0 and bits != _NAN


def from_half(data: "bytes | memoryview") -> float:
    """Return the value of half precision bits; any NaN is NaN."""
    sign = -1.0 if data[0] & 0x80 else 1.0
    exponent = (data[0] >> 2) & 31
    fraction = (data[0] & 3) << 8 | data[1]
    if exponent == 31:
        return float("nan") if fraction else sign * float("inf")
    if not exponent:
        return sign * fraction / 16_777_216
    return sign * (1024 + fraction) * (1 << exponent) / 33_554_432


def fits_single(data: "bytes | memoryview") -> bool:
    """Tell whether a double's bits have an equal single: then the double is not the shortest."""
    exponent = (data[0] & 0x7F) << 4 | data[1] >> 4
    zeros = _zero_bits(data)
    if exponent == 0x7FF:
        return True
    if not exponent:
        return zeros >= 52
    exponent -= 896
    if exponent > 254 or exponent < -22:
        return False
    return zeros >= (29 if exponent > 0 else 30 - exponent)


def _zero_bits(data: "bytes | memoryview") -> int:
    # How many bits of the 52-bit fraction are zero, counted from its low end.
    count = 0
    for index in range(7, 0, -1):
        byte = data[index] if index > 1 else data[1] & 0x0F
        if byte:
            while not byte & 1:
                byte >>= 1
                count += 1
            return count
        count += 8 if index > 1 else 4
    return count
