"""Parts from pieces, from many senders, some of whom lie."""

from kernel.release.gathering import GATHERED_BYTES_MAX, STRIKES_MAX, SUSPECTS_MAX, Gathering
from kernel.release.talk import PART_BYTES_MAX, PIECE_BYTES, piece_of

DATA = bytes([n * 7 + (n >> 8) & 255 for n in range(500)])  # three pieces


def give(gathering: Gathering, index: int, source: int = 1, part: int = 4, form: int = 0):
    return gathering.take(source, part, form, len(DATA), index, piece_of(DATA, index))


def test_pieces_come_in_any_order_and_more_than_once() -> None:
    for order in ((0, 1, 2), (2, 0, 1), (1, 1, 2, 2, 0)):
        gathering = Gathering()
        done = [give(gathering, index, source) for source, index in enumerate(order)]
        assert done[-1] is not None and bytes(done[-1].data) == DATA
        assert done[:-1] == [None] * (len(order) - 1)
        assert gathering.missing(4) == 0
        gathering.close(4)
        assert gathering.parts == {}
    gathering = Gathering()
    give(gathering, 1)
    assert gathering.missing(4) == 5


def fail_often(gathering: Gathering, source: int, times: int = STRIKES_MAX) -> None:
    for _ in range(times):
        for index in range(3):
            give(gathering, index, source)
        gathering.fail(4)


def test_who_sends_all_of_a_wrong_part_again_and_again_is_to_blame() -> None:
    gathering = Gathering()
    fail_often(gathering, 9, STRIKES_MAX - 1)
    assert gathering.blamed == []
    fail_often(gathering, 9, 1)
    assert gathering.blamed == [9] and gathering.sole(4) == 0
    assert give(gathering, 0, source=9) is None and gathering.missing(4) == 0
    for index in range(3):
        done = give(gathering, index, source=2)
    assert done is not None


def test_of_several_who_sent_a_wrong_part_each_is_asked_alone_until_one_is_to_blame() -> None:
    gathering = Gathering()
    fail_often(gathering, 2, STRIKES_MAX - 1)
    for index in range(3):
        give(gathering, index, source=index + 1)
    gathering.fail(4)
    assert gathering.blamed == [] and gathering.sole(4) == 1
    give(gathering, 0, source=1)
    assert give(gathering, 1, source=2) is None and gathering.missing(4) == 6
    gathering.doubt()  # it does not answer
    assert gathering.sole(4) == 2 and gathering.missing(4) == 0
    for index in range(3):
        give(gathering, index, source=2)
    gathering.fail(4)
    assert gathering.blamed == [2] and gathering.sole(4) == 0
    for index in range(3):
        done = give(gathering, index, source=1)
    assert done is not None


def test_when_nobody_answers_alone_anybody_may_again() -> None:
    gathering = Gathering()
    for index in range(3):
        give(gathering, index, source=index + 1)
    gathering.fail(4)
    for sole in (1, 2, 3, 0, 0):
        assert gathering.sole(4) == sole
        gathering.doubt()


def test_one_forged_piece_does_not_keep_a_part_from_coming() -> None:
    gathering = Gathering()
    gathering.take(9, 4, 0, 4096, 0, bytes(PIECE_BYTES))
    for index in range(3):
        assert give(gathering, index) is None
    gathering.doubt()
    assert gathering.sole(4) == 9
    assert give(gathering, 0) is None
    gathering.doubt()
    assert gathering.sole(4) == 1
    done = [give(gathering, index) for index in range(3)]
    assert done[-1] is not None and gathering.blamed == []


def test_what_is_gathered_is_bounded_and_the_foremost_part_always_finds_room() -> None:
    gathering = Gathering()
    for part in range(40, 20, -1):
        gathering.take(1, part, 0, 1000, 0, bytes(PIECE_BYTES))
        assert sum(len(held.data) for held in gathering.parts.values()) <= GATHERED_BYTES_MAX
    assert sorted(gathering.parts) == list(range(21, 30))
    assert gathering.take(1, 50, 0, 1000, 0, bytes(PIECE_BYTES)) is None
    assert 50 not in gathering.parts
    gathering.take(1, 0, 0, PART_BYTES_MAX, 0, bytes(PIECE_BYTES))
    assert min(gathering.parts) == 0
    assert sum(len(held.data) for held in gathering.parts.values()) <= GATHERED_BYTES_MAX


def test_only_so_many_are_remembered_as_liars() -> None:
    gathering = Gathering()
    for liar in range(1, 20):
        fail_often(gathering, liar)
    assert gathering.blamed == list(range(12, 20))


def restored(missing: int) -> Gathering:
    gathering = Gathering()
    data = bytearray(DATA if missing == 0b110 else bytes(len(DATA)))
    held = gathering.restore(4, 0, data, missing)
    assert held is not None and gathering.missing(4) == missing and gathering.whom(4) == 0
    return gathering


def test_what_an_earlier_session_left_is_gone_on_with() -> None:
    gathering = restored(0b110)
    assert give(gathering, 0) is None and gathering.missing(4) == 0b110
    assert give(gathering, 2) is None
    done = give(gathering, 1)
    assert done is not None and bytes(done.data) == DATA
    assert Gathering().restore(4, 0, bytearray(GATHERED_BYTES_MAX + 1), 1) is None


def test_nobody_is_blamed_alone_for_what_an_earlier_session_left() -> None:
    for _ in range(STRIKES_MAX):
        gathering = restored(0b001)
        assert give(gathering, 0, source=2) is not None
        gathering.fail(4)
        assert gathering.has_failed and gathering.blamed == [] and gathering.sole(4) == 0
        gathering.doubt()
        assert gathering.sole(4) == 2
    for _ in range(STRIKES_MAX):
        gathering.restore(4, 0, bytearray(10), 0)
        gathering.fail(4)
    assert gathering.blamed == []


def test_of_a_part_no_more_senders_are_kept_than_can_be_asked() -> None:
    gathering = Gathering()
    for source in range(1, SUSPECTS_MAX + 3):
        give(gathering, 1, source)
    assert gathering.parts[4].sources == list(range(1, SUSPECTS_MAX + 1))
