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


def test_fields_come_back():
    header = frame.Header()
    assert header.read(made(), HEADER_BYTES + 1)
    assert (header.kind, header.network) == (frame.KIND_PING, 0xABCD)
    assert (header.source, header.target) == (0x12345678, frame.BROADCAST)
    assert header.sequence == 0xFEDC


def test_the_layout_is_that_of_the_specification():
    assert bytes(made()) == b"\x11\x02\xab\xcd\x12\x34\x56\x78\x3f\xff\xff\xff\xfe\xdc\x00"


def test_what_is_no_frame_is_refused():
    header = frame.Header()
    for wrong in (
        made(_0=0x21),  # another version
        made(_0=0x10),  # hop limit 0
        made(_1=0),
        made(_1=frame.KIND_LAST + 1),
        made(_4=0x40),  # a source of more than 30 bits
        made(_4=0, _5=0, _6=0, _7=0),
        made(_4=0x3F, _5=0xFF, _6=0xFF, _7=0xFF),  # all cannot be a source
        made(_8=0xFF),
        made(_8=0, _9=0, _10=0, _11=0),
    ):
        assert not header.read(wrong, len(wrong)), wrong


def test_length_has_bounds_on_both_sides():
    header = frame.Header()
    for length in (0, 1, HEADER_BYTES, FRAME_BYTES_MAX + 1):
        assert not header.read(made(), length)


def test_node_ids_are_never_none_and_never_all():
    ids = [frame.node_id(bytes((2, 0, 0, 0, number >> 8, number & 255))) for number in range(500)]
    assert len(set(ids)) == 500
    assert all(0 < node < frame.BROADCAST for node in ids)


def test_drivers_find_source_and_target():
    assert frame.read_source(made()) == 0x12345678
    assert frame.read_target(made()) == frame.BROADCAST


def test_the_longest_frame_and_the_last_kind_are_read():
    header = frame.Header()
    longest = made(_1=frame.KIND_LAST) + bytearray(FRAME_BYTES_MAX - HEADER_BYTES - 1)
    assert header.read(longest, FRAME_BYTES_MAX) and header.kind == frame.KIND_LAST


def test_special_node_ids_are_moved_aside():
    assert frame.node_id(ZERO_CRC) == frame.node_id(ONES_CRC) == 1


# Six bytes whose CRC-32 ends in 30 zeros, and in 30 ones.
ZERO_CRC = b"\x02\x00)>\x14\xde"
ONES_CRC = b"\x02\x00\x82\x8f\x10\x8c"
