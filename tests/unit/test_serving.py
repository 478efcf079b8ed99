"""Handing on pieces: each once, whoever sends it, and only what is asked for."""

from kernel.prng import Prng
from kernel.release.serving import ASKED_MAX, GAP_MS, Serving
from kernel.release.talk import PART_ENVELOPE, PIECE_BYTES
from kernel.ticks import ticks_add

BASE = 9
BLOCKS = [bytes([number]) * (2 * PIECE_BYTES + 10) for number in range(80)]  # three pieces each


class Shelf:
    """A release of which all is there, by deltas only for who has one image."""

    tag = 5

    def coded(self, part, base):
        """Return a part."""
        if part == PART_ENVELOPE:
            return 0, b"envelope"
        return (base, BLOCKS[part]) if base in (0, BASE) and part < len(BLOCKS) else None


def serving() -> Serving:
    return Serving(Prng(1), 10, 10)


def sent(made: Serving, now_ms: int = 1_000, span_ms: int = 10_000):
    """Return part and index of what is sent, and when."""
    pieces = []
    end_ms = ticks_add(now_ms, span_ms)
    while 0 <= made.next_at_ms <= end_ms:
        now_ms = made.next_at_ms
        piece = made.on_time(now_ms)
        if piece is not None:
            pieces.append((now_ms, piece[2], piece[4]))
    return pieces


def test_what_is_wanted_is_sent_piece_by_piece_after_a_draw() -> None:
    made = serving()
    assert made.on_want(1_000, [Shelf()], [5, 0, [3, 0, 1, 0b101]])
    pieces = sent(made)
    assert [(part, index) for _, part, index in pieces] == [(1, 0), (1, 2), (3, 0), (3, 1), (3, 2)]
    assert 1_010 <= pieces[0][0] < 1_020
    gaps = [pieces[n + 1][0] - pieces[n][0] for n in range(len(pieces) - 1)]
    assert gaps == [GAP_MS] * 4 and made.next_at_ms == -1


def test_documents_go_first() -> None:
    made = serving()
    made.on_want(1_000, [Shelf()], [5, 0, [0, 1, 7, 1]])
    made.on_want(1_000, [Shelf()], [5, 0, [PART_ENVELOPE, 0]])
    assert [part for _, part, _ in sent(made)] == [PART_ENVELOPE, 0, 7]


def test_what_is_not_here_is_not_answered() -> None:
    for fields in ([6, 0, [0, 0]], [5, BASE + 1, [0, 0]], [5, 0, [99, 0]], [5, 0, []]):
        made = serving()
        assert not made.on_want(1_000, [Shelf()], fields) and made.next_at_ms == -1


def test_what_somebody_else_sends_is_left_out_if_it_is_the_same() -> None:
    made, shelf = serving(), Shelf()
    made.on_want(1_000, [shelf], [5, 0, [1, 0]])
    made.on_piece(1_005, [5, 0, 1, len(BLOCKS[1]), 1, BLOCKS[1][:PIECE_BYTES]])
    assert made.next_at_ms >= 1_005 + GAP_MS + 10  # let them go on with it
    assert [index for _, _, index in sent(made)] == [0, 2]
    size = len(BLOCKS[1])
    for other in (
        [5, 0, 1, size, 1, b"x" * PIECE_BYTES],  # a lie
        [5, BASE, 1, size, 1, BLOCKS[1][:PIECE_BYTES]],  # in another form
        [5, 0, 1, size + 1, 1, BLOCKS[1][:PIECE_BYTES]],
        [6, 0, 1, size, 1, BLOCKS[1][:PIECE_BYTES]],  # of another release
        [5, 0, 2, size, 1, BLOCKS[1][:PIECE_BYTES]],
    ):
        made.on_want(20_000, [shelf], [5, 0, [1, 0]])
        made.on_piece(20_005, other)
        assert [index for _, _, index in sent(made, 20_000)] == [0, 1, 2]


def test_who_is_asked_alone_sends_all_of_it() -> None:
    made, shelf = serving(), Shelf()
    made.on_want(1_000, [shelf], [5, 0, [1, 0]], True)
    made.on_piece(1_005, [5, 0, 1, len(BLOCKS[1]), 1, BLOCKS[1][:PIECE_BYTES]])
    assert [index for _, _, index in sent(made)] == [0, 1, 2]


def test_what_waits_is_bounded() -> None:
    made, shelf = serving(), Shelf()
    for part in range(80):
        made.on_want(1_000, [shelf], [5, 0, [part, 1]])
    assert len(sent(made)) == ASKED_MAX
