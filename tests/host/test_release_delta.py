"""Windows of VCDIFF: ours in another's decoder, another's in ours, and spoilt ones in none."""

import random
from pathlib import Path

import pytest
import vcdiff_decoder
from hypothesis import given, settings
from hypothesis import strategies as st

from cma_toolkit.firmware.kernel.release.vcdiff import DeltaError, apply
from cma_toolkit.host_tools.release.delta import Source
from cma_toolkit.host_tools.release.published import deflate, inflate

HEADER = b"\xd6\xc3\xc4\x00\x00"  # of a file: version 0, nothing that is not in the standard
# Made once with xdelta3, as pyxdelta 0.2.3 has it, from what `made` makes of each seed.
XDELTA3 = Path(__file__).parents[1] / "support" / "vectors" / "xdelta3.txt"
VECTORS = [line.split() for line in XDELTA3.read_text().splitlines()]
CHECKSUM = 4  # of a window's bits; a checksum of the target, which the standard has not
CHECKSUM_BYTES = 4


def made(seed: int) -> tuple[bytes, bytes]:
    """Return a source, and a target that has much of it."""
    draw = random.Random(seed)
    alphabet = draw.choice([2, 16, 256])
    source = bytes(draw.randrange(alphabet) for _ in range(draw.randrange(1, 4000)))
    target = bytearray(source)
    for _ in range(draw.randrange(1, 8)):
        at = draw.randrange(len(target) + 1)
        how = draw.randrange(4)
        if how == 0:
            del target[at : at + draw.randrange(300)]
        elif how == 1:
            target[at:at] = bytes(draw.randrange(alphabet) for _ in range(draw.randrange(80)))
        elif how == 2:
            target[at:at] = bytes([draw.randrange(256)]) * draw.randrange(200)
        else:
            target[at:at] = source[: draw.randrange(len(source))]
    return source, bytes(target)


def applied(window: bytes, source: bytes, size: int) -> bytes:
    """Return what a board makes of a window; it must not read beyond the source."""

    def read(address: int, buffer: memoryview) -> None:
        assert 0 <= address <= address + len(buffer) <= len(source)
        buffer[:] = source[address : address + len(buffer)]

    target = bytearray(size)
    apply(window, read, len(source), target)
    return bytes(target)


def number(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    while True:
        value, at = value << 7 | data[at] & 0x7F, at + 1
        if data[at - 1] < 0x80:
            return value, at


def written(value: int) -> bytes:
    text = bytes([value & 0x7F])
    while value := value >> 7:
        text = bytes([value & 0x7F | 0x80]) + text
    return text


def window_of(data: bytes) -> bytes:
    """Return the window in a file of xdelta3, without what the standard has not."""
    assert data[:4] == HEADER[:4] and data[4] == 4
    size, at = number(data, 5)
    at += size  # what xdelta3 says of its own
    head, at = data[at], at + 1
    start = at
    if head & 1:
        _, at = number(data, number(data, at)[1])
    segment = data[start:at]
    size, at = number(data, at)
    assert at + size == len(data)
    assert head & CHECKSUM
    start = at
    _, at = number(data, at)
    at += 1
    for _ in range(3):
        _, at = number(data, at)
    body = data[start:at] + data[at + CHECKSUM_BYTES :]
    return bytes([head & 1]) + segment + written(len(body)) + body


@pytest.mark.parametrize("vector", VECTORS, ids=[seed for seed, _ in VECTORS])
def test_windows_of_xdelta3_make_what_they_were_made_from(vector: list[str]) -> None:
    source, target = made(int(vector[0]))
    assert applied(window_of(bytes.fromhex(vector[1])), source, len(target)) == target


@pytest.mark.parametrize("seed", range(40))
def test_our_windows_are_read_by_another_decoder(seed: int) -> None:
    source, target = made(seed)
    window = Source(source).window(target, 0)
    assert vcdiff_decoder.decode(source, HEADER + window) == target
    assert applied(window, source, len(target)) == target


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=600), st.binary(min_size=1, max_size=600), st.integers(0, 600))
def test_any_block_is_made_of_any_source(source: bytes, block: bytes, position: int) -> None:
    for target in (block, source + block, block + source[: len(block)]):
        window = Source(source).window(target, position)
        assert applied(window, source, len(target)) == target
        assert vcdiff_decoder.decode(source, HEADER + window) == target
        assert len(window) <= len(target) + 16


def test_a_spoilt_window_is_refused_or_makes_another_block_and_nothing_else() -> None:
    draw, refused = random.Random(1), 0
    source, target = made(3)
    good = Source(source).window(target, 0)
    for _ in range(3_000):
        spoilt = bytearray(good)
        for _ in range(draw.randint(1, 3)):
            spoilt[draw.randrange(len(spoilt))] ^= 1 << draw.randrange(8)
        del spoilt[draw.randrange(len(spoilt)) + 1 :]
        try:
            applied(bytes(spoilt), source, len(target))
        except DeltaError:
            refused += 1
    assert refused > 2_000


def test_a_bomb_unpacks_to_no_more_than_a_block() -> None:
    assert len(inflate(deflate(bytes(1_000_000)), 4096)) == 4096
    with pytest.raises(ValueError, match="invalid"):
        inflate(b"\x06" + bytes(20), 4096)
