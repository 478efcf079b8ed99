"""Who is in reach, how well, and what of it outlives a deep sleep."""

from kernel.limits import NEIGHBOUR_SILENT_MS_MAX
from kernel.mesh.neighbours import NOBODY, Neighbours
from kernel.prng import Prng
from kernel.ticks import TICKS_PERIOD, ticks_add
from support.heap import no_allocation
from support.no_heap import Failing

A, B, C, D = 11, 22, 33, 44
HALF_MS = NEIGHBOUR_SILENT_MS_MAX // 2


def woken(neighbours, count_max=32):
    """Return what a deep sleep leaves of a table."""
    size = Neighbours.SNAPSHOT_BYTES
    buffer = bytearray(b"\xee" * (size + 10))
    assert neighbours.save_into(buffer, 5) == 5 + size
    assert buffer[:5] == buffer[-5:] == b"\xee" * 5
    result = Neighbours(count_max)
    assert result.load_from(buffer, 5) == 5 + size
    return result


def test_a_node_is_known_after_it_was_heard():
    neighbours = Neighbours(4)
    assert neighbours.find(A) == NOBODY
    row = neighbours.hear(0, A, 1)
    assert neighbours.joined
    assert neighbours.find(A) == row and neighbours.links[row] == 1
    assert neighbours.hear(5, A, 0) == row and not neighbours.joined
    assert neighbours.count == 1 and neighbours.links[row] == 0


def test_silence_is_forgotten_across_the_wrap():
    start = TICKS_PERIOD - 10
    neighbours = Neighbours(4)
    neighbours.hear(start, A, 0)
    neighbours.hear(ticks_add(start, 1000), B, 0)
    assert neighbours.expire(ticks_add(start, NEIGHBOUR_SILENT_MS_MAX)) == 0
    assert neighbours.expire(ticks_add(start, NEIGHBOUR_SILENT_MS_MAX + 1)) == A
    assert neighbours.expire(ticks_add(start, NEIGHBOUR_SILENT_MS_MAX + 1)) == 0
    assert neighbours.count == 1 and neighbours.find(A) == NOBODY


def test_how_long_a_silence_is_depends_on_how_often_they_wake():
    neighbours = Neighbours(4)
    neighbours.silent_ms_max = 1_000_000
    neighbours.hear(0, A, 0)
    assert neighbours.expire(1_000_000) == 0
    assert neighbours.expire(1_000_001) == A


def test_a_silent_node_is_found_behind_a_free_row():
    neighbours = Neighbours(4)
    neighbours.hear(0, A, 0)
    neighbours.hear(0, B, 0)
    late = NEIGHBOUR_SILENT_MS_MAX + 1
    assert [neighbours.expire(late) for _ in range(3)] == [A, B, 0]


def test_a_full_table_gives_the_row_of_the_longest_silent():
    neighbours = Neighbours(3)
    for now_ms, node in ((0, A), (10, B), (20, C), (HALF_MS + 1, A), (HALF_MS + 1, C)):
        neighbours.hear(now_ms, node, 0)
    neighbours.hear(HALF_MS + 11, D, 0)
    assert neighbours.joined and neighbours.count == 3
    assert neighbours.find(B) == NOBODY
    assert NOBODY not in (neighbours.find(A), neighbours.find(C), neighbours.find(D))


def test_strangers_share_one_row_of_a_table_full_of_regulars():
    neighbours = Neighbours(4)
    regulars = (A, B, C, D)
    for node in regulars:
        neighbours.hear(0, node, 0)
    for node in range(1_000, 2_000):
        row = neighbours.hear(100, node, 0)
        assert not neighbours.joined and neighbours.find(node) == row
        # A frame that comes twice in a row, over two links, is still found to be one.
        assert neighbours.accept(row, 5, True) and not neighbours.accept(row, 5, True)
    assert [neighbours.find(node) != NOBODY for node in regulars] == [True, True, True, False]
    assert neighbours.count == 4


def test_who_came_last_makes_room_for_strangers_whatever_its_row():
    neighbours = Neighbours(3)
    for node in (A, B, C):
        neighbours.hear(0, node, 0)
    for node in (B, C):
        neighbours.hear(HALF_MS + 1, node, 0)
    row = neighbours.hear(HALF_MS + 2, D, 0)
    assert neighbours.find(A) == NOBODY and neighbours.hear(HALF_MS + 3, 1_000, 0) == row
    assert NOBODY not in (neighbours.find(B), neighbours.find(C))


