"""Bad CBOR, one test per class: refused by name, nothing kept of it, no heap beyond a frame.

Both readers refuse it, but where a class is about form alone: that one only the strict reader
refuses. What a machine does with the refusal, dropping and counting, is tested beside the machine.
"""

import sys
from binascii import unhexlify

from kernel.codec import cbor, messages
from kernel.codec.cbor import CborError, Tag
from kernel.codec.templates import TELEMETRY_FIGURES, read_telemetry
from kernel.limits import CBOR_DEPTH_MAX, FRAME_BYTES_MAX
from support.heap import bytes_taken
from support.script import raises

# In the 64-bit objects of MicroPython's unix port: eight containers, an exception, and what the
# items before the fault take. That no single piece exceeds a frame is tested in twin/.
REFUSAL_BYTES_MAX = 1_536
ITEM_BYTES_MAX = 16  # per byte received
SCALE = 1 if sys.implementation.name == "micropython" else 4  # a traceback keeps frames alive
FIELDS = {1: "soil", 2: 7, 3: "esp32"}


def refused_by(reader, data):
    """Hold that one reader refuses some bytes and neither changes them nor needs much heap."""
    if isinstance(data, str):
        data = unhexlify(data)
    buffer = bytearray(data)
    view = memoryview(buffer)
    taken, error = bytes_taken(raises, CborError, reader, view)
    assert isinstance(error, CborError) and str(error)
    assert buffer == data
    if len(data) <= FRAME_BYTES_MAX:
        assert taken <= (REFUSAL_BYTES_MAX + ITEM_BYTES_MAX * len(data)) * SCALE, (data, taken)
    # It is no longer waited for, and the next item is read as if nothing had been.
    assert reader(b"\x01") == 1


def refused(*inputs):
    """Hold that both readers refuse each input."""
    for data in inputs:
        refused_by(cbor.decode, data)
        refused_by(cbor.decode_any, data)


def only_strictly(value, *inputs):
    """Hold that the strict reader refuses each input, which the other reads as a value."""
    for data in inputs:
        refused_by(cbor.decode, data)
        read = cbor.decode_any(unhexlify(data))
        assert read == value and type(read) is type(value), data


def test_01_nothing_at_all():
    refused("")


def test_02_an_item_cut_at_every_byte():
    value = [1, -500, 70_000, 1 << 40, 1 << 80, "text", b"bytes", 1.5, 1e300, 0.1, None,
             {"a": [True], "bc": {1: 2}}, Tag(1000, "x"), Tag(cbor.SIMPLE, 255)]  # fmt: skip
    whole = cbor.encode(value)
    assert cbor.decode(whole) == value
    for end in range(len(whole)):
        refused(whole[:end])
    opened = unhexlify("bf61619f5f4101ff7f6162ffff6163c101ff")
    cbor.decode_any(opened)
    for end in range(len(opened)):
        refused(opened[:end])


def test_03_bytes_after_the_item():
    refused("0000", "f6f6", "8000", "6161ff", "9fff00", "a000", "c10000")


def test_04_reserved_additional_information():
    for major in range(8):
        for short in (28, 29, 30):
            refused(bytes((major << 5 | short,)) + bytes(17))


def test_05_no_length_where_there_must_be_one():
    refused("1f", "1f00ff", "3f", "3f00ff", "df", "df00ff", "81df00ff")


def test_06_a_break_outside():
    refused("ff", "81ff", "8200ff", "a1ff", "a100ff", "bf00ff", "c1ff", "9f81ffff", "bf00c1ffff")


def test_07_a_chunk_of_another_kind():
    refused("5f6161ff", "7f4161ff", "5f00ff", "7ff6ff", "5f80ff", "7fc16161ff", "5f4101a0ff")
    refused("5f814101ff", "7f816161ff", "5fc14101ff", "5fa1004101ff", "7fa16161ff")


def test_08_chunks_within_chunks():
    refused("5f5f4101ffff", "7f7f6161ffff", "5f5fffff", "5f7fffff", "7f9fffff")


