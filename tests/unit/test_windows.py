"""What came twice, and what was lost on the way."""

from kernel.limits import SEQUENCE_JUMP_MAX, SEQUENCE_WINDOW
from kernel.mesh.windows import Windows
from kernel.prng import Prng


def feed(windows, sequences, broadcast=True, row=0):
    """Accept frames; return which were new."""
    return [windows.accept(row, sequence, broadcast) for sequence in sequences]


def test_a_frame_is_new_once():
    windows = Windows(2)
    assert feed(windows, (5, 5, 6, 5, 6, 7)) == [True, False, True, False, False, True]
    assert windows.lost == 0


def test_gaps_are_losses_until_the_late_frame_comes():
    windows = Windows(2)
    assert feed(windows, (100, 104)) == [True, True]
    assert windows.lost == 3
    assert feed(windows, (102, 102)) == [True, False]
    assert windows.lost == 2


def test_sequences_wrap_at_16_bits():
    windows = Windows(2)
    assert feed(windows, (0xFFFE, 0xFFFF, 1, 0)) == [True] * 4
    assert windows.lost == 0


def test_broadcasts_and_frames_for_one_are_counted_apart_and_so_are_rows():
    windows = Windows(2)
    feed(windows, (10, 11))
    assert feed(windows, (11, 10), broadcast=False) == [True, True]
    assert feed(windows, (10, 11), row=1) == [True, True]
    assert feed(windows, (12,)) == [True]
    assert windows.lost == 0


def test_a_long_jump_is_a_restart_and_no_loss():
    windows = Windows(2)
    assert feed(windows, (10, 11 + SEQUENCE_JUMP_MAX)) == [True, True]
    assert windows.lost == 0
    assert feed(windows, (12 + SEQUENCE_JUMP_MAX,)) == [True]


def test_old_frames_are_refused_but_a_restart_close_behind_is_believed():
    windows = Windows(2)
    assert feed(windows, (1000, 500)) == [True, False]
    assert feed(windows, (1001,)) == [True]
    assert feed(windows, (501, 502, 503, 504)) == [False, False, True, True]


def test_a_gap_wider_than_the_window_keeps_counting():
    windows = Windows(2)
    assert feed(windows, (10, 60, 59, 60)) == [True, True, True, False]
    assert windows.lost == 48


def test_the_bounds_of_window_and_jump_are_exact():
    for behind, row in ((SEQUENCE_WINDOW - 1, 0), (SEQUENCE_WINDOW, 1)):
        windows = Windows(2)
        assert feed(windows, (5_000, 5_000 - behind), row=row) == [True, behind < SEQUENCE_WINDOW]
    for ahead in (SEQUENCE_WINDOW - 1, SEQUENCE_WINDOW, SEQUENCE_WINDOW + 1):
        windows = Windows(1)
        feed(windows, (5_000, 5_000 + ahead))
        assert feed(windows, (5_000,)) == [False]
        assert windows.accept(0, 5_001, True) == (ahead <= SEQUENCE_WINDOW)
    for jump, lost in ((SEQUENCE_JUMP_MAX, SEQUENCE_JUMP_MAX - 1), (SEQUENCE_JUMP_MAX + 1, 0)):
        windows = Windows(1)
        assert feed(windows, (5_000, 5_000 + jump)) == [True, True] and windows.lost == lost
    for back in (SEQUENCE_JUMP_MAX, SEQUENCE_JUMP_MAX + 1):
        assert feed(Windows(1), (5_000, 5_000 - back)) == [True, back > SEQUENCE_JUMP_MAX]


def test_stale_frames_count_only_in_a_row():
    windows = Windows(1)
    assert feed(windows, (1_000, 500, 501)) == [True, False, False]
    assert feed(windows, (1_010, 502, 503)) == [True, False, False]
    assert feed(windows, (1_011, 504, 505, 506)) == [True, False, False, True]
    # It went on from there: what it says next is new, what it said before is not.
    assert feed(windows, (507, 506, 503)) == [True, False, True]


def test_a_late_frame_within_the_window_ends_a_row_of_stale_ones():
    windows = Windows(1)
    for sequence in (100, 300, 299):
        assert windows.accept(0, sequence, True)
    for late in range(298, 290, -1):
        assert not windows.accept(0, 150, True)
        assert windows.accept(0, late, True)


def test_what_is_forgotten_starts_without_stale_frames():
    windows = Windows(1)
    feed(windows, (1_000, 500, 501))
    windows.forget(0)
    assert feed(windows, (1_000, 500, 501, 999)) == [True, False, False, True]


def test_what_is_forgotten_is_new_again():
    windows = Windows(2)
    feed(windows, (5, 6))
    feed(windows, (5,), row=1)
    windows.forget(0)
    assert feed(windows, (5,)) == [True]
    assert feed(windows, (5,), row=1) == [False]


def test_late_frames_are_told_from_duplicates_in_any_order():
    rng = Prng(4)
    for _ in range(50):
        start = rng.below(0x10000)
        order = list(range(1, SEQUENCE_WINDOW))
        mixed = [order.pop(rng.below(len(order))) for _ in range(SEQUENCE_WINDOW - 1)]
        windows = Windows(1)
        assert windows.accept(0, start, True)
        for number in mixed:
            sequence = (start + number) & 0xFFFF
            assert feed(windows, (sequence, sequence)) == [True, False]
        assert windows.lost == 0


def test_windows_outlive_a_deep_sleep():
    windows = Windows(3)
    feed(windows, (0xFFFE, 3, 1), row=2)
    feed(windows, (700, 703), broadcast=False, row=2)
    buffer = bytearray(12)
    assert windows.save_window(2, buffer, 3) == 11
    woken = Windows(3)
    assert woken.load_window(1, buffer, 3) == 11
    assert feed(woken, (1, 2, 3, 0xFFFE, 4), row=1) == [False, True, False, False, True]
    assert feed(woken, (700, 701, 703), broadcast=False, row=1) == [False, True, False]
