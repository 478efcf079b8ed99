"""Windows open in time and close when nobody speaks; the sleep between is as deep as pays."""

from kernel.effects import SLEEP_DEEP, SLEEP_LIGHT, Effects
from kernel.limits import WAKE_PERIOD_MS_MAX
from kernel.power.cluster_clock import NO_PHASE
from kernel.power.schedule import DORMANT_MS, Schedule
from kernel.ticks import TICKS_PERIOD, ticks_add, ticks_diff
from support.heap import no_allocation
from support.scheduled import PERIOD_MS, START_MS, Driver, leading


def test_who_is_always_awake_never_sleeps():
    driver = Driver(period_ms=0)
    schedule = driver.schedule
    schedule.start(START_MS, driver)
    assert not schedule.on_time(START_MS, driver) and schedule.is_open and schedule.may_speak
    assert schedule.phase_ms(START_MS) == NO_PHASE
    assert not schedule.on_neighbour_phase(START_MS, 1, PERIOD_MS, 100, 1)
    assert not schedule.on_neighbour_phase(START_MS, 1, 0, 0, 1)
    assert not schedule.sleep(START_MS, 0, False, True, driver)
    assert driver.radios == [] and driver.sleeps == []


def test_a_cold_start_listens_through_one_period_and_then_leads():
    driver = Driver()
    driver.schedule.start(START_MS, driver)
    assert driver.schedule.is_open and driver.schedule.may_speak
    assert driver.schedule.phase_ms(START_MS) == NO_PHASE
    assert not driver.schedule.on_time(ticks_add(START_MS, PERIOD_MS - 1), driver)
    at_ms = driver.run_to_speak()
    assert PERIOD_MS <= ticks_diff(at_ms, START_MS) < PERIOD_MS * 5 // 4
    assert driver.schedule.phase_ms(at_ms) == 0


def test_without_leave_to_search_a_cold_start_is_short():
    driver = Driver()
    driver.schedule.set_mode(8, True, False)
    driver.schedule.start(START_MS, driver)
    assert ticks_diff(driver.run_to_speak(), START_MS) < 100


def test_windows_follow_each_other_by_the_period():
    driver = leading()
    first_ms = driver.now_ms
    driver.run_to_sleep()
    for count in range(1, 6):
        assert driver.run_to_speak() == ticks_add(first_ms, count * PERIOD_MS)
        driver.run_to_sleep()
    assert driver.radios == [False] + [True, False] * 5


def test_a_quiet_window_is_as_short_as_the_clocks_allow():
    driver = leading()
    driver.run_to_sleep()
    driver.step()
    opened_at_ms = driver.now_ms
    assert driver.schedule.is_open and not driver.schedule.may_speak
    driver.step()
    assert driver.schedule.may_speak
    driver.step()
    assert not driver.schedule.is_open
    assert ticks_diff(driver.now_ms, opened_at_ms) == 4 + 4 + 4  # guard, listening, guard


def test_traffic_extends_a_window_up_to_its_bound_and_the_next_ones_are_longer():
    driver = leading()
    at_ms = driver.now_ms
    quiet_ms = driver.schedule.listen_ms
    while driver.schedule.is_open:
        driver.now_ms = ticks_add(driver.now_ms, 2)
        driver.schedule.on_frame(driver.now_ms)
        driver.schedule.on_time(driver.now_ms, driver)
    assert 450 < ticks_diff(driver.now_ms, at_ms) < 550
    busy_ms = driver.schedule.listen_ms
    assert busy_ms > quiet_ms
    for _ in range(6):
        driver.run_to_speak()
        driver.run_to_sleep()
    assert driver.schedule.listen_ms == quiet_ms


def test_who_says_much_listens_until_the_others_who_wait_for_that_were_heard():
    driver = leading()
    schedule, at_ms, quiet_ms = driver.schedule, driver.now_ms, driver.schedule.listen_ms
    schedule.on_sent(at_ms, 1)  # an announcement, as in each window: no longer than a quiet one
    assert ticks_diff(schedule.next_at_ms(at_ms), at_ms) == 4 + 4
    schedule.on_sent(at_ms, 10)
    assert ticks_diff(schedule.next_at_ms(at_ms), at_ms) == 10 * 2 + 4
    schedule.on_sent(at_ms, 1_000)
    driver.run_to_sleep()
    assert 450 < ticks_diff(driver.now_ms, at_ms) < 550
    assert schedule.listen_ms == quiet_ms  # nobody was heard


