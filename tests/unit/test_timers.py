"""What is due comes in its order, and a late agent catches up without a storm."""

from kernel.limits import PERIOD_MS_MAX, PERIOD_MS_MIN, TIMERS_MAX
from kernel.ticks import TICKS_PERIOD
from kernel.timers import (
    NONE_DUE,
    TIMER_ANNOUNCE,
    TIMER_STATE,
    TIMER_TELEMETRY,
    TIMERS_OWN,
    Timers,
)
from support.script import raises


def test_nothing_is_due_before_its_time():
    timers = Timers()
    assert timers.next(0) == NONE_DUE and timers.take_due(0) == NONE_DUE
    timers.set(TIMER_ANNOUNCE, 100)
    assert timers.next(0) == TIMER_ANNOUNCE and timers.at_ms(TIMER_ANNOUNCE) == 100
    assert timers.take_due(99) == NONE_DUE
    assert timers.take_due(100) == TIMER_ANNOUNCE
    assert timers.take_due(100) == NONE_DUE


def test_the_longest_overdue_comes_first_across_the_wrap():
    timers = Timers()
    timers.set(TIMER_ANNOUNCE, 5)
    timers.set(TIMER_TELEMETRY, TICKS_PERIOD - 5)
    assert timers.take_due(10) == TIMER_TELEMETRY
    assert timers.take_due(10) == TIMER_ANNOUNCE


def test_a_period_repeats_without_drift():
    timers = Timers()
    timers.every(0, 1000, lambda: None)
    assert timers.take_due(999) == NONE_DUE
    assert timers.take_due(1003) == TIMERS_OWN
    assert timers.repeat(TIMERS_OWN, 1003) == 0
    assert timers.at_ms(TIMERS_OWN) == 2000


def test_missed_periods_are_counted_and_skipped():
    timers = Timers()
    timers.every(0, 1000, lambda: None)
    assert timers.take_due(4500) == TIMERS_OWN
    assert timers.repeat(TIMERS_OWN, 4500) == 3
    assert timers.at_ms(TIMERS_OWN) == 5000


def test_bounds_are_errors_of_the_application():
    timers = Timers()
    for period_ms in (0, -5, PERIOD_MS_MIN - 1, PERIOD_MS_MAX + 1):
        raises(ValueError, timers.every, 0, period_ms, len)
    for _ in range(TIMERS_MAX):
        timers.every(0, 1000, len)
    raises(ValueError, timers.every, 0, 1000, len)


def test_an_application_that_failed_leaves_no_timer():
    timers = Timers()
    timers.set(TIMER_ANNOUNCE, 50)
    timers.every(0, 10, len)
    timers.clear_application()
    assert timers.next(0) == TIMER_ANNOUNCE
    timers.every(0, 20, len)
    assert timers.callback(TIMERS_OWN) is len and timers.at_ms(TIMERS_OWN) == 20


def test_of_two_that_are_due_at_once_the_first_made_comes_first():
    timers = Timers()
    for _ in range(3):
        timers.every(0, 1000, len)
    assert [timers.take_due(1000) for _ in range(3)] == [TIMERS_OWN + n for n in range(3)]


def test_slow_timers_wait_for_the_window_and_fast_ones_do_not():
    timers = Timers(window_ms=10_000)
    timers.every(0, 10_000, len)
    timers.every(0, 3_000, len)
    timers.set(TIMER_TELEMETRY, 50)
    timers.is_window_open = False
    assert timers.next(0) == TIMERS_OWN + 1
    assert timers.take_due(3_000) == TIMERS_OWN + 1
    assert timers.take_due(20_000) == NONE_DUE
    timers.is_window_open = True
    assert timers.take_due(20_000) == TIMER_TELEMETRY
    assert timers.take_due(20_000) == TIMERS_OWN


def test_an_application_that_is_off_wakes_nobody():
    timers = Timers()
    timers.every(0, 1000, len)
    timers.has_application = False
    assert timers.next(0) == NONE_DUE and timers.take_due(5000) == NONE_DUE
    timers.has_application = True
    assert timers.take_due(5000) == TIMERS_OWN and timers.repeat(TIMERS_OWN, 5000) == 4


def test_state_is_written_without_a_window():
    timers = Timers(window_ms=10_000)
    timers.is_window_open = False
    timers.set(TIMER_STATE, 50)
    assert timers.is_set(TIMER_STATE) and timers.take_due(50) == TIMER_STATE
    timers.set(TIMER_STATE, 60)
    timers.unset(TIMER_STATE)
    assert timers.take_due(60) == NONE_DUE


def test_timers_go_on_after_deep_sleep():
    timers = Timers()
    timers.set(TIMER_ANNOUNCE, 700)
    timers.every(0, 1000, len)
    timers.every(100, 5000, len)
    buffer = bytearray(Timers.SNAPSHOT_BYTES + 1)
    assert timers.save_into(buffer, 1) == len(buffer)
    again = Timers()
    assert again.load_from(buffer, 1) == len(buffer)
    assert again.count == TIMERS_OWN and again.take_due(700) == TIMER_ANNOUNCE
    again.every(800, 1000, len)
    again.every(800, 2000, len)  # it was 5,000 before: begun anew
    assert again.at_ms(TIMERS_OWN) == 1000 and again.at_ms(TIMERS_OWN + 1) == 2800
    again.every(800, 3000, len)
    assert again.at_ms(TIMERS_OWN + 2) == 3800
