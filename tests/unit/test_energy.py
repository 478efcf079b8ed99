"""Charge is counted to the last nanoampere-hour, and a day's budget is never exceeded."""

from kernel.limits import QUOTA_ENERGY_NAH, Quotas
from kernel.power.energy import Energy, break_even_ms
from kernel.prng import Prng
from kernel.ticks import TICKS_PERIOD, ticks_add
from support.heap import no_allocation

ACTIVE, RX, TX, MODEM_SLEEP, LIGHT_SLEEP, DEEP_SLEEP = range(6)
CURRENTS_UA = (81_300, 95_000, 355_000, 47_600, 380, 8)
HOUR_MS = 3_600_000
START_MS = TICKS_PERIOD - 5_000


def test_an_hour_in_a_state_is_its_current():
    for state in (ACTIVE, RX, MODEM_SLEEP, LIGHT_SLEEP, DEEP_SLEEP):
        energy = Energy(CURRENTS_UA, 0, Quotas())
        energy.enter(START_MS, state)
        assert energy.enter(ticks_add(START_MS, HOUR_MS), ACTIVE) == CURRENTS_UA[state] * 1000
        assert energy.uah[state] == CURRENTS_UA[state] and energy.total_uah() == CURRENTS_UA[state]


def test_many_short_spans_add_up_to_one_long_span():
    energy, rng, now_ms = Energy(CURRENTS_UA, 0, Quotas()), Prng(7), START_MS
    energy.enter(now_ms, LIGHT_SLEEP)
    nah, span_ms = 0, 0
    for _ in range(2000):
        step_ms = rng.below(700)
        span_ms += step_ms
        now_ms = ticks_add(now_ms, step_ms)
        nah += energy.enter(now_ms, LIGHT_SLEEP)
    assert nah == CURRENTS_UA[LIGHT_SLEEP] * span_ms // 3_600
    assert energy.uah[LIGHT_SLEEP] == nah // 1000


def test_three_days_of_one_state_stay_a_small_number():
    energy = Energy((420_000,) * 6, 0, Quotas())
    assert energy.enter(0, ACTIVE) == 0
    span_ms = (1 << 28) - 1
    energy.enter(span_ms, ACTIVE)
    assert energy.uah[ACTIVE] == 420_000 * span_ms // HOUR_MS


def test_a_clock_that_went_back_charges_nothing():
    energy = Energy(CURRENTS_UA, 0, Quotas())
    assert energy.enter(START_MS, RX) == 0  # nor does the time before the first call
    assert energy.enter(START_MS - 600, RX) == 0 and energy.total_uah() == 0


