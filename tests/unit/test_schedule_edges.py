"""A schedule to the millisecond: where a window is taken or left out, grows, or shrinks."""

from kernel.effects import SLEEP_DEEP, SLEEP_LIGHT
from kernel.limits import LISTEN_MS_MAX, WAKE_PERIOD_MS_MAX
from kernel.power.cluster_clock import FORGET_WINDOWS
from kernel.power.schedule import DORMANT_MS, SEARCH_WINDOWS_MAX
from kernel.ticks import ticks_add, ticks_diff
from support.scheduled import PERIOD_MS, START_MS, Driver, leading

GUARD_MS = 4  # of who leads


def window(driver, heard_after_ms=None):
    """Go through the window that is under way; hear a frame so long after its instant."""
    at_ms = driver.schedule.clock.start_at_ms
    if heard_after_ms is not None:
        driver.schedule.on_frame(ticks_add(at_ms, heard_after_ms))
    driver.run_to_sleep()


def busy(listen_ms):
    """Return a driver at the instant of a window that is as long as told."""
    driver = leading()
    driver.run_to_sleep()
    driver.schedule.listen_ms = listen_ms
    driver.run_to_speak()
    return driver


def test_a_quiet_window_is_shorter_by_a_quarter_the_next_time():
    driver, lengths = busy(400), []
    for _ in range(20):
        window(driver)
        lengths.append(driver.schedule.listen_ms)
        driver.run_to_speak()
    assert lengths[:6] == [300, 225, 168, 126, 94, 70] and lengths[-1] == 4


def test_a_window_grows_by_half_if_its_second_half_was_used():
    for heard_after_ms, listen_ms in ((0, 150), (100, 150), (101, 300), (200, 300)):
        driver = busy(200)
        window(driver, heard_after_ms)
        assert driver.schedule.listen_ms == listen_ms, heard_after_ms
    driver = busy(400)
    window(driver, 390)
    assert driver.schedule.listen_ms == 500  # the most
    driver.run_to_speak()
    window(driver)  # what was heard counts once
    assert driver.schedule.listen_ms == 375


def test_the_most_that_a_window_lasts():
    for period_ms, listen_ms, most_ms in (
        (60_000, 0, 500),
        (60_000, 700, 700),
        (1_000, 0, 250),
        (1_000, 400, 250),
        (WAKE_PERIOD_MS_MAX, 20_000, LISTEN_MS_MAX),
    ):
        assert Driver(period_ms=period_ms, listen_ms=listen_ms).schedule._listen_ms_max == most_ms
    assert Driver().schedule.listen_ms == 4 and Driver(listen_ms=33).schedule.listen_ms == 33


def test_each_frame_is_listened_after_but_not_beyond_the_bound():
    driver = busy(20)
    schedule, at_ms = driver.schedule, driver.now_ms
    for after_ms, closes_after_ms in ((5, 24), (20, 24), (21, 25), (24, 28), (498, 500)):
        schedule.on_frame(ticks_add(at_ms, after_ms))
        assert ticks_diff(schedule.next_at_ms(at_ms), at_ms) == closes_after_ms


def test_frames_outside_of_a_window_keep_nobody_awake():
    driver = leading()
    driver.run_to_sleep()
    before_ms = driver.schedule.next_at_ms(driver.now_ms)
    driver.schedule.on_frame(driver.now_ms)
    driver.schedule.on_sent(driver.now_ms, 9)
    assert driver.schedule.next_at_ms(driver.now_ms) == before_ms
    driver.step()  # early: the instant is still to come
    at_ms = driver.schedule.next_at_ms(driver.now_ms)
    driver.schedule.on_frame(driver.now_ms)
    assert driver.schedule.next_at_ms(driver.now_ms) == at_ms
    assert driver.schedule._heard_ms == 0


def test_a_window_is_attended_until_its_last_millisecond():
    for late_ms, is_attended in ((GUARD_MS + 4, True), (GUARD_MS + 5, False)):
        driver = leading()
        at_ms = driver.now_ms
        driver.run_to_sleep()
        assert driver.schedule.listen_ms == 4
        now_ms = ticks_add(at_ms, PERIOD_MS + late_ms)
        assert driver.schedule.on_time(now_ms, driver) == is_attended
        assert driver.schedule.may_speak == is_attended
        next_ms = driver.schedule.clock.start_at_ms
        assert ticks_diff(next_ms, at_ms) == (PERIOD_MS if is_attended else 2 * PERIOD_MS)


