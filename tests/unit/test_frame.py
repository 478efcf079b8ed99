"""The header: what is written is read, what is not a frame is not."""

from kernel.codec import frame
from kernel.limits import FRAME_BYTES_MAX, HEADER_BYTES


def made(**changes):
    """Return a frame of one payload byte, with bytes replaced by offset."""
    buffer = bytearray(HEADER_BYTES + 1)
    frame.write_header(buffer, frame.KIND_PING, 0xABCD, 0x12345678, frame.BROADCAST, 0xFEDC)
    for offset, byte in changes.items():
        buffer[int(offset[1:])] = byte
    return buffer


def test_the_layout_is_that_of_the_specification():
    assert bytes(made()) == b"\x11\x02\xab\xcd\x12\x34\x56\x78\x3f\xff\xff\xff\xfe\xdc\x00"


def test_what_is_no_frame_is_refused():
    for wrong in (
        made(_0=0x21),  # another version
        made(_0=0x01),
        made(_0=0x10),  # hop limit 0
        made(_1=0),
        made(_1=frame.KIND_LAST + 1),
    ):
        assert not frame.is_frame(wrong, len(wrong)), wrong


def test_length_has_bounds_on_both_sides():
    longest = made() + bytearray(FRAME_BYTES_MAX - HEADER_BYTES)
    for length in range(len(longest) + 1):
        assert frame.is_frame(longest, length) == (HEADER_BYTES < length <= FRAME_BYTES_MAX)


def test_ids_have_30_bits():
    for read, start in ((frame.read_source, 4), (frame.read_target, 8)):
        for bit in range(32):
            data = bytearray(HEADER_BYTES + 1)
            data[start + 3 - bit // 8] = 1 << bit % 8
            assert read(data) == (1 << bit if bit < 30 else 0)
        data[start : start + 4] = b"\x3f\xff\xff\xfe"
        assert read(data) == frame.BROADCAST - 1


def test_node_ids_are_never_none_and_never_all():
    ids = [frame.node_id(bytes((2, 0, 0, 0, number >> 8, number & 255))) for number in range(500)]
    assert len(set(ids)) == 500
    assert all(0 < node < frame.BROADCAST for node in ids)


def test_drivers_find_source_and_target():
    assert frame.read_source(made()) == 0x12345678
    assert frame.read_target(made()) == frame.BROADCAST


def test_every_kind_is_one():
    for kind in range(1, frame.KIND_LAST + 1):
        assert frame.is_frame(made(_1=kind), HEADER_BYTES + 1)


def test_a_frame_is_numbered_when_it_leaves():
    data = made()
    frame.write_sequence(data, 0x0102)
    assert bytes(data[12:14]) == b"\x01\x02" and data[11] == 0xFF


def test_special_node_ids_are_moved_aside():
    assert frame.node_id(ZERO_CRC) == frame.node_id(ONES_CRC) == 1


# Six bytes whose CRC-32 ends in 30 zeros, and in 30 ones.
ZERO_CRC = b"\x02\x00)>\x14\xde"
ONES_CRC = b"\x02\x00\x82\x8f\x10\x8c"
