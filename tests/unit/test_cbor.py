"""Deterministic CBOR: one value, one encoding, and nothing else is read."""

from binascii import hexlify, unhexlify

from kernel.codec import cbor
from kernel.codec.cbor import SIMPLE, Tag
from kernel.limits import CBOR_DEPTH_MAX
from kernel.prng import Prng
from support.script import raises

# Value and encoding, from RFC 8949, appendix A.
EXAMPLES = (
    (0, "00"),
    (23, "17"),
    (24, "1818"),
    (255, "18ff"),
    (256, "190100"),
    (65535, "19ffff"),
    (65536, "1a00010000"),
    (4294967295, "1affffffff"),
    (4294967296, "1b0000000100000000"),
    (18446744073709551615, "1bffffffffffffffff"),
    (-1, "20"),
    (-100, "3863"),
    (-18446744073709551616, "3bffffffffffffffff"),
    (False, "f4"),
    (True, "f5"),
    (None, "f6"),
    (b"\x01\x02\x03\x04", "4401020304"),
    ("", "60"),
    ("\u00fc", "62c3bc"),
    ("\u6c34", "63e6b0b4"),
    ([], "80"),
    ([1, [2, 3], [4, 5]], "8301820203820405"),
    ({}, "a0"),
    ({"a": 1, "b": [2, 3]}, "a26161016162820203"),
    (0.0, "f90000"),
    (-0.0, "f98000"),
    (1.5, "f93e00"),
    (65504.0, "f97bff"),
    (5.960464477539063e-08, "f90001"),
    (6.103515625e-05, "f90400"),
    (100000.0, "fa47c35000"),
    ((2.0 - 2.0**-23) * 2.0**127, "fa7f7fffff"),  # a literal is not exact everywhere
    (1.1, "fb3ff199999999999a"),
    (1.0e300, "fb7e37e43c8800759c"),
    (18446744073709551616, "c249010000000000000000"),
    (-18446744073709551617, "c349010000000000000000"),
    (Tag(1, 1363896240), "c11a514b67b0"),
    (Tag(23, b"\x01\x02\x03\x04"), "d74401020304"),
    (Tag(SIMPLE, 16), "f0"),
    (Tag(SIMPLE, 23), "f7"),
    (Tag(SIMPLE, 255), "f8ff"),
)

REFUSED = {
    "nothing": "",
    "truncated integer": "1901",
    "longer form than needed": "1817",
    "longer form, two bytes": "1900ff",
    "longer form, eight bytes": "1b00000000ffffffff",
    "truncated text": "6361",
    "text beyond the end, 2**64-1 bytes": "7bffffffffffffffff",
    "array of more items than bytes": "9a00ffffff01",
    "map that ends early": "a2616101",
    "keys out of order": "a2616201616102",
    "a key twice": "a2616101616102",
    "a key that is an array": "a18001",
    "a key that is true": "a1f501",
    "keys of bytes and of text": "a2416101616102",
    "bytes after the value": "0001",
    "an indefinite array": "9f01ff",
    "an indefinite text": "7f6161ff",
    "a reserved length": "1c",
    "a break alone": "ff",
    "a tag alone": "c1",
    "a tag in a longer form": "d80100",
    "a tag as key": "a1c10001",
    "a reference": "d81d00",
    "a bignum that fits 64 bits": "c248ffffffffffffffff",
    "a bignum with a zero in front": "c24900ffffffffffffffff",
    "a bignum of more than 64 bytes": "c25841" + "ff" * 65,
    "a bignum that is text": "c2696162636465666768696a",
    "simple value below 32 in two bytes": "f81f",
    "half that is a single": "fa3fc00000",
    "zero as a single": "fa00000000",
    "single that is a double": "fb3ff8000000000000",
    "NaN of another form": "fa7fc00000",
    "NaN with a payload": "f97e01",
    "NaN with a sign": "f9fe00",
    "infinity as a double": "fb7ff0000000000000",
    "text that is not UTF-8": "61ff",
    "an overlong form": "62c080",
    "a surrogate": "63eda080",
    "beyond Unicode": "64f4908080",
}


def test_values_have_the_encodings_of_the_standard():
    for value, encoded in EXAMPLES:
        assert hexlify(cbor.encode(value)).decode() == encoded, value


