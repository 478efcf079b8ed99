"""CBOR at the bounds of its heads: where a value takes a byte more, and where it just fits."""

import sys
from struct import pack

from kernel.codec import cbor
from kernel.codec.cbor import SIMPLE, CborError, Tag
from kernel.limits import CBOR_BIGNUM_BYTES_MAX
from support.script import raises

# By how many bytes a head has, the least and the most argument that it is for.
HEADS = (
    (1, 0, 23),
    (2, 24, 0xFF),
    (3, 0x100, 0xFFFF),
    (5, 0x10000, 0xFFFFFFFF),
    (9, 0x100000000, (1 << 64) - 1),
)


def head(major, argument):
    """Return the head of an item, made without the kernel."""
    size = min([size for size, _, most in HEADS if argument <= most])
    if size == 1:
        return bytes((major << 5 | argument,))
    first = major << 5 | {2: 24, 3: 25, 5: 26, 9: 27}[size]
    return bytes((first,)) + argument.to_bytes(size - 1, "big")


def fits_just(value, encoded):
    """Hold that a value is written into as many bytes as it takes, and into none fewer."""
    size = len(encoded)
    for offset in (0, 3):
        buffer = bytearray(offset + size)
        assert cbor.write_into(buffer, offset, value) == offset + size
        assert buffer[offset:] == encoded, value
        for room in range(size):
            short = bytearray(offset + room)
            raises(CborError, cbor.write_into, short, offset, value)
            assert len(short) == offset + room
    assert cbor.decode(encoded) == value == cbor.decode_any(encoded)
    assert cbor.encode(value, size) == encoded
    for end in range(size):
        raises(CborError, cbor.decode, encoded[:end])
        raises(CborError, cbor.decode_any, encoded[:end])


def test_integers_at_the_bounds_of_their_heads():
    for _, least, most in HEADS:
        for argument in (least, least + 1, most - 1, most):
            fits_just(argument, head(0, argument))
            fits_just(-1 - argument, head(1, argument))


def test_strings_and_arrays_at_the_bounds_of_their_heads():
    for count in (0, 1, 23, 24):
        fits_just(b"x" * count, head(2, count) + b"x" * count)
        fits_just("x" * count, head(3, count) + b"x" * count)
        fits_just([7] * count, head(4, count) + b"\x07" * count)
    for count in (255, 256):
        for major, value in ((2, b"x" * count), (3, "x" * count)):
            assert cbor.encode(value) == head(major, count) + b"x" * count
            assert cbor.decode(cbor.encode(value)) == value


def test_maps_with_keys_of_every_width():
    for key, encoded in (
        (0, b"\x00"),
        (23, b"\x17"),
        (24, b"\x18\x18"),
        (255, b"\x18\xff"),
        (256, b"\x19\x01\x00"),
        (-1, b"\x20"),
        (-25, b"\x38\x18"),
        ("", b"\x60"),
        ("k" * 23, b"\x77" + b"k" * 23),
        ("k" * 24, b"\x78\x18" + b"k" * 24),
        (b"k", b"\x41k"),
        ("\u00fc", b"\x62\xc3\xbc"),
    ):
        fits_just({key: 1}, b"\xa1" + encoded + b"\x01")
    numbers = dict([(number, number) for number in range(22, 27)])
    assert (
        cbor.encode(numbers)
        == b"\xa5\x16\x16\x17\x17\x18\x18\x18\x18\x18\x19\x18\x19\x18\x1a\x18\x1a"
    )
    assert cbor.decode(cbor.encode(numbers)) == numbers


def test_maps_and_tags_at_the_bounds_of_their_heads():
    for count in (23, 24):
        fields = dict([(number, 0) for number in range(count)])
        assert cbor.encode(fields)[:2] == (head(5, count) + b"\x00")[:2]
        assert cbor.decode(cbor.encode(fields)) == fields
    for number in (0, 1, 4, 23, 24, 26, 27, 30, 255, 257, 65_535, 65_536, (1 << 64) - 1):
        fits_just(Tag(number, 5), head(6, number) + b"\x05")
    for number in (2, 3, 25, 28, 29, 256, -2, 1 << 64):
        raises(CborError, cbor.encode, Tag(number, b""))


def test_simple_values_are_those_that_have_no_other_meaning():
    for number in range(-1, 258):
        if 0 <= number < 20 or number == 23 or 32 <= number < 256:
            encoded = bytes((0xE0 | number,)) if number < 24 else bytes((0xF8, number))
            fits_just(Tag(SIMPLE, number), encoded)
        else:
            raises(CborError, cbor.encode, Tag(SIMPLE, number))
    for number in range(32):
        raises(CborError, cbor.decode_any, bytes((0xF8, number)))


def test_bignums_from_nine_bytes_to_their_bound():
    for size in (9, 10, CBOR_BIGNUM_BYTES_MAX):
        for argument in (1 << 8 * size - 8, (1 << 8 * size) - 1):
            body = head(2, size) + argument.to_bytes(size, "big")
            fits_just(argument, b"\xc2" + body)
            fits_just(-1 - argument, b"\xc3" + body)
    for argument in (1 << 8 * CBOR_BIGNUM_BYTES_MAX, -1 - (1 << 8 * CBOR_BIGNUM_BYTES_MAX)):
        raises(CborError, cbor.encode, argument)
    longest = b"\xc2" + head(2, CBOR_BIGNUM_BYTES_MAX + 1) + b"\x01" * (CBOR_BIGNUM_BYTES_MAX + 1)
    raises(CborError, cbor.decode_any, longest)
    for size in range(9):  # an integer of 64 bits is none
        body = head(2, size) + b"\x01" * size
        raises(CborError, cbor.decode, b"\xc2" + body)
        assert cbor.decode_any(b"\xc2" + body) == int.from_bytes(b"\x01" * size, "big")
    raises(CborError, cbor.decode, b"\xc2\x4a\x00" + b"\x01" * 9)
    for kind in (b"\x00", b"\x61x", b"\x80"):
        raises(CborError, cbor.decode_any, b"\xc2" + kind)


