"""What boards say about releases: offers, wants, pieces, reports. The first byte is the kind."""

from kernel.codec.cbor import encode
from kernel.codec.frame import KIND_OFFER, KIND_PIECE, KIND_REPORT, KIND_WANT
from kernel.release import talk

MODULES = ("kernel.release.talk",)


def seeds():
    """Return one of each kind."""
    return [
        bytes((kind,)) + encode(fields)
        for kind, fields in (
            (KIND_OFFER, [1, 2, b"12345678", 3, 1, [4, 5], [6]]),
            (KIND_WANT, [1, 0, [2, 7, 65, 1 << 33]]),
            (KIND_PIECE, [1, 0, 3, 300, 1, bytes(95)]),
            (KIND_PIECE, [1, 9, 3, 205, 0, bytes(205)]),
            (KIND_PIECE, [1, 9, 3, 205, 1, bytes(9)]),
            (KIND_REPORT, [1, 2, 3, 1000, 3300, 0, 0]),
        )
    ]


def take(data):
    """Return the fields."""
    fields = talk.read(data[0], memoryview(data)[1:]) if data else None
    if fields is None:
        return b""
    assert encode(fields, 1024) == data[1:]
    if data[0] == KIND_PIECE:
        _tag, _form, _part, size, index, piece = fields
        assert index < talk.PIECES_MAX and 0 < len(piece) <= talk.PIECE_BYTES
        assert index * talk.PIECE_BYTES + len(piece) <= size
        assert index < talk.piece_count(size)
    return data
