"""Who is in reach, what was lost on the way, and what came twice."""

from kernel.limits import NEIGHBOUR_SILENT_MS_MAX, SEQUENCE_JUMP_MAX
from kernel.mesh.neighbours import NOBODY, Neighbours
from kernel.ticks import TICKS_PERIOD, ticks_add

A, B, C = 11, 22, 33


def feed(neighbours, sequences, broadcast=True):
    """Accept frames from A; return which were new."""
    row = neighbours.hear(0, A, 0)
    return [neighbours.accept(row, sequence, broadcast) for sequence in sequences]


def test_a_node_is_known_after_it_was_heard():
    neighbours = Neighbours(4)
    assert neighbours.find(A) == NOBODY
    row = neighbours.hear(0, A, 1)
    assert neighbours.find(A) == row and neighbours.links[row] == 1
    assert neighbours.hear(5, A, 0) == row
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


def test_a_full_table_forgets_the_longest_silent():
    neighbours = Neighbours(2)
    neighbours.hear(0, A, 0)
    neighbours.hear(10, B, 0)
    neighbours.hear(20, A, 0)
    neighbours.hear(30, C, 0)
    assert neighbours.find(B) == NOBODY and neighbours.count == 2
    assert neighbours.find(A) != NOBODY and neighbours.find(C) != NOBODY


def test_names_are_found_and_leave_with_their_node():
    neighbours = Neighbours(2)
    row = neighbours.hear(0, A, 0)
    neighbours.names[row] = "pump"
    assert neighbours.find_name("pump") == row
    assert neighbours.find_name("") == NOBODY and neighbours.find_name("other") == NOBODY
    neighbours.hear(10, B, 0)
    neighbours.hear(20, C, 0)
    assert neighbours.find_name("pump") == NOBODY


def test_a_frame_is_new_once():
    neighbours = Neighbours(2)
    assert feed(neighbours, (5, 5, 6, 5, 6, 7)) == [True, False, True, False, False, True]
    assert neighbours.lost == 0


def test_gaps_are_losses_until_the_late_frame_comes():
    neighbours = Neighbours(2)
    assert feed(neighbours, (100, 104)) == [True, True]
    assert neighbours.lost == 3
    assert feed(neighbours, (102, 102)) == [True, False]
    assert neighbours.lost == 2


def test_sequences_wrap_at_16_bits():
    neighbours = Neighbours(2)
    assert feed(neighbours, (0xFFFE, 0xFFFF, 1, 0)) == [True] * 4
    assert neighbours.lost == 0


def test_broadcasts_and_frames_for_one_are_counted_apart():
    neighbours = Neighbours(2)
    feed(neighbours, (10, 11))
    assert feed(neighbours, (11, 10), broadcast=False) == [True, True]
    assert feed(neighbours, (12,)) == [True]
    assert neighbours.lost == 0


def test_a_long_jump_is_a_restart_and_no_loss():
    neighbours = Neighbours(2)
    assert feed(neighbours, (10, 11 + SEQUENCE_JUMP_MAX)) == [True, True]
    assert neighbours.lost == 0
    assert feed(neighbours, (12 + SEQUENCE_JUMP_MAX,)) == [True]


def test_old_frames_are_refused_but_a_restart_close_behind_is_believed():
    neighbours = Neighbours(2)
    assert feed(neighbours, (1000, 500)) == [True, False]
    assert feed(neighbours, (1001,)) == [True]
    assert feed(neighbours, (501, 502, 503, 504)) == [False, False, True, True]


def test_a_gap_wider_than_the_window_keeps_counting():
    neighbours = Neighbours(2)
    assert feed(neighbours, (10, 60, 59, 60)) == [True, True, True, False]
    assert neighbours.lost == 48


def test_a_silent_node_is_found_behind_a_free_row():
    neighbours = Neighbours(4)
    neighbours.hear(0, A, 0)
    neighbours.hear(0, B, 0)
    late = NEIGHBOUR_SILENT_MS_MAX + 1
    assert [neighbours.expire(late) for _ in range(3)] == [A, B, 0]