def test_reserved_heads_are_none_whatever_follows():
    for major in range(8):
        for info in (28, 29, 30):
            data = bytes((major << 5 | info,)) + bytes(16)
            for end in (1, 2, 3, 5, 9, 17):
                raises(CborError, cbor.decode_any, data[:end])
    for major in (0, 1, 6):
        raises(CborError, cbor.decode_any, bytes((major << 5 | 31, 0, 0xFF)))


def test_a_longer_head_than_needed_is_read_by_one_reader_only():
    for major in (0, 1):
        for size, code in ((1, 24), (2, 25), (4, 26), (8, 27)):
            least = {1: 24, 2: 0x100, 4: 0x10000, 8: 0x100000000}[size]
            for argument, is_shortest in ((least - 1, False), (least, True)):
                data = bytes((major << 5 | code,)) + argument.to_bytes(size, "big")
                value = argument if major == 0 else -1 - argument
                assert cbor.decode_any(data) == value
                if is_shortest:
                    assert cbor.decode(data) == value
                else:
                    raises(CborError, cbor.decode, data)


def test_what_never_ends_is_read_by_one_reader_only():
    for data, value in (
        (b"\x9f\xff", []),
        (b"\x9f\x01\x02\xff", [1, 2]),
        (b"\xbf\xff", {}),
        (b"\xbf\x01\x02\xff", {1: 2}),
        (b"\x5f\xff", b""),
        (b"\x5f\x41a\x42bc\xff", b"abc"),
        (b"\x7f\xff", ""),
        (b"\x7f\x61a\x62bc\xff", "abc"),
        (b"\x82\x9f\xff\x01", [[], 1]),
    ):
        assert cbor.decode_any(data) == value
        raises(CborError, cbor.decode, data)
        for end in range(len(data)):
            raises(CborError, cbor.decode_any, data[:end])
    for wrong in (b"\xbf\x01\xff", b"\x81\xff", b"\xa1\x01\xff", b"\xc1\xff", b"\x5f\x61a\xff"):
        raises(CborError, cbor.decode_any, wrong)


def test_floats_take_the_width_that_holds_them():
    most = 65_504.0
    for value, size in (
        (most, 3),
        (most + 32, 5),
        (2.0**16, 5),
        (1 + 2.0**-10, 3),
        (1 + 2.0**-11, 5),
        (1 + 2.0**-23, 5),
        (1 + 2.0**-24, 9),
        (2.0**-14, 3),
        (2.0**-14 + 2.0**-24, 3),
        (2.0**-14 + 2.0**-25, 5),
        (2.0**-24, 3),
        (2.0**-25, 5),
        (3 * 2.0**-24, 3),
        (3 * 2.0**-25, 5),
        (2.0**127, 5),
        (2.0**128, 9),
        (2.0**127 * (2 - 2.0**-23), 5),
        (2.0**127 * (2 - 2.0**-24), 9),
        (2.0**-126, 5),
        (2.0**-149, 5),
        (3 * 2.0**-149, 5),
        (2.0**-150, 9),
        (3 * 2.0**-150, 9),
        (2.0**-126 + 2.0**-149, 5),
        (2.0**-126 + 2.0**-150, 9),
        (2.0**-1074, 9),
    ):
        for signed in (value, -value):
            encoded = cbor.encode(signed)
            assert len(encoded) == size, value
            assert cbor.decode(encoded) == signed == cbor.decode_any(encoded)
            if size > 3:
                continue
            single = b"\xfa" + pack(">f", signed)
            double = b"\xfb" + pack(">d", signed)
            for longer in (single, double):
                assert cbor.decode_any(longer) == signed
                raises(CborError, cbor.decode, longer)


def test_bytes_and_text_are_no_keys_of_one_map():
    for first, second in (
        (b"\x40", b"\x60"),
        (b"\x40", b"\x61a"),
        (b"\x41a", b"\x60"),
        (b"\x41a", b"\x61a"),
        (b"\x57" + b"a" * 23, b"\x60"),
        (b"\x58\x18" + b"a" * 24, b"\x61a"),
    ):
        data = b"\xa2" + first + b"\x01" + second + b"\x02"
        raises(CborError, cbor.decode, data)
        raises(CborError, cbor.decode_any, data)
        for number in (b"\x00", b"\x20"):
            mixed = b"\xa2" + number + b"\x01" + second + b"\x02"
            assert len(cbor.decode(mixed)) == 2
    raises(CborError, cbor.encode, {b"": 1, "a": 2})


class Whole(int):
    """A subclass, as an application may have it."""


class Text(str):
    """A subclass."""


class Fields(dict):
    """A subclass."""


class Items(list):
    """A subclass."""


def test_a_subclass_is_written_as_what_it_is_of():
    if sys.implementation.name == "cpython":  # elsewhere nothing leads from it to its text
        assert cbor.encode(Text("ab")) == b"\x62ab"
    assert cbor.encode(Items((1, 2))) == b"\x82\x01\x02"
    fields = Fields()
    fields[1] = 2
    assert cbor.encode(fields) == b"\xa1\x01\x02"
    assert cbor.encode(Whole(300)) == b"\x19\x01\x2c"
    for view in (bytearray(b"ab"), memoryview(b"ab")):
        assert cbor.encode(view) == b"\x42ab"
    for nothing in (object(), set(), 1j):
        raises(CborError, cbor.encode, nothing)