def test_a_frame_costs_its_air_time():
    energy = Energy(CURRENTS_UA, 0, Quotas())
    energy.enter(0, RX)
    # 250 bytes: 192 us and 8 us for each of 293 bytes, at 355 mA; 95 mA of it are charged anyway.
    assert energy.send_nah(250) == 1 + 355_000 * 2_536 // 3_600_000
    before = energy.total_uah()
    nah = 0
    for _ in range(1000):
        nah += energy.sent(250)
    assert abs(nah - (355_000 - 95_000) * 2_536 // 3_600) <= 1000
    assert energy.uah[TX] == nah // 1000 and energy.total_uah() == before + nah // 1000


def test_the_work_of_a_step_that_ends_asleep_is_no_sleep():
    for state in (LIGHT_SLEEP, DEEP_SLEEP):
        quotas = Quotas()
        energy = Energy(CURRENTS_UA, 2_000_000, quotas)
        full_nah = quotas.level(HOUR_MS, QUOTA_ENERGY_NAH)
        energy.begin(HOUR_MS, state)
        energy.worked(HOUR_MS, 900_000)
        assert energy.uah[ACTIVE] == CURRENTS_UA[ACTIVE] // 4 and energy.uah[state] == 0
        left_nah = quotas.level(HOUR_MS + 900_000, QUOTA_ENERGY_NAH)
        assert full_nah - left_nah == CURRENTS_UA[ACTIVE] * 1000 // 4
        energy.enter(2 * HOUR_MS + 900_000, ACTIVE)
        assert energy.uah[state] == CURRENTS_UA[state]
        assert energy.total_uah() == CURRENTS_UA[ACTIVE] // 4 + CURRENTS_UA[state]


def test_the_work_of_who_stays_awake_is_charged_once():
    for state in (ACTIVE, RX):
        energy = Energy(CURRENTS_UA, 0, Quotas())
        energy.enter(0, state)
        energy.worked(0, HOUR_MS)
        energy.worked(HOUR_MS, HOUR_MS)
        energy.enter(2 * HOUR_MS, LIGHT_SLEEP)
        assert energy.total_uah() == energy.uah[state] == 2 * CURRENTS_UA[state]


def test_who_was_woken_and_stays_awake_sleeps_no_longer():
    energy = Energy(CURRENTS_UA, 0, Quotas())
    energy.enter(0, LIGHT_SLEEP)
    energy.worked(0, 0)
    energy.worked(HOUR_MS, 100)  # this step did not end asleep
    energy.worked(2 * HOUR_MS, 100)
    energy.enter(3 * HOUR_MS, LIGHT_SLEEP)
    assert energy.uah[LIGHT_SLEEP] == CURRENTS_UA[LIGHT_SLEEP]
    assert energy.uah[ACTIVE] == 2 * CURRENTS_UA[ACTIVE]


def granted_per_step(uah_per_day, seed, control_nah_max):
    """Ask for more than there is for three days; return what was granted at each instant.

    Shape: (instant, cost, whether it is what an agent must say); that is never refused.
    """
    energy, rng, now_ms, at_ms = Energy(CURRENTS_UA, uah_per_day, Quotas()), Prng(seed), 0, 0
    granted = []
    while at_ms < 3 * 24 * HOUR_MS:
        is_control = rng.below(2) == 0
        cost_nah = 1 + rng.below(control_nah_max if is_control else uah_per_day * 20)
        is_granted = energy.afford(now_ms, cost_nah, is_control)
        assert is_granted or not is_control
        if is_granted:
            granted.append((at_ms, cost_nah, is_control))
        step_ms = rng.below(1_200_000)
        now_ms, at_ms = ticks_add(now_ms, step_ms), at_ms + step_ms
    return granted


def most_per_day(granted):
    """Return the most that was granted within a day that begins with a grant."""
    return max([
        sum([cost for at_ms, cost, _ in granted if 0 <= at_ms - first_ms < 24 * HOUR_MS])
        for first_ms, _, _ in granted
    ])  # fmt: skip


def test_no_day_grants_more_than_its_budget_whenever_it_begins():
    for uah_per_day in (24, 1000, 20_000):
        control_nah_max = uah_per_day  # what an hour says fits its reserve
        granted = granted_per_step(uah_per_day, uah_per_day, control_nah_max)
        assert granted and granted == granted_per_step(uah_per_day, uah_per_day, control_nah_max)
        assert most_per_day(granted) <= uah_per_day * 1000
        assert sum([cost for _, cost, _ in granted]) > uah_per_day * 1000


def test_no_day_grants_the_application_more_than_its_budget_whatever_must_be_said():
    for uah_per_day in (24, 1000, 20_000):
        granted = granted_per_step(uah_per_day, uah_per_day, uah_per_day * 20)
        asked_for = [row for row in granted if not row[2]]
        assert asked_for and most_per_day(asked_for) <= uah_per_day * 1000


def test_the_reserve_is_for_what_must_be_said():
    quotas = Quotas()
    energy = Energy(CURRENTS_UA, 25_000, quotas)  # 1 mAh per hour
    spent = 0
    while energy.afford(0, 10_000):
        spent += 10_000
    assert 700_000 < spent <= 750_000
    assert not energy.afford(0, 10_000)
    left_nah = quotas.level(0, QUOTA_ENERGY_NAH)
    assert 240_000 < left_nah < 260_000
    assert energy.afford(0, 10_000, is_control=True)
    assert quotas.level(0, QUOTA_ENERGY_NAH) == left_nah - 10_000


def test_what_must_be_said_is_never_refused_and_paid_back_by_the_application():
    energy = Energy(CURRENTS_UA, 25_000, Quotas())
    for _ in range(300):  # 3 mAh: two hours of debt
        assert energy.afford(0, 10_000, is_control=True)
    afforded = [energy.afford(hour * HOUR_MS, 1) for hour in range(5)]
    assert afforded == [False, False, False, True, True]


def test_what_is_used_unasked_is_paid_back_before_the_application_is_granted_anything():
    energy = Energy(CURRENTS_UA, 25_000, Quotas())
    energy.enter(0, RX)
    now_ms = 2 * 60_000
    energy.enter(now_ms, LIGHT_SLEEP)  # 3.2 mAh of listening: two hours of debt
    assert energy.afford(now_ms, 1, is_control=True)
    afforded = [energy.afford(now_ms + hour * HOUR_MS, 1) for hour in range(4)]
    assert afforded == [False, False, False, True]


def test_without_a_budget_all_is_granted():
    for energy in (Energy(CURRENTS_UA, 0, Quotas()), Energy((0,) * 6, 0, Quotas())):
        for _ in range(100):
            assert energy.afford(0, 1_000_000)


def test_a_boot_pays_only_after_a_while():
    assert break_even_ms(CURRENTS_UA) == 81_300 * 420 // 372
    assert break_even_ms((0,) * 6) == 0
    assert break_even_ms((81_300, 0, 0, 0, 8, 8)) == 0


def test_a_wake_goes_on_with_the_account():
    energy = Energy(CURRENTS_UA, 0, Quotas())
    energy.enter(0, RX)
    energy.enter(HOUR_MS + 1, DEEP_SLEEP)
    buffer = bytearray(Energy.SNAPSHOT_BYTES)
    assert energy.save_into(buffer, 0) == len(buffer)
    woken = Energy(CURRENTS_UA, 0, Quotas())
    assert woken.load_from(buffer, 0) == len(buffer)
    for account in (energy, woken):
        account.enter(3 * HOUR_MS + 7, ACTIVE)
    assert list(woken.uah) == list(energy.uah) and woken.uah[RX] == 95_000
    assert woken.uah[DEEP_SLEEP] == 2 * CURRENTS_UA[DEEP_SLEEP]


def test_accounting_takes_no_heap():
    energy, buffer = Energy(CURRENTS_UA, 25_000, Quotas()), bytearray(Energy.SNAPSHOT_BYTES)
    energy.enter(0, ACTIVE)
    with no_allocation():
        energy.enter(HOUR_MS, RX)
        energy.sent(250)
        energy.afford(HOUR_MS, 100)
        energy.enter(HOUR_MS, LIGHT_SLEEP)
        energy.worked(HOUR_MS, 10)
        energy.save_into(buffer, 0)
        energy.load_from(buffer, 0)
    assert energy.total_uah() == 81_300
