"""What the encoder writes inflates to what it was given, within its bounds, on any runtime."""

from array import array

from kernel.codec.deflate import PLACES, WINDOW_BITS, deflate
from kernel.limits import MESSAGE_BYTES_MAX
from kernel.prng import Prng
from support.heap import no_allocation
from support.inflate import inflate

ROOM = 2 * MESSAGE_BYTES_MAX


def deflated(data, places=None):
    """Return what bytes deflate to."""
    out = bytearray(ROOM)
    end = deflate(data, len(data), out, 0, ROOM, places or array("H", [0] * PLACES))
    return bytes(memoryview(out)[:end])


def test_known_bytes():
    # By RFC 1951: 1, 01, then the codes; checked against zlib's fixed form.
    assert deflated(b"") == b"\x03\x00"
    assert deflated(b"a") == b"\x4b\x04\x00"
    assert deflated(b"\x8f\x90\xff") == b"\xeb\x9f\xf0\x1f\x00"
    assert deflated(b"aaaaaaaaaa") == b"\x4b\x84\x03\x00"


def test_any_bytes_come_back():
    rng = Prng(3)
    for kinds in (1, 2, 3, 7, 40, 256):
        for _ in range(12):
            size = rng.below(MESSAGE_BYTES_MAX + 1)
            step = 256 // kinds
            data = bytes(rng.below(kinds) * step for _ in range(size))
            assert inflate(deflated(data), ROOM) == data


def test_matches_of_every_length_and_distance():
    rng = Prng(5)
    noise = bytes(rng.below(256) for _ in range(1 << WINDOW_BITS))
    for length in range(3, 121):
        data = noise[:130] + noise[:length]
        made = deflated(data)
        assert inflate(made, ROOM) == data
        # Near enough: a match takes three bytes and a half, all of it.
        assert len(made) < len(deflated(noise[:130])) + 5 + (7 if length > 114 else 0)
    for distance in range(1, 1 << WINDOW_BITS):
        data = noise[:distance] + noise[: min(distance, 9)]
        assert inflate(deflated(data), ROOM) == data


def test_what_is_too_far_back_is_not_pointed_at():
    text = b"greenhouse"
    for distance, is_match in ((1 << WINDOW_BITS, True), ((1 << WINDOW_BITS) + 1, False)):
        data = text + bytes(distance - len(text))
        added = len(deflated(data + text)) - len(deflated(data))
        assert (added <= 4) is is_match, "a match, or ten bytes"
        assert inflate(deflated(data + text), ROOM) == data + text


def test_what_came_before_leaves_nothing():
    places = array("H", [0xFFFF] * PLACES)
    once = deflated(b"a temperature of 21, a temperature of 22", places)
    deflated(b"another text altogether, and another", places)
    assert deflated(b"a temperature of 21, a temperature of 22", places) == once


def test_nothing_is_written_from_the_end_on():
    data = b"open, open, open the door, open the other door"
    made = deflated(data)
    for end in range(len(made) + 3):
        out = bytearray(b"\xee" * (len(made) + 4))
        ended = deflate(data, len(data), out, 2, 2 + end, array("H", [0] * PLACES))
        assert ended == (2 + len(made) if end >= len(made) else 0)
        assert out[2 + end :] == b"\xee" * (len(made) + 2 - end)
        assert out[:2] == b"\xee\xee"


def test_a_part_of_a_buffer_is_not_read_beyond():
    data = b"abcabcabcabcabc"
    out = bytearray(ROOM)
    for size in range(len(data) + 1):
        end = deflate(bytearray(data), size, out, 0, ROOM, array("H", [0] * PLACES))
        assert bytes(memoryview(out)[:end]) == deflated(data[:size])


def test_it_takes_no_heap():
    data, out, places = b"greenhouse " * 90, bytearray(ROOM), array("H", [0] * PLACES)
    with no_allocation():
        end = deflate(data, len(data), out, 0, ROOM, places)
    assert inflate(bytes(memoryview(out)[:end]), ROOM) == data