def test_names_are_found_and_leave_with_their_node():
    neighbours = Neighbours(2)
    row = neighbours.hear(0, A, 0)
    assert neighbours.name(row) == "0000000b"
    neighbours.introduce(row, "pümp")
    assert neighbours.find_name("pümp") == row and neighbours.name(row) == "pümp"
    assert neighbours.find_name("") == NOBODY and neighbours.find_name("other") == NOBODY
    neighbours.hear(10, B, 0)
    neighbours.hear(HALF_MS + 10, C, 0)
    assert neighbours.find_name("pümp") == NOBODY
    neighbours.introduce(neighbours.find(B), "b")
    assert neighbours.expire(NEIGHBOUR_SILENT_MS_MAX + 11) == B
    assert neighbours.find_name("b") == NOBODY


def test_signal_strength_is_an_average_in_whole_dbm():
    neighbours = Neighbours(2)
    row = neighbours.hear(0, A, 0)
    assert neighbours.rssi_dbm(row) == 0
    neighbours.hear(0, A, 0, -60)
    assert neighbours.rssi_dbm(row) == -60
    seen = []
    for _ in range(40):
        neighbours.hear(0, A, 0, -80)
        seen.append(neighbours.rssi_dbm(row))
    assert -65 < seen[0] < -60 and seen == sorted(seen, reverse=True) and seen[-1] == -80
    neighbours.hear(0, A, 0)  # a link that does not measure it changes nothing
    assert neighbours.rssi_dbm(row) == -80
    for extreme, kept in ((-200, -128), (5, -1)):
        neighbours = Neighbours(1)
        neighbours.hear(0, A, 0, extreme)
        assert neighbours.rssi_dbm(0) == kept


def test_eight_neighbours_outlive_a_deep_sleep():
    rng = Prng(2)
    neighbours = Neighbours(12)
    start = TICKS_PERIOD - 50
    for number in range(8):
        row = neighbours.hear(
            ticks_add(start, 10 * number), 0x3FFFFF00 + number, number, -40 - number
        )
        neighbours.introduce(row, "greenhouse-%02d-pump" % number)
        neighbours.accept(row, 0xFFF0 + number, True)
        neighbours.accept(row, 0xFFF2 + number, True)
        neighbours.accept(row, rng.below(0x10000), False)
    again = woken(neighbours)
    assert again.count == 8 and again.lost == neighbours.lost == 8
    for number in range(8):
        node = 0x3FFFFF00 + number
        row = again.find(node)
        assert again.find_name("greenhouse-%02d-pump" % number) == row
        assert again.links[row] == number
        assert again.rssi_dbm(row) == -40 - number
        assert not again.accept(row, 0xFFF0 + number, True)
        assert again.accept(row, 0xFFF1 + number, True)
    gone = [again.expire(ticks_add(start, NEIGHBOUR_SILENT_MS_MAX + 30)) for _ in range(4)]
    assert gone == [0x3FFFFF02, 0x3FFFFF01, 0x3FFFFF00, 0]


def test_those_heard_last_are_kept():
    neighbours = Neighbours(32)
    for number in range(1, 31):
        neighbours.hear(1_000 - 7 * number if number % 2 else 500, number, 0)
    again = woken(neighbours)
    assert sorted(node for node in again.ids if node) == [1, 3, 5, 7, 9, 11, 13, 15]
    assert again.count == 8


