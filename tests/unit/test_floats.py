"""Half, single and double precision, bit by bit."""

import struct
from binascii import unhexlify

from kernel.codec import floats


def test_every_half_is_read_and_written_back():
    for bits in range(0, 65536, 7):
        value = floats.from_half(bits)
        if value != value:  # noqa: PLR0124 - NaN
            continue
        single = struct.pack(">f", value)
        assert floats.half_of(single, 0) == bits, bits


def test_a_single_between_two_halves_has_no_half():
    for bits in ("3f800001", "477ff000", "33800001", "00000001", "38000001"):
        assert floats.half_of(unhexlify(bits), 0) == -1


def test_any_nan_has_the_one_half():
    assert floats.half_of(b"\x7f\x80\x00\x01", 0) == 0x7E00
    assert floats.half_of(b"\xff\xc0\x00\x00", 0) == 0x7E00


def test_doubles_that_equal_a_single_are_found_by_their_bits():
    for value in (0.0, 1.5, -2.25, 1.401298464324817e-45, 3.4028234663852886e38, 1.17549435e-38):
        single = struct.unpack(">f", struct.pack(">f", value))[0]
        assert floats.fits_single(struct.pack(">d", single), 0), single
    for double in (1.1, 1e300, 1e-300, 5e-324, 1.0000000001, 7.006492321624085e-46):
        assert not floats.fits_single(struct.pack(">d", double), 0), double


def test_floats_take_the_fewest_bytes():
    assert [len(floats.to_bytes(value)) for value in (0.5, 0.1, 16777217.0, 65536.0)] == [
        3,
        9,
        9,
        5,
    ]


def test_the_last_bit_that_a_single_keeps_is_known():
    for exponent in (0, 1, 100, -125, -126, -127, -130, -140, -148):
        for place in range(1, 53):
            double = struct.pack(">d", (1.0 + 2.0**-place) * 2.0**exponent)
            single = struct.pack(">f", struct.unpack(">d", double)[0])
            kept = struct.unpack(">f", single)[0] == struct.unpack(">d", double)[0]
            assert floats.fits_single(double, 0) == kept, (exponent, place)