def test_09_lengths_up_to_2_to_the_64():
    for head in ("5b", "7b", "9b", "bb"):
        for length in ("0000000100000000", "7fffffffffffffff", "8000000000000000", "f" * 16):
            refused(
                head + length, head + length + "00", "81" + head + length, "a100" + head + length
            )


def test_10_depth_bombs():
    for opened in ("81", "9f", "a100", "bf00", "c1", "d9ffff", "8201", "a2000000"):
        for count in (CBOR_DEPTH_MAX + 1, 100, 1_000):  # 100,000 are in twin/
            refused(unhexlify(opened) * count)
    for opened in ("81", "9f", "a100", "c1"):
        data = unhexlify(opened) * CBOR_DEPTH_MAX
        ends = unhexlify("00" + "ff" * (opened == "9f") * CBOR_DEPTH_MAX)
        cbor.decode_any(data + ends)
        refused(unhexlify(opened) + data + ends)


def test_11_arrays_of_more_items_than_bytes():
    refused(
        "9a80000000", "9a7fffffff00", "99ffff", "9818" + "00" * 23, "b80c" + "0001" * 11 + "00"
    )
    refused("ba80000000", "ba40000000" + "00" * 60)
    # Not even the items that are there are read.
    for head in (b"\x9a\x80\x00\x00\x00", b"\x98\xdd", b"\xb8\x6f"):
        taken, _ = bytes_taken(raises, CborError, cbor.decode, head + bytes(220))
        assert taken <= REFUSAL_BYTES_MAX * SCALE, (head, taken)


def test_12_a_key_twice():
    refused("a201010102", "a2616101616102", "a2414101414102", "a3010102020103", "a120a220002001")
    refused("bf01010102ff", "a21801010102", "a27f6161ff01616102")


def test_13_keys_without_a_hash():
    refused("a18001", "a1a001", "a19fff01", "a1810001", "a1c10001", "a1f701", "a1f601", "a1f401")
    refused("a1f93c0001", "a1c2410101", "bff501ff", "bf8001ff", "a2414101616101")


def test_14_integers_and_lengths_in_longer_forms():
    only_strictly(23, "1817", "190017", "1a00000017", "1b0000000000000017")
    only_strictly(-256, "3900ff", "3a000000ff", "3b00000000000000ff")
    only_strictly("a", "780161", "79000161", "7a0000000161")
    only_strictly([0], "980100", "9b000000000000000100")
    only_strictly({1: 2}, "b8010102", "a1180102", "a1011802")
    only_strictly(Tag(1, 0), "d80100", "c11800")
    only_strictly(256, "c2420100", "c249" + "00" * 7 + "0100")


def test_15_a_map_out_of_order():
    only_strictly({1: 2, 0: 3}, "a201020003")
    only_strictly({"b": 1, "a": 2}, "a2616201616102")
    only_strictly({"aa": 1, "b": 2}, "a262616101616202")
    only_strictly({-1: 0, 0: 0}, "a220000000")
    only_strictly({300: 0, 24: 0}, "a219012c00181800")
    only_strictly([], "9fff")  # nor in an open form
    only_strictly({}, "bfff")
    only_strictly("ab", "7f61616162ff")


def test_16_text_that_is_no_utf_8():
    for text in ("61ff", "61c3", "62c328", "62c080", "63e08080", "63eda080", "64f4908080",
                 "64f0808080", "65f888808080", "6180", "63c3bcc3"):  # fmt: skip
        refused(text, "a1" + text + "00", "81" + text)
    refused("7f61c361bcff")  # a character is in one chunk


def test_17_simple_values_below_32_in_two_bytes():
    for number in range(32):
        refused(b"\xf8" + bytes((number,)))
    assert cbor.decode(b"\xf8\x20") == Tag(cbor.SIMPLE, 32)


