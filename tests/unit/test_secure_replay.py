"""The windows of numbers, against a set of all that was accepted."""

from kernel.prng import Prng
from kernel.secure.replay import SEEN_BITS_MAX, after, is_new, touch


def test_windows_agree_with_a_set_of_all_numbers():
    for width in (16, SEEN_BITS_MAX):
        for seed in range(30):
            random = Prng(seed)
            newest = seen = 0
            accepted = set()
            at = random.below(1 << 28)
            for _ in range(300):
                step = random.below(100) if random.below(9) else random.below(3 * width)
                number = max(0, min((1 << 28) - 1, at + step - width))
                top = max(accepted) if accepted else -1
                expected = number not in accepted and number > top - width
                assert is_new(newest, seen, number, width) == expected
                if expected:
                    seen = after(newest, seen, number, width)
                    newest = max(newest, number)
                    accepted.add(number)
                    assert seen < 1 << width and seen & 1
                    if random.below(2):
                        at = newest


def test_every_short_history_of_a_window_of_three():
    for code in range(5**5):
        newest = seen = 0
        accepted = set()
        for place in range(5):
            number = code // 5**place % 5
            expected = number not in accepted and number > max(accepted | {-1}) - 3
            assert is_new(newest, seen, number, 3) == expected
            if expected:
                seen = after(newest, seen, number, 3)
                newest = max(newest, number)
                accepted.add(number)


def test_the_row_used_last_stands_in_front():
    order = bytearray(range(4))
    for row, expected in (
        (2, b"\x02\x00\x01\x03"),
        (2, b"\x02\x00\x01\x03"),
        (3, b"\x03\x02\x00\x01"),
    ):
        touch(order, row)
        assert order == expected