def test_a_person_may_ask_for_longer_windows():
    driver = Driver(listen_ms=2_000)
    driver.schedule.start(START_MS, driver)
    at_ms = driver.run_to_speak()
    driver.run_to_sleep()
    assert ticks_diff(driver.now_ms, at_ms) >= 2_000


def test_a_gap_is_slept_as_deep_as_pays():
    for break_even_ms, can_be_deep, depth in (
        (0, True, SLEEP_DEEP),
        (50_000, True, SLEEP_DEEP),
        (70_000, True, SLEEP_LIGHT),
        (0, False, SLEEP_LIGHT),
    ):
        driver = Driver(break_even_ms=break_even_ms)
        driver.schedule.start(START_MS, driver)
        at_ms = driver.run_to_speak()
        assert not driver.schedule.sleep(driver.now_ms, 0, False, can_be_deep, driver)
        driver.run_to_sleep()
        assert driver.schedule.sleep(driver.now_ms, 0, False, can_be_deep, driver)
        until_ms, slept = driver.sleeps[0]
        assert slept == depth
        assert ticks_diff(until_ms, ticks_add(at_ms, PERIOD_MS)) == -4  # the guard


def test_a_timer_wakes_the_processor_but_not_the_radio():
    driver = leading()
    driver.run_to_sleep()
    due_at_ms = ticks_add(driver.now_ms, 20_000)
    assert driver.schedule.sleep(driver.now_ms, due_at_ms, True, True, driver)
    assert driver.sleeps == [(due_at_ms, SLEEP_DEEP)]
    driver.radios.clear()
    assert not driver.schedule.on_time(due_at_ms, driver)
    assert driver.radios == [] and not driver.schedule.is_open
    assert not driver.schedule.sleep(due_at_ms, ticks_add(due_at_ms, 2), True, True, driver)


def test_the_time_that_booting_takes_is_learned():
    driver = leading()
    driver.run_to_sleep()
    boot_ms, woken_late_ms = 400, []
    for _ in range(4):
        driver.schedule.sleep(driver.now_ms, 0, False, True, driver)
        wanted_ms = driver.schedule.next_at_ms(driver.now_ms)
        driver.now_ms = ticks_add(driver.sleeps[-1][0], boot_ms)
        woken_late_ms.append(ticks_diff(driver.now_ms, wanted_ms))
        driver.schedule.resume(driver.now_ms, driver)
        driver.schedule.on_time(driver.now_ms, driver)
        driver.run_to_speak()
        driver.run_to_sleep()
    assert woken_late_ms == [boot_ms, 0, 0, 0] and driver.schedule.boot_ms == boot_ms


def test_a_window_that_was_slept_through_is_left_out():
    driver = leading()
    at_ms = driver.now_ms
    driver.run_to_sleep()
    driver.now_ms = ticks_add(at_ms, 3 * PERIOD_MS + 30_000)
    assert not driver.schedule.on_time(driver.now_ms, driver) and not driver.schedule.is_open
    assert driver.run_to_speak() == ticks_add(at_ms, 4 * PERIOD_MS)


def test_a_saving_agent_attends_every_second_window_and_keeps_the_instants():
    driver = leading()
    at_ms = driver.now_ms
    driver.run_to_sleep()
    driver.schedule.set_mode(2, True, True)
    driver.run_to_speak()
    driver.run_to_sleep()
    assert ticks_diff(driver.run_to_speak(), at_ms) == 3 * PERIOD_MS
    assert driver.schedule.phase_ms(driver.now_ms) == 0