def test_18_floats_in_another_form():
    only_strictly(-0.0, "fa80000000", "fb8000000000000000")
    only_strictly(1.5, "fa3fc00000", "fb3ff8000000000000")
    only_strictly(float("inf"), "fa7f800000", "fb7ff0000000000000")
    for nan in ("f97e01", "f97c01", "f9fe00", "fa7fc00000", "fa7f800001", "fb7ff8000000000000",
                "fb7ff0000000000001"):  # fmt: skip
        refused_by(cbor.decode, nan)
        read = cbor.decode_any(unhexlify(nan))
        assert read != read and cbor.encode(read) == b"\xf9\x7e\x00"  # noqa: PLR0124 - NaN
    for half in ("f98000", "f90001", "f903ff", "f97bff", "f9fc00", "f97e00", "fa7f7fffff"):
        assert cbor.encode(cbor.decode(unhexlify(half))) == unhexlify(half)
    assert str(cbor.decode(b"\xf9\x80\x00")) == "-0.0"


def test_19_huge_bignums():
    refused("c25a00100000", "c35a00100000" + "ff" * 60, "c25841" + "ff" * 65, "c2582001")
    refused("c25f" + "5820" + "ff" * 32 + "5821" + "ff" * 33 + "ff")
    refused(b"\xc2\x59\x20\x00" + b"\xff" * 8192)
    assert cbor.decode(unhexlify("c25840" + "ff" * 64)) == (1 << 512) - 1
    raises(CborError, cbor.encode, 1 << 512)


def test_20_references_and_tags_within_tags():
    for tag in ("d81c", "d81d", "d819", "d90100"):
        refused(tag + "00", tag + "80", "81" + tag + "00", tag * 4 + "00")
    refused("d81c81d81d00", "d9010082616161d81900", "c2" * 5 + "4101", "c2c3" * 3000 + "00")


def test_21_unknown_tags_are_an_error_of_whoever_expects_a_field():
    tagged = cbor.decode(unhexlify("da1234567801"))
    assert tagged == Tag(0x12345678, 1) and tagged != 1
    for key in (1, 2):
        fields = dict(FIELDS)
        fields[key] = Tag(0x12345678, FIELDS[key])
        raises(CborError, messages.read_announcement, cbor.encode(fields))
    figures = {key: 65_536 for key in range(1, TELEMETRY_FIGURES + 1)}
    read_telemetry(cbor.encode(figures))
    figures[4] = Tag(4, 65_536)
    raises(CborError, read_telemetry, cbor.encode(figures))


def test_22_integers_beyond_small_ones_are_exact():
    for bits in (29, 30, 31, 32, 61, 62, 63, 64, 65, 511):
        for number in (
            (1 << bits) - 1,
            1 << bits,
            -(1 << bits) - 1,
            -(1 << bits),
            1 - (1 << bits),
        ):
            encoded = cbor.encode(number)
            for read in (cbor.decode, cbor.decode_any):
                assert read(encoded) == number
            assert cbor.encode(read(encoded)) == encoded


def test_23_a_field_of_another_type():
    assert messages.read_announcement(cbor.encode(FIELDS))[:2] == ("soil", 7)
    for key, wrong in (
        (1, (b"soil", 7, None, ["soil"], "")),
        (2, ("7", 7.0, True, None, -1, b"")),
    ):
        for value in wrong:
            fields = dict(FIELDS)
            fields[key] = value
            raises(CborError, messages.read_announcement, cbor.encode(fields))
    for wrong in ([1, 2, 3], "soil", 7, None, Tag(1, FIELDS)):
        raises(CborError, messages.read_announcement, cbor.encode(wrong))


def test_24_a_field_too_few_or_too_many():
    for key in (1, 2):
        fields = dict(FIELDS)
        del fields[key]
        raises(CborError, messages.read_announcement, cbor.encode(fields))
    later = dict(FIELDS)
    later[99] = "of a later version"
    assert messages.read_announcement(cbor.encode(later))[:2] == ("soil", 7)
    figures = {key: 65_536 for key in range(1, TELEMETRY_FIGURES)}
    raises(CborError, read_telemetry, cbor.encode(figures))
