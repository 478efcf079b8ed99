"""A battery steps an agent down and up again, one mode at a time and never by one reading."""

from kernel.power.modes import (
    COLUMNS,
    HYSTERESIS_MV,
    MODE_CRITICAL,
    MODE_DORMANT,
    MODE_NAMES,
    MODE_NORMAL,
    MODE_SAVING,
    READINGS_MIN,
    TABLE,
    Modes,
)

SAVING_MV, CRITICAL_MV, DORMANT_MV = 3600, 3400, 3200


def started(first_mv=4000):
    """Return modes that had their first reading."""
    modes = Modes(SAVING_MV, CRITICAL_MV, DORMANT_MV)
    modes.on_battery(first_mv)
    return modes


def read(modes, mv, count=READINGS_MIN):
    """Take the same reading some times; return the mode."""
    for _ in range(count):
        modes.on_battery(mv)
    return modes.mode


def test_every_mode_goes_one_step_down_and_up():
    modes = started()
    walk = [read(modes, mv) for mv in (3500, 3300, 3100)]
    assert walk == [MODE_SAVING, MODE_CRITICAL, MODE_DORMANT]
    walk = [read(modes, mv) for mv in (3300, 3500, 3700)]
    assert walk == [MODE_CRITICAL, MODE_SAVING, MODE_NORMAL]


def test_an_empty_battery_takes_a_step_for_each_three_readings():
    modes = started()
    assert [read(modes, 3000) for _ in range(4)] == [1, 2, 3, 3]


def test_one_reading_less_changes_nothing():
    modes = started()
    for _ in range(5):
        assert read(modes, 3500, READINGS_MIN - 1) == MODE_NORMAL
        assert read(modes, 4000, 1) == MODE_NORMAL


def test_readings_that_disagree_begin_to_count_anew():
    modes = started()
    read(modes, 3500)
    read(modes, 4000, READINGS_MIN - 1)
    assert read(modes, 3300, READINGS_MIN - 1) == MODE_SAVING
    assert read(modes, 3300, 1) == MODE_CRITICAL


def test_the_voltage_that_enters_a_mode_does_not_leave_it():
    modes = started()
    assert read(modes, SAVING_MV) == MODE_NORMAL
    assert read(modes, SAVING_MV - 1) == MODE_SAVING
    assert read(modes, SAVING_MV + HYSTERESIS_MV - 1, 50) == MODE_SAVING
    assert read(modes, SAVING_MV + HYSTERESIS_MV) == MODE_NORMAL


def test_the_first_reading_decides_at_once():
    assert [started(mv).mode for mv in (3600, 3599, 3399, 3199)] == [0, 1, 2, 3]


def test_a_board_without_a_battery_stays_normal():
    modes = Modes(0, 0, 0)
    assert not any([modes.on_battery(mv) for mv in (0, 0, 1, 3000, 0)])
    assert modes.mode == MODE_NORMAL and modes.has_radio and modes.period_factor == 1


def test_a_single_threshold_is_enough_and_a_wrong_order_does_no_harm():
    modes = Modes(0, 0, DORMANT_MV)
    modes.on_battery(4000)
    assert [read(modes, 3100) for _ in range(3)] == [1, 2, 3]
    assert [read(modes, 4000) for _ in range(3)] == [2, 1, 0]
    modes = Modes(3000, 3300, 3600)
    modes.on_battery(3500)
    assert modes.mode == MODE_DORMANT and read(modes, 3500, 20) == MODE_DORMANT


def test_the_attributes_are_those_of_the_mode():
    modes = started()
    for mode in (MODE_SAVING, MODE_CRITICAL, MODE_DORMANT):
        assert read(modes, 3000) == mode
        row = [modes.period_factor, modes.has_radio, modes.has_timers, modes.has_search]
        assert row == list(TABLE)[mode * COLUMNS + 2 : (mode + 1) * COLUMNS]
    assert not modes.has_radio and not modes.has_timers


def test_the_tables_are_whole():
    count = len(MODE_NAMES.split())
    assert len(TABLE) == count * COLUMNS
    for mode in range(count):
        assert TABLE[mode * COLUMNS] == min(mode + 1, count - 1)
        assert TABLE[mode * COLUMNS + 1] == max(mode - 1, 0)


def test_a_wake_goes_on_with_the_mode_and_the_count():
    modes = started()
    read(modes, 3500)
    read(modes, 3300, READINGS_MIN - 1)
    buffer = bytearray(20)
    assert modes.save_into(buffer, 3) == 3 + Modes.SNAPSHOT_BYTES
    woken = Modes(SAVING_MV, CRITICAL_MV, DORMANT_MV)
    assert woken.load_from(buffer, 3) == 3 + Modes.SNAPSHOT_BYTES
    assert woken.mode == MODE_SAVING and woken.period_factor == 2
    assert read(woken, 3300, 1) == MODE_CRITICAL