def test_encodings_are_read_back_as_the_same_value_and_type():
    for value, encoded in EXAMPLES:
        read = cbor.decode(unhexlify(encoded))
        assert read == value and type(read) is type(value), encoded
        assert cbor.encode(read) == unhexlify(encoded)


def test_what_is_not_deterministic_cbor_is_refused():
    for encoded in REFUSED.values():
        raises(cbor.CborError, cbor.decode, unhexlify(encoded))


def test_infinities_and_nan_have_one_form():
    assert cbor.encode(float("inf")) == b"\xf9\x7c\x00"
    assert cbor.encode(float("-inf")) == b"\xf9\xfc\x00"
    assert cbor.encode(float("nan")) == b"\xf9\x7e\x00"
    assert cbor.decode(b"\xf9\x7c\x00") == float("inf")
    nan = cbor.decode(b"\xf9\x7e\x00")
    assert nan != nan  # noqa: PLR0124 - that is what NaN is


def test_map_keys_are_sorted_by_their_bytes():
    value = {"bb": 1, "a": 2, 100: 3, 10: 4, -1: 5}
    encoded = "a5" + "0a04" + "186403" + "2005" + "616102" + "62626201"
    assert hexlify(cbor.encode(value)).decode() == encoded
    assert cbor.decode(unhexlify(encoded)) == value
    value = {b"\x01\x00": 1, b"\x02": 2, -300: 3, -2: 4, 7: 5}
    encoded = "a5" + "0705" + "2104" + "39012b03" + "410202" + "42010001"
    assert hexlify(cbor.encode(value)).decode() == encoded
    assert cbor.decode(unhexlify(encoded)) == value


def test_tuples_and_buffers_are_written_as_arrays_and_bytes():
    assert cbor.encode((1, 2)) == cbor.encode([1, 2])
    assert cbor.encode(bytearray(b"ab")) == cbor.encode(memoryview(b"ab")) == b"\x42ab"


def test_what_has_no_cbor_form_is_refused():
    for value in (1 << 512, -1 - (1 << 512), {1, 2}, object(), Tag(2, b"\x01"), Tag(28, 0),
                  Tag(-2, 0), Tag(1 << 64, 0), Tag(SIMPLE, 20), Tag(SIMPLE, 24), Tag(SIMPLE, 256),
                  Tag(SIMPLE, None)):  # fmt: skip
        raises(cbor.CborError, cbor.encode, value)


def test_keys_that_are_no_integer_of_64_bits_no_text_and_no_bytes_are_refused():
    for key in ((1, 2), 1.5, True, None, 1 << 64, -1 - (1 << 64)):
        raises(cbor.CborError, cbor.encode, {key: 3})
        raises(cbor.CborError, cbor.encode, {"a": 1, key: 3})
        raises(cbor.CborError, cbor.encode, {7: 1, key: 3})
    raises(cbor.CborError, cbor.encode, {"a": 1, b"bc": 2})
    raises(cbor.CborError, cbor.encode, {-1: 0, b"a": 1, "bc": 2})


def test_depth_has_a_bound_both_ways():
    value = 0
    for _ in range(CBOR_DEPTH_MAX):
        value = [value]
    assert cbor.decode(cbor.encode(value)) == value
    raises(cbor.CborError, cbor.encode, [value])
    raises(cbor.CborError, cbor.decode, b"\x81" * (CBOR_DEPTH_MAX + 1) + b"\x00")
    raises(cbor.CborError, cbor.decode, b"\xa1\x00" * 200 + b"\x00")


def test_a_value_that_does_not_fit_leaves_the_buffer_its_size():
    buffer = bytearray(8)
    for value in ("12345678", b"12345678", [1] * 9, {1: 2, 3: 4, 5: 6, 7: 8, 9: 10}):
        raises(cbor.CborError, cbor.write_into, buffer, 0, value)
    raises(cbor.CborError, cbor.write_into, buffer, 7, 1000)
    raises(cbor.CborError, cbor.write_into, buffer, 8, None)
    assert len(buffer) == 8
    assert cbor.write_into(buffer, 7, 1) == 8


def test_garbage_is_refused_or_read_but_never_crashes():
    rng = Prng(5)
    read = 0
    for _ in range(2000):
        data = bytes(rng.below(256) for _ in range(rng.below(8)))
        try:
            value = cbor.decode(data)
        except cbor.CborError:
            continue
        read += 1
        assert cbor.encode(value) == data
    assert read > 20
