"""The frames about releases: what is written is read, what is not of the shape is not."""

from kernel.codec.cbor import encode
from kernel.codec.frame import read_source
from kernel.identity import Identity
from kernel.limits import FRAME_BYTES_MAX, HEADER_BYTES
from kernel.release import talk

IDENTITY = Identity("a", 7, 3, "b")
MOST = (1 << 30) - 1
OFFER = [MOST, MOST, b"\xff" * 8, MOST, MOST, [MOST] * talk.BASES_MAX, [MOST] * talk.NODES_MAX]
WANT = [MOST, MOST, [51, (1 << 40) - 1] * 18]
PIECE = [MOST, MOST, 130, talk.PART_BYTES_MAX, 38, bytes(talk.PIECE_BYTES)]
REPORT = [MOST, 4, MOST, 1000, 4200, 13, MOST]
LARGEST = ((9, OFFER), (10, WANT), (11, PIECE), (12, REPORT))


def test_the_largest_of_each_kind_fits_a_frame_with_room_for_protection() -> None:
    for kind, fields in LARGEST:
        frame = talk.write(IDENTITY, kind, fields, 0x1234)
        assert len(frame) <= FRAME_BYTES_MAX - 10 and frame[1] == kind
        assert read_source(frame) == 7 and frame[12:14] == b"\x12\x34"
        assert talk.read(kind, memoryview(frame)[HEADER_BYTES:]) == fields


def test_what_is_not_of_the_shape_is_not_read() -> None:
    for kind, fields in LARGEST:
        for place in range(len(fields)):
            for wrong in (-1, 1 << 41, "x", None, True, [True], [[0]], [0] * 66):
                changed = list(fields)
                changed[place] = wrong
                assert talk.read(kind, encode(changed)) is None
        assert talk.read(kind, encode(fields[1:])) is None
        assert talk.read(kind, encode(fields) + b"\x00") is None
    assert talk.read(8, encode(WANT)) is None and talk.read(13, encode(REPORT)) is None
    assert talk.read(9, encode(OFFER[:2] + [bytes(7)] + OFFER[3:])) is None
    assert talk.read(10, encode([1, 0, [1, 2, 3]])) is None


def test_a_piece_says_where_its_bytes_lie() -> None:
    for size in (1, 204, 205, 206, 4096, talk.PART_BYTES_MAX):
        data = bytes(size)
        for index in range(talk.PIECES_MAX):
            piece = talk.piece_of(data, index)
            fields = [1, 0, 0, size, index, piece]
            is_one = talk.read(11, encode(fields)) is not None
            assert is_one == (index < talk.piece_count(size))
            assert talk.read(11, encode([1, 0, 0, size, index, piece + b"\x00"])) is None
            if len(piece) > 1:
                assert talk.read(11, encode([1, 0, 0, size, index, piece[1:]])) is None
    assert talk.read(11, encode([1, 0, 0, talk.PART_BYTES_MAX + 1, 0, bytes(205)])) is None


def test_a_tag_is_a_small_number() -> None:
    assert talk.tag_of(b"\xff" * 32) == MOST and talk.tag_of(b"\x00\x00\x01\x02\xff") == 258
