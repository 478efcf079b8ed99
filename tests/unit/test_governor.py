"""What is paid for each effect, to the nanoampere-hour, and who is told no."""

from kernel.codec import frame
from kernel.config import Config
from kernel.effects import SLEEP_DEEP, SLEEP_LIGHT
from kernel.errors import DROP_ENERGY, DROP_NAMES, DROP_QUOTA, EVENT_POWER_MODE
from kernel.governor import Governor
from kernel.health import meters
from kernel.health.facts import dropped, dropped_kinds
from kernel.limits import (
    FRAME_BYTES_MAX,
    HEADER_BYTES,
    QUOTA_AIR_MS,
    QUOTA_ALARMS,
    QUOTA_CPU_MS,
    QUOTA_ENERGY_NAH,
    QUOTA_FLASH_BYTES,
    QUOTA_OUT,
)
from kernel.mesh.neighbours import Neighbours
from kernel.power.modes import MODE_SAVING
from kernel.ticks import TICKS_PERIOD, ticks_add
from support.script import Script

HOUR_MS = 3_600_000
START_MS = TICKS_PERIOD - 5_000
ACTIVE, RX, TX, MODEM_SLEEP, LIGHT_SLEEP, DEEP_SLEEP = range(6)
CURRENTS = {
    "active": 80_000,
    "wifi_rx": 95_000,
    "wifi_tx": 355_000,
    "light_sleep": 380,
    "deep_sleep": 8,
}


def governor(budget_uah_per_day=0, currents=CURRENTS, **settings):
    """Return a governor whose account begins now, awake without radio."""
    config = Config()
    config.take_currents(currents)
    settings["budget_uah_per_day"] = budget_uah_per_day
    config.take(settings)
    made = Governor(config, meters.Meters(), Neighbours())
    made.out = Script()
    made.now_ms = START_MS
    made.begin(False)
    return made


def pass_time(made, span_ms):
    """Let time pass."""
    made.now_ms = ticks_add(made.now_ms, span_ms)


def used(made):
    """Return what each state has used. Units: uAh."""
    return list(made.energy.uah)


def made_frame(kind, target=frame.BROADCAST, length=FRAME_BYTES_MAX):
    """Return the bytes of a frame."""
    data = bytearray(length)
    frame.write_header(data, kind, 7, 5, target, 1)
    return data


def test_currents_are_those_of_the_states():
    assert list(governor().energy._currents_ua) == [80_000, 95_000, 355_000, 0, 380, 8]


def test_time_is_charged_to_what_the_radio_does():
    for is_on, state in ((True, RX), (False, ACTIVE)):
        made = governor()
        made.begin(is_on)
        pass_time(made, HOUR_MS)
        made.settle(not is_on)  # what comes next
        assert used(made)[state] == made.energy.total_uah() == (95_000 if is_on else 80_000)
        pass_time(made, HOUR_MS)
        made.settle(is_on)
        assert used(made)[ACTIVE] == 80_000 and used(made)[RX] == 95_000


def test_a_switch_of_the_radio_is_charged_and_handed_on():
    made = governor()
    pass_time(made, HOUR_MS)
    made.radio(True)
    assert made.out.radios == [True] and used(made)[ACTIVE] == 80_000
    pass_time(made, HOUR_MS)
    made.radio(False)
    pass_time(made, HOUR_MS)
    made.settle(False)
    assert made.out.radios == [True, False]
    assert used(made)[ACTIVE] == 160_000 and used(made)[RX] == 95_000


def test_sleep_is_charged_by_its_depth():
    for depth, state, current_ua in (
        (SLEEP_LIGHT, LIGHT_SLEEP, 380),
        (SLEEP_DEEP, DEEP_SLEEP, 8),
    ):
        made = governor()
        pass_time(made, HOUR_MS)
        made.sleep(77, depth)
        assert made.out.sleeps == [(77, depth)] and made.energy.total_uah() == 80_000
        pass_time(made, 10 * HOUR_MS)
        made.settle(False)
        assert used(made)[state] == 10 * current_ua and used(made)[ACTIVE] == 80_000