def windows_apart(period_ms, period_factor, drift_ppm):
    """Return how many periods lie between two windows that an agent attends."""
    driver = Driver(period_ms=period_ms)
    driver.schedule.start(START_MS, driver)
    driver.run_to_speak()
    driver.schedule.clock.drift_ppm = drift_ppm
    driver.schedule.set_mode(period_factor, True, False)
    driver.run_to_sleep()
    first_ms = driver.run_to_speak()
    driver.run_to_sleep()
    next_ms = driver.schedule.next_at_ms(driver.now_ms)
    assert ticks_diff(next_ms, driver.now_ms) > 0
    span_ms = ticks_diff(driver.run_to_speak(), first_ms)
    return (span_ms + period_ms // 4) // driver.schedule.clock.local_period_ms()


def test_the_weaker_the_battery_the_fewer_windows_however_long_the_period():
    half_ms = TICKS_PERIOD // 2
    for period_ms in (60_000, 33_000_000, 33_900_000, 50_000_000, WAKE_PERIOD_MS_MAX):
        for drift_ppm in (-50_000, 0, 110_000):
            local_ms = period_ms + period_ms // 1_000_000 * drift_ppm
            for factor in (1, 2, 8):
                fits = min(factor, (half_ms - 1) // local_ms)
                assert windows_apart(period_ms, factor, drift_ppm) == fits
    assert [windows_apart(WAKE_PERIOD_MS_MAX, factor, 0) for factor in (1, 2, 8)] == [1, 2, 3]


def test_a_dormant_agent_switches_off_and_sleeps_for_an_hour():
    driver = leading()
    driver.schedule.set_mode(1, False, False)
    assert not driver.schedule.on_time(driver.now_ms, driver)
    assert driver.radios[-1:] == [False] and not driver.schedule.may_speak
    assert driver.schedule.sleep(driver.now_ms, 0, False, True, driver)
    assert driver.sleeps == [(ticks_add(driver.now_ms, DORMANT_MS), SLEEP_DEEP)]


def test_a_newcomer_takes_on_what_it_hears_and_passes_it_on_once():
    driver = Driver(node=5)
    driver.schedule.start(START_MS, driver)
    driver.now_ms = ticks_add(START_MS, 1_000)
    assert driver.hear(node=9, phase_ms=PERIOD_MS - 20)
    assert driver.schedule.phase_ms(driver.now_ms) == PERIOD_MS - 20
    assert not driver.hear(node=11, phase_ms=PERIOD_MS - 19, leader=9)
    assert driver.schedule.clock.leader == 9


def test_the_rate_of_the_leader_is_learned():
    for ppm in (-50_000, -300, 0, 20, 49_000):
        driver = Driver(node=50)
        driver.schedule.start(START_MS, driver)
        leader_ms = ticks_add(START_MS, 7_000)  # instants of the leader's windows, on our clock
        driver.now_ms = leader_ms
        driver.hear(node=1, phase_ms=0)
        for count in range(1, 12):
            at_ms = ticks_add(
                leader_ms, count * PERIOD_MS + count * PERIOD_MS // 1000 * ppm // 1000
            )
            while ticks_diff(driver.schedule.next_at_ms(driver.now_ms), at_ms) < 0:
                driver.step()
            assert driver.schedule.is_open
            driver.now_ms = at_ms
            driver.schedule.on_time(at_ms, driver)
            driver.schedule.on_frame(at_ms)
            driver.hear(node=1, phase_ms=0)
        assert abs(driver.schedule.clock.drift_ppm - ppm) <= 60
        assert driver.schedule.clock.guard_ms() <= 6


def test_a_leader_that_restarts_is_not_taken_for_one_that_is_fast_or_slow():
    for jump_ms in (-6_000, -200, 200, 6_000):
        driver = Driver(node=50)
        driver.schedule.start(START_MS, driver)
        driver.now_ms = first_ms = ticks_add(START_MS, 7_000)
        driver.hear(node=1, phase_ms=0)
        for count in range(1, 9):
            at_ms = ticks_add(first_ms, count * PERIOD_MS + jump_ms)
            while ticks_diff(driver.schedule.next_at_ms(driver.now_ms), at_ms) < 0:
                driver.step()
            assert driver.schedule.is_open
            driver.now_ms = at_ms
            driver.schedule.on_time(at_ms, driver)
            driver.hear(node=1, phase_ms=0)
        clock = driver.schedule.clock
        assert abs(clock.drift_ppm) <= 60 and not clock.is_fresh and clock.guard_ms() <= 10


def test_a_leader_that_restarts_learns_the_rate_of_those_who_still_follow_it():
    for ppm in (-110_000, -300, 0, 20, 110_000):
        driver = Driver(node=5)
        driver.schedule.start(START_MS, driver)
        driver.now_ms = first_ms = ticks_add(START_MS, 7_000)
        driver.hear(node=9, phase_ms=0, leader=5)
        for count in range(1, 4):
            at_ms = ticks_add(first_ms, count * PERIOD_MS // 1000 * (1_000_000 + ppm) // 1000)
            while ticks_diff(driver.schedule.next_at_ms(driver.now_ms), at_ms) < 0:
                driver.step()
            assert driver.schedule.is_open
            driver.now_ms = at_ms
            driver.schedule.on_time(at_ms, driver)
            driver.hear(node=9, phase_ms=0, leader=5)
        clock = driver.schedule.clock
        assert clock.leader == 5 and clock.is_leading() and abs(clock.drift_ppm - ppm) <= 60


def test_a_leader_tells_a_follower_that_strayed_and_stays():
    driver = leading()
    for _ in range(7):  # in which nobody whom it follows was heard: there is none
        driver.hear(node=9, phase_ms=0, leader=5)
        driver.run_to_sleep()
        driver.run_to_speak()
    at_ms = driver.schedule.clock.start_at_ms
    assert driver.hear(node=9, phase_ms=PERIOD_MS // 2, leader=5)  # which is answered
    assert driver.schedule.clock.start_at_ms == at_ms and driver.schedule.clock.is_leading()


def test_who_falls_silent_is_forgotten_without_a_jump():
    driver = Driver(node=50)
    driver.schedule.start(START_MS, driver)
    driver.now_ms = ticks_add(START_MS, 7_000)
    driver.hear(node=1, phase_ms=0)
    for _ in range(12):
        driver.run_to_speak()
        driver.run_to_sleep()
    assert driver.schedule.clock.leader == 50 and len(driver.spoken) >= 12
    for count in range(len(driver.spoken)):
        at_ms = ticks_add(START_MS, 7_000 + count * PERIOD_MS)
        assert driver.spoken[count] == at_ms


def test_phases_that_make_no_sense_are_left_alone():
    driver = leading()
    before = driver.schedule.clock.start_at_ms
    for period_ms, phase_ms in ((PERIOD_MS, -1), (PERIOD_MS, PERIOD_MS), (1000, 10), (0, 0)):
        assert not driver.schedule.on_neighbour_phase(driver.now_ms, 1, period_ms, phase_ms, 1)
    assert driver.schedule.clock.start_at_ms == before and driver.schedule.clock.leader == 5


def test_who_moves_visits_the_old_windows_for_a_while():
    driver = leading()
    at_ms = driver.now_ms
    driver.hear(node=9, phase_ms=0, leader=5)  # a follower
    assert driver.hear(node=2, phase_ms=PERIOD_MS // 2)
    for _ in range(40):
        driver.step()
    phases = [ticks_diff(spoken, at_ms) % PERIOD_MS for spoken in driver.spoken[1:]]
    half_ms = PERIOD_MS // 2
    assert phases[:9] == [half_ms, 0, half_ms, 0, half_ms, 0, half_ms, half_ms, half_ms]


def test_a_wake_goes_on_where_the_sleep_began():
    driver = Driver(node=50)
    driver.schedule.start(START_MS, driver)
    driver.now_ms = ticks_add(START_MS, 7_000)
    driver.hear(node=1, phase_ms=PERIOD_MS - 3)
    driver.run_to_speak()
    driver.run_to_sleep()
    driver.schedule.sleep(driver.now_ms, 0, False, True, driver)
    buffer = bytearray(Schedule.SNAPSHOT_BYTES + 2)
    assert driver.schedule.save_into(buffer, 1) == len(buffer) - 1
    woken = Driver(node=50)
    assert woken.schedule.load_from(buffer, 1) == len(buffer) - 1
    woken.now_ms = driver.now_ms = driver.sleeps[-1][0]
    woken.schedule.resume(woken.now_ms, woken)
    assert woken.radios == [False]
    assert woken.run_to_speak() == driver.run_to_speak()
    assert woken.schedule.clock.leader == 1


def test_no_step_takes_heap():
    driver, out = leading(), Effects()
    schedule, buffer = driver.schedule, bytearray(Schedule.SNAPSHOT_BYTES)
    at_ms = schedule.next_at_ms(driver.now_ms)
    with no_allocation():
        schedule.on_time(at_ms, out)
        schedule.on_frame(at_ms)
        schedule.on_sent(at_ms, 3)
        schedule.on_neighbour_phase(at_ms, 2, PERIOD_MS, PERIOD_MS - 1, 2)
        schedule.phase_ms(at_ms)
        schedule.sleep(at_ms, at_ms, False, True, out)
        schedule.save_into(buffer, 0)
        schedule.load_from(buffer, 0)
    assert schedule.clock.leader == 2