def test_a_window_opens_a_guard_and_what_the_radio_takes_before_its_instant():
    for radio_ms in (0, 30):
        driver = leading()
        driver.run_to_sleep()
        driver.schedule._radio_ms = radio_ms
        at_ms = driver.schedule.clock.start_at_ms
        opens_at_ms = ticks_add(at_ms, -GUARD_MS - radio_ms)
        assert driver.schedule.next_at_ms(driver.now_ms) == opens_at_ms
        assert not driver.schedule.on_time(ticks_add(opens_at_ms, -1), driver)
        assert not driver.schedule.is_open
        assert not driver.schedule.on_time(opens_at_ms, driver) and driver.schedule.is_open
        assert driver.schedule.next_at_ms(opens_at_ms) == at_ms
        assert not driver.schedule.on_time(ticks_add(at_ms, -1), driver)
        assert driver.schedule.on_time(at_ms, driver)
        assert not driver.schedule.on_time(at_ms, driver), "once in each"


def test_how_late_instants_come_is_learned_by_a_sixteenth():
    driver = leading()
    driver.run_to_sleep()
    driver.schedule._radio_ms = 32
    driver.step()
    late_ms = ticks_add(driver.schedule.clock.start_at_ms, 10)
    assert driver.schedule.on_time(late_ms, driver)
    assert driver.schedule._radio_ms == 32 - 2 + 10


def test_nobody_speaks_who_does_not_know_the_instants():
    for now_ms in (0, 1, START_MS):
        driver = Driver()
        driver.schedule.start(now_ms, driver)
        assert not driver.schedule.on_time(now_ms, driver)
        assert driver.schedule.clock.start_at_ms == 0 and driver.schedule.clock.is_lost
        assert driver.schedule.next_at_ms(now_ms) == driver.schedule._seek_until_ms


def test_the_search_ends_at_its_instant():
    driver = Driver()
    driver.schedule.start(START_MS, driver)
    until_ms = driver.schedule._seek_until_ms
    assert PERIOD_MS <= ticks_diff(until_ms, START_MS) < PERIOD_MS * 5 // 4
    assert not driver.schedule.on_time(ticks_add(until_ms, -1), driver)
    assert driver.schedule.is_seeking
    assert driver.schedule.on_time(until_ms, driver) and not driver.schedule.is_seeking
    assert driver.schedule.clock.start_at_ms == until_ms and driver.spoken == []


def test_what_a_boot_takes_is_learned_by_a_quarter():
    for boot_ms, late_ms, learned_ms in (
        (0, 0, 0),
        (0, 400, 400),
        (0, 4_999, 4_999),
        (0, 5_000, 0),
        (0, -1, 0),
        (400, 0, 300),
        (400, -1, 400),
        (400, 401, 401),
        (400, 397, 400),
        (400, 396, 399),
    ):
        driver = leading()
        driver.run_to_sleep()
        driver.schedule._asleep_until_ms = START_MS
        driver.schedule.boot_ms = boot_ms
        driver.schedule.resume(ticks_add(START_MS, late_ms), driver)
        assert driver.schedule.boot_ms == learned_ms, (boot_ms, late_ms)


def test_who_wakes_does_not_speak_and_has_no_radio():
    driver = leading()
    assert driver.schedule.may_speak and driver.schedule.is_open
    driver.schedule.resume(START_MS, driver)
    assert not driver.schedule.may_speak and driver.radios == [False]


def test_how_deep_a_gap_is_slept():
    for gap_ms, break_even_ms, boot_ms, slept in (
        (2, 0, 0, None),
        (3, 0, 0, SLEEP_DEEP),
        (3, 4, 0, SLEEP_LIGHT),
        (700, 700, 0, SLEEP_DEEP),
        (699, 700, 0, SLEEP_LIGHT),
        (800, 0, 400, SLEEP_LIGHT),
        (801, 0, 400, SLEEP_DEEP),
        (801, 802, 400, SLEEP_LIGHT),
    ):
        driver = Driver(break_even_ms=break_even_ms)
        driver.schedule.start(START_MS, driver)
        driver.run_to_speak()
        driver.run_to_sleep()
        driver.schedule.boot_ms = boot_ms
        due_at_ms = ticks_add(driver.now_ms, gap_ms)
        slept_at_all = driver.schedule.sleep(driver.now_ms, due_at_ms, True, True, driver)
        assert slept_at_all == (slept is not None)
        until_ms = due_at_ms if slept == SLEEP_LIGHT else ticks_add(due_at_ms, -boot_ms)
        assert driver.sleeps == ([(until_ms, slept)] if slept_at_all else []), gap_ms