def test_a_wake_charges_the_sleep_and_the_boot_apart():
    made = governor()
    made.sleep(0, SLEEP_DEEP)
    pass_time(made, 10 * HOUR_MS)
    made.wake(HOUR_MS)
    assert used(made)[DEEP_SLEEP] == 9 * 8 and used(made)[ACTIVE] == 80_000
    pass_time(made, HOUR_MS)
    made.settle(True)  # it woke without radio
    assert used(made)[ACTIVE] == 160_000 and used(made)[RX] == 0


def test_the_time_of_a_step_is_taken_from_the_handlers_and_charged_as_work():
    made = governor()
    full_ms = made.quotas.level(START_MS, QUOTA_CPU_MS)
    made.on_spent(45_000)
    assert full_ms - made.quotas.level(START_MS, QUOTA_CPU_MS) == 45_000
    assert made.energy.total_uah() == 0  # awake: charged when that ends
    made.sleep(0, SLEEP_LIGHT)
    made.on_spent(45_000)
    assert used(made)[ACTIVE] == 1_000 and used(made)[LIGHT_SLEEP] == 0


def test_a_long_step_fills_no_bucket_twice():
    made = governor()
    made.quotas.limit(QUOTA_ALARMS, 3_600, 3_600)
    made.quotas.charge(START_MS, QUOTA_ALARMS, 3_599)
    made.sleep(0, SLEEP_LIGHT)
    made.on_spent(5_000)
    assert made.quotas.level(ticks_add(START_MS, 5_000), QUOTA_ALARMS) == 5


def test_a_mode_is_new_until_it_was_told():
    made = governor(saving_mv=3_600)
    assert not made.on_battery(0) and made.battery_mv == 0 and not made.is_mode_new
    assert not made.on_battery(3_600) and not made.is_mode_new
    for _ in range(2):
        assert not made.on_battery(3_599)
    assert made.on_battery(3_598) and made.is_mode_new and made.battery_mv == 3_598
    made.report()
    assert made.out.reports == [(EVENT_POWER_MODE, MODE_SAVING)] and not made.is_mode_new


def test_handlers_run_while_there_is_time_and_flash_for_what_they_write():
    made = governor()
    assert made.may_run(False) and made.may_run(True) and made.may_write()
    made.quotas.limit(QUOTA_FLASH_BYTES, 1_000, 3_600)
    made.on_written(made.quotas.level(START_MS, QUOTA_FLASH_BYTES))
    assert made.quotas.level(START_MS, QUOTA_FLASH_BYTES) == 0  # none left, and no debt
    assert made.may_run(False) and not made.may_run(True) and not made.may_write()
    made = governor()
    made.quotas.charge(START_MS, QUOTA_CPU_MS, made.quotas.level(START_MS, QUOTA_CPU_MS))
    assert not made.may_run(False) and not made.may_run(True)
    made = governor(dormant_mv=3_000)
    made.on_battery(2_900)
    assert not made.may_run(False)


def test_others_keep_the_radio_on_while_the_hour_has_energy():
    made = governor(25_000)
    left_nah = made.quotas.level(START_MS, QUOTA_ENERGY_NAH)
    made.quotas.charge(START_MS, QUOTA_ENERGY_NAH, left_nah - 1)
    assert made.may_listen()
    made.quotas.charge(START_MS, QUOTA_ENERGY_NAH, 1)
    assert not made.may_listen()


def test_an_application_that_cannot_pay_is_told_and_it_is_counted_by_kind():
    made = governor(25_000)
    cost_nah = made.energy.send_nah(FRAME_BYTES_MAX)
    before_nah = made.quotas.level(START_MS, QUOTA_ENERGY_NAH)
    assert made.can_say(frame.KIND_REQUEST)
    assert before_nah - made.quotas.level(START_MS, QUOTA_ENERGY_NAH) == cost_nah
    made.quotas.charge(START_MS, QUOTA_ENERGY_NAH, before_nah)
    assert not made.can_say(frame.KIND_REQUEST)
    assert dropped(made._meters) == {DROP_NAMES.split("\n")[DROP_ENERGY]: 1}
    assert dropped_kinds(made._meters) == {"request": 1}


def test_alarms_have_a_bound():
    made = governor()
    bound = made.quotas.level(START_MS, QUOTA_ALARMS)
    for number in range(bound + 5):
        made.alarm(3, number)
    assert made.out.reports == [(3, number) for number in range(bound)]
    assert made.quotas.refused[QUOTA_ALARMS] == 5


