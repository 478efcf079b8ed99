"""The windows of numbers, against a set of all that was accepted; and whose row goes first."""

from kernel.prng import Prng
from kernel.secure.rows import HEAD_BYTES, NOBODY, PINNED, WINDOW, Rows

NUMBERS = 1 << 28


def accepts(rows, row, number):
    """Accept a number if it is new; tell whether it was."""
    is_new = rows.is_new(row, number)
    if is_new:
        rows.accept(row, number)
    return is_new


def test_windows_agree_with_a_set_of_all_numbers():
    for seed in range(40):
        random = Prng(seed)
        rows = Rows(2, 1, HEAD_BYTES)
        row = rows.take(5)
        accepted = set()
        at = random.below(NUMBERS) if seed else 0
        for _ in range(300):
            step = random.below(100) if random.below(9) else random.below(3 * WINDOW)
            number = max(0, min(NUMBERS - 1, at + step - WINDOW))
            top = max(accepted) if accepted else -1
            assert accepts(rows, row, number) == (number not in accepted and number > top - WINDOW)
            accepted.add(number)
            if random.below(2):
                at = max(accepted)


def test_every_short_history_around_the_edge_of_a_window():
    numbers = (100, 101, 100 + WINDOW - 1, 100 + WINDOW, 101 + WINDOW)
    for code in range(5**5):
        rows = Rows(1, 1, HEAD_BYTES)
        row = rows.take(7)
        accepted = set()
        for place in range(5):
            number = numbers[code // 5**place % 5]
            top = max(accepted) if accepted else -1
            assert accepts(rows, row, number) == (number not in accepted and number > top - WINDOW)
            accepted.add(number)


def test_the_row_used_last_stands_in_front():
    rows = Rows(4, 1, HEAD_BYTES)
    for row, expected in (
        (2, b"\x02\x00\x01\x03"),
        (2, b"\x02\x00\x01\x03"),
        (3, b"\x03\x02\x00\x01"),
    ):
        rows.touch(row)
        assert rows.order == expected


def test_an_empty_row_goes_first_then_that_used_longest_ago_and_a_pinned_one_never():
    rows = Rows(3, 1, HEAD_BYTES)
    taken = {}
    for node in (10, 11, 12):
        taken[node] = rows.take(node)
        rows.accept(taken[node], 0)
    assert sorted(taken.values()) == [0, 1, 2]
    rows.clear(taken[12])
    assert rows.take(13) == taken[12] and rows.find(12) == NOBODY
    rows.touch(taken[12])
    rows.cells[taken[10] * HEAD_BYTES] |= PINNED
    assert rows.take(14) == taken[11]
    assert rows.is_new(taken[11], 0), "nothing is left of whose row it was"
    for row in range(3):
        rows.cells[row * HEAD_BYTES] |= PINNED
    assert rows.take(15) == NOBODY
    assert sorted(rows.node_of(row) for row in range(3)) == [10, 13, 14]
    assert rows.find(0) == NOBODY


def test_nodes_whose_ids_end_alike_are_told_apart():
    rows = Rows(3, 1, HEAD_BYTES)
    assert [rows.take(node) for node in (0x105, 0x205)] != [NOBODY] * 2
    assert rows.find(0x105) != rows.find(0x205) and rows.find(0x305) == NOBODY


def test_a_sleep_keeps_the_rows_used_last():
    rows = Rows(4, 2, HEAD_BYTES)
    for node in (1, 2, 3, 4):
        rows.accept(rows.take(node), 100 + node)
    buffer = bytearray(2 * HEAD_BYTES + 3)
    assert rows.save_into(buffer, 3) == len(buffer)
    woken = Rows(4, 2, HEAD_BYTES)
    assert woken.load_from(buffer, 3) == len(buffer)
    assert [woken.node_of(row) for row in woken.order] == [4, 3, 0, 0]
    assert not woken.is_new(0, 104) and woken.is_new(0, 103)