def test_a_timer_that_is_due_later_than_the_window_wakes_nobody():
    for later_ms in (0, 1):
        driver = leading()
        driver.run_to_sleep()
        opens_at_ms = driver.schedule.next_at_ms(driver.now_ms)
        due_at_ms = ticks_add(opens_at_ms, later_ms)
        assert driver.schedule.sleep(driver.now_ms, due_at_ms, True, True, driver)
        assert driver.sleeps == [(opens_at_ms, SLEEP_DEEP)]


def searches(windows, has_search=True):
    """Return with which windows a leader begins to search."""
    driver, found = leading(), []
    driver.schedule.set_mode(1, True, has_search)
    for window_number in range(1, windows):
        while not driver.schedule.is_seeking and driver.schedule._stage:
            driver.step()
        if driver.schedule.is_seeking:
            until_ms = driver.schedule._seek_until_ms
            assert ticks_diff(until_ms, driver.now_ms) == PERIOD_MS and driver.schedule.is_open
            found.append(window_number)
            driver.schedule.is_seeking = False
        driver.run_to_speak()
    return found


def test_searches_become_rare():
    assert searches(60) == [8, 24, 56]
    assert searches(30, has_search=False) == []
    driver = leading()
    assert driver.schedule._search_in == driver.schedule._search_every == FORGET_WINDOWS
    driver.schedule._search_every, driver.schedule._search_in = SEARCH_WINDOWS_MAX - 1, 1
    while not driver.schedule.is_seeking:
        driver.step()
    assert driver.schedule._search_every == driver.schedule._search_in == SEARCH_WINDOWS_MAX


def test_without_windows_it_looks_at_the_battery_each_hour():
    for period_ms, has_radio in ((0, True), (PERIOD_MS, False)):
        driver = Driver(period_ms=period_ms)
        driver.schedule.set_mode(1, has_radio, has_radio)
        assert driver.schedule.next_at_ms(START_MS) == ticks_add(START_MS, DORMANT_MS)
        assert not driver.schedule.on_time(START_MS, driver)
        assert driver.schedule.may_speak == driver.schedule.is_open == has_radio


def test_who_moves_and_was_not_alone_visits_four_old_windows_and_who_was_none():
    for silent, old_count in ((0, 4), (FORGET_WINDOWS - 1, 4), (FORGET_WINDOWS, 0)):
        driver = leading()
        at_ms = driver.now_ms
        driver.schedule.clock._silent = silent
        driver.schedule._search_in = 3
        assert driver.hear(node=2, phase_ms=PERIOD_MS // 2)
        schedule = driver.schedule
        assert schedule._old_count == old_count and schedule._is_old == (old_count > 0)
        assert schedule._old_at_ms == at_ms and schedule._search_in == FORGET_WINDOWS
        assert not schedule.is_seeking


def test_an_answer_is_given_once_between_two_windows():
    driver = leading()
    assert driver.hear(node=9, phase_ms=30_000)  # of others, with a higher leader
    assert not driver.hear(node=9, phase_ms=30_000)
    driver.run_to_sleep()
    assert driver.hear(node=9, phase_ms=30_000)
    assert driver.schedule.may_speak


def test_what_is_learned_in_a_window_may_close_it_sooner():
    driver = leading()
    driver.run_to_sleep()
    driver.schedule.clock.leader, driver.schedule.clock._error_ms = 2, 100
    driver.run_to_speak()
    schedule, at_ms = driver.schedule, driver.now_ms
    assert ticks_diff(schedule.next_at_ms(at_ms), at_ms) == schedule.clock.guard_ms() + 4
    before_ms = schedule.clock.guard_ms()
    assert not driver.hear(node=2, phase_ms=0)
    guard_ms = schedule.clock.guard_ms()
    assert guard_ms < before_ms
    assert ticks_diff(schedule.next_at_ms(at_ms), at_ms) == guard_ms + 5
