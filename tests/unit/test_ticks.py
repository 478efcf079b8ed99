"""Instants wrap, spans do not care."""

from kernel.ticks import TICKS_PERIOD, ticks_add, ticks_diff


def test_spans_survive_the_wrap():
    late = TICKS_PERIOD - 5
    assert ticks_add(late, 10) == 5
    assert ticks_diff(5, late) == 10
    assert ticks_diff(late, 5) == -10


def test_a_span_may_be_negative():
    assert ticks_add(5, -10) == TICKS_PERIOD - 5


def test_the_range_of_spans_is_half_the_period():
    half = TICKS_PERIOD // 2
    assert ticks_diff(half - 1, 0) == half - 1
    assert ticks_diff(half, 0) == -half