def test_names_are_kept_as_far_as_there_is_room_and_never_in_part():
    for size in range(33):
        neighbours = Neighbours(8)
        names = [(chr(97 + number) * 32)[:size] for number in range(8)]
        for number in range(8):
            row = neighbours.hear(8 - number, number + 1, 0)
            neighbours.introduce(row, names[number])
        again = woken(neighbours)
        kept = [again.find_name(name) != NOBODY for name in names]
        assert kept == sorted(kept, reverse=True)
        assert sum(kept) == (min(8, 204 // (size + 1)) if size else 0), size


def test_the_last_name_may_end_with_the_snapshot():
    for last, kept in ((4, 7), (5, 7), (6, 6)):
        neighbours = Neighbours(8)
        for number in range(7):
            row = neighbours.hear(8 - number, number + 1, 0)
            neighbours.introduce(row, chr(97 + number) * (32 if number < 6 else last))
        neighbours.hear(0, 8, 0)  # its name has no byte left, not even that of its length
        again = woken(neighbours)
        assert again.name(again.find(8)) == "00000008"
        names = [again.name(row) for row in range(7)]
        assert names[:kept] == [chr(97 + n) * (32 if n < 6 else last) for n in range(kept)]
        assert names[kept:] == ["%08x" % (n + 1) for n in range(kept, 7)]


def test_a_snapshot_depends_on_nothing_but_the_table():
    one, other = bytearray(b"\x00" * 352), bytearray(b"\xff" * 352)
    neighbours = Neighbours(8)
    neighbours.introduce(neighbours.hear(5, A, 0), "a")
    neighbours.save_into(one, 0)
    neighbours.save_into(other, 0)
    assert one == other


def test_half_of_what_it_takes_to_be_forgotten_is_not_more_than_half():
    neighbours = Neighbours(1)
    neighbours.hear(0, A, 0)
    neighbours.hear(HALF_MS, B, 0)
    assert not neighbours.joined
    neighbours.hear(2 * HALF_MS + 1, C, 0)
    assert neighbours.joined


def test_an_empty_table_is_woken_empty():
    again = woken(Neighbours(8))
    assert again.count == 0 and not any(again.ids)
    again = woken(woken(Neighbours(8)))
    row = again.hear(0, A, 0)
    assert again.accept(row, 1, True)


def test_rows_are_made_as_they_are_needed_and_none_changes():
    neighbours = Neighbours(30)
    for number in range(1, 31):
        row = neighbours.hear(number, number, number, -number)
        neighbours.introduce(row, str(number))
        assert neighbours.joined and neighbours.accept(row, number, True)
    assert len(neighbours.ids) == neighbours.count == 30
    for number in range(1, 31):
        row = neighbours.find(number)
        assert neighbours.links[row] == number and neighbours.rssi_dbm(row) == -number
        assert neighbours.name(row) == str(number) and not neighbours.accept(row, number, True)


def test_without_heap_the_table_is_full():
    neighbours = Neighbours(32)
    for number in range(1, 9):
        neighbours.hear(number, number, 0)
    with no_allocation() as is_full:
        neighbours.hear(9, 9, 0)
    assert neighbours.joined == (not is_full) and neighbours.count == (8 if is_full else 9)
    neighbours.hear(10, 10, 0)
    assert neighbours.joined and neighbours.count == (9 if is_full else 10)


class Short(list):
    """A list that cannot grow."""

    def __add__(self, other):
        raise MemoryError


def row_counts(neighbours):
    """Return for how many rows each part of the table has room."""
    cells = len(neighbours._cells) // 6
    others = (neighbours.ids, neighbours.links, neighbours._names, neighbours._heard_at_ms)
    return {cells, len(neighbours._rssi)} | {len(part) for part in others}


def test_growth_that_fails_half_way_leaves_the_table_as_it_was():
    for call in (1, 2, 3, 4, 5):
        neighbours = Neighbours(32)
        for number in range(1, 9):
            neighbours.hear(number, number, number, -number)
        if call == 5:  # the last that is no call of `bytes`
            neighbours.ids = Short(neighbours.ids)
            assert neighbours.hear(9, 9, 0) < 8
            neighbours.ids = list(neighbours.ids)
        else:
            with Failing("bytes", call, 1) as failing:
                assert neighbours.hear(9, 9, 0) < 8
            assert failing.count == 1
        assert not neighbours.joined and row_counts(neighbours) == {8} and neighbours.count == 8
        assert neighbours.find(9) != NOBODY  # as in a table that is full
        row = neighbours.hear(10, 10, 5, -50)
        assert neighbours.joined and row == 8 and row_counts(neighbours) == {16}
        assert neighbours.links[row] == 5 and neighbours.rssi_dbm(row) == -50
        assert neighbours.accept(row, 1, True) and not neighbours.accept(row, 1, True)


def test_a_crowd_without_heap_leaves_nothing_behind():
    neighbours = Neighbours(32)
    for number in range(1, 9):
        neighbours.hear(number, number, 0)
    # Of each growth the third part fails: two are there by then.
    for number in range(100, 1_100):
        with Failing("bytes", 3) as failing:
            neighbours.hear(number, number, 0)
        assert failing.count == 1
    assert row_counts(neighbours) == {8}
    neighbours.hear(2_000, 2_000, 0)
    assert neighbours.joined and row_counts(neighbours) == {16}