def test_a_frame_that_leaves_is_counted_and_paid_by_its_length():
    for length, air_ms in ((HEADER_BYTES, 1), (124, 1), (125, 2), (249, 2), (250, 3)):
        made = governor()
        before = [made.quotas.level(START_MS, kind) for kind in (QUOTA_AIR_MS, QUOTA_OUT)]
        data = made_frame(frame.KIND_PONG, 77, max(length, HEADER_BYTES))
        assert made.send(2, data, length)
        after = [made.quotas.level(START_MS, kind) for kind in (QUOTA_AIR_MS, QUOTA_OUT)]
        assert [old - new for old, new in zip(before, after)] == [air_ms, 1]
        assert made.out.links == [2] and made.out.frames == [bytes(data)]
        assert made._meters.counts[meters.SENT] == 1
        air_us = 192 + 8 * (43 + length)
        assert made.energy.rest_nc[TX] == (355_000 - 80_000) * air_us // 1_000


def test_what_goes_to_a_neighbour_draws_on_its_share():
    made = governor()
    row = made._neighbours.hear(START_MS, 77, 0)
    before = [made.quotas.level(START_MS, kind) for kind in (QUOTA_AIR_MS, QUOTA_OUT)]
    assert made.send(0, made_frame(frame.KIND_PONG, 77), FRAME_BYTES_MAX)
    assert before == [made.quotas.level(START_MS, kind) for kind in (QUOTA_AIR_MS, QUOTA_OUT)]
    assert row == 0


def test_a_frame_without_air_or_number_is_dropped_and_counted():
    for kind in (QUOTA_AIR_MS, QUOTA_OUT):
        made = governor()
        made.quotas.charge(START_MS, kind, made.quotas.level(START_MS, kind))
        assert not made.send(0, made_frame(frame.KIND_PONG), FRAME_BYTES_MAX)
        assert dropped(made._meters) == {DROP_NAMES.split("\n")[DROP_QUOTA]: 1}
        assert dropped_kinds(made._meters) == {"pong": 1}
        assert made.out.frames == [] and not made._meters.counts[meters.SENT]


def spent_by(kind, is_known=True, has_energy=True):
    """Return whether a frame of a kind leaves, and what it takes from the day. Units: nAh."""
    made = governor(25_000, CURRENTS if is_known else {})
    left_nah = made.quotas.level(START_MS, QUOTA_ENERGY_NAH)
    if not has_energy:
        made.quotas.charge(START_MS, QUOTA_ENERGY_NAH, left_nah)
    before_nah = made.quotas.level(START_MS, QUOTA_ENERGY_NAH)
    is_sent = made.send(0, made_frame(kind), FRAME_BYTES_MAX)
    assert is_sent == bool(made.out.frames)
    if not is_sent:
        assert dropped(made._meters) == {DROP_NAMES.split("\n")[DROP_ENERGY]: 1}
        assert len(dropped_kinds(made._meters)) == 1 and not made.energy.rest_nc[TX]
    elif is_known:
        assert made.energy.rest_nc[TX] > 0
    return is_sent, before_nah - made.quotas.level(START_MS, QUOTA_ENERGY_NAH)


def test_what_an_agent_must_say_is_charged_and_what_was_asked_for_was_paid_before():
    cost_nah = 1 + 355_000 * 2_536 // 1_000 // 3_600
    for kind in (frame.KIND_ANNOUNCE, frame.KIND_TELEMETRY):
        assert spent_by(kind) == (True, cost_nah)
        assert spent_by(kind, has_energy=False) == (True, cost_nah)
    for kind in (frame.KIND_MESSAGE, frame.KIND_REQUEST):
        assert spent_by(kind) == spent_by(kind, has_energy=False) == (True, 0)
    for kind in (frame.KIND_PONG, frame.KIND_RESPONSE, frame.KIND_FRAGMENT):
        assert spent_by(kind) == (True, cost_nah)
        assert spent_by(kind, has_energy=False) == (False, 0)
        assert spent_by(kind, is_known=False, has_energy=False) == (True, 0)
