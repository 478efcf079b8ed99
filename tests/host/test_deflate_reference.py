"""The kernel's encoder against zlib: what it writes inflates there, and is about as small."""

import zlib
from array import array
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from cma_toolkit.firmware.kernel.codec.deflate import PLACES, WINDOW_BITS, deflate
from cma_toolkit.firmware.kernel.codec.packed import pack, unpack
from cma_toolkit.firmware.kernel.limits import MESSAGE_BYTES_MAX
from support.inflate import inflate

# Bytes that begin anew, repeat, and run on: what an encoder looks for.
PIECES = st.one_of(
    st.binary(min_size=1, max_size=40),
    st.builds(
        lambda one, times: one * times, st.binary(min_size=1, max_size=9), st.integers(1, 80)
    ),
    st.sampled_from([b"\x82\x68moisture\x19", b'"name": ', bytes(300), b"\xff" * 7]),
)
TEXTS = st.lists(PIECES, max_size=30).map(b"".join).map(lambda text: text[: MESSAGE_BYTES_MAX - 1])


def deflated(data: bytes) -> bytes:
    out = bytearray(2 * len(data) + 9)
    end = deflate(data, len(data), out, 0, len(out), array("H", [0] * PLACES))
    return bytes(out[:end])


@given(TEXTS)
def test_zlib_inflates_it_to_the_last_byte_and_no_further(data: bytes) -> None:
    made = deflated(data)
    unpacker = zlib.decompressobj(-WINDOW_BITS)
    assert unpacker.decompress(made) == data
    assert unpacker.eof and not unpacker.unused_data
    assert len(made) <= (9 * len(data) + 17) // 8, "no byte takes more than nine bits"


@given(TEXTS)
def test_what_is_packed_is_smaller_and_comes_back(data: bytes) -> None:
    payload = b"\x82" + data
    out = bytearray(len(payload))
    size = pack(payload, len(payload), out, array("H", [0] * PLACES))
    assert size < len(payload)
    if size:
        assert unpack(out[:size], inflate) == payload


@given(st.binary(max_size=300))
def test_whatever_is_unpacked_is_bounded_or_refused(data: bytes) -> None:
    with suppress(ValueError):
        assert len(unpack(b"\xfc" + data, inflate)) <= MESSAGE_BYTES_MAX
