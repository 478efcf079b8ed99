"""When the application is left out: counted crashes, what is no crash, and the ways back."""

from kernel.errors import (
    CAUSE_BROWNOUT,
    CAUSE_DEEP_SLEEP,
    CAUSE_HARD_RESET,
    CAUSE_PANIC,
    CAUSE_POWER_ON,
    CAUSE_SOFT_RESET,
    CAUSE_WATCHDOG,
    EVENT_SAFE_MODE,
    EVENT_SAFE_MODE_LEFT,
    EVENT_STORE_DAMAGED,
    EVENT_STORE_FAILED,
)
from kernel.limits import HEALTHY_AWAKE_MS, HEALTHY_MS, UNCLEAN_BOOTS_MAX
from kernel.recovery import boots
from kernel.recovery.boots import KEY, SCORE_MAX, leave, load, stop
from kernel.recovery.safe_mode import SafeMode
from kernel.ticks import TICKS_PERIOD, ticks_add
from support.no_heap import Failing, out_of_heap
from support.script import MemoryTable, Script

START_MS = TICKS_PERIOD - 5_000
CRASHES = (CAUSE_WATCHDOG, CAUSE_PANIC, CAUSE_BROWNOUT)
ORDERLY = (CAUSE_DEEP_SLEEP, CAUSE_HARD_RESET, CAUSE_SOFT_RESET)
APP = 77


class FullTable(MemoryTable):
    """Be read, and written no more."""

    def commit(self):
        """Refuse."""
        raise OSError(28)


def boot(table, cause, now_ms=START_MS, application=APP, out=None):
    """Return the machine of one boot."""
    machine = SafeMode(table)
    out = out or Script()
    load(machine, out)
    boots.boot(machine, now_ms, cause, application, out)
    return machine


def crashed(count=UNCLEAN_BOOTS_MAX):
    """Return a table after a first boot and so many unclean ones."""
    table = MemoryTable()
    boot(table, CAUSE_POWER_ON)
    for _ in range(count):
        boot(table, CAUSE_PANIC)
    return table


def test_each_kind_of_crash_leads_to_safe_mode_and_not_one_too_early():
    for cause in CRASHES:
        table, out = MemoryTable(), Script()
        assert not boot(table, CAUSE_POWER_ON).is_safe
        for number in range(1, UNCLEAN_BOOTS_MAX + 1):
            machine = boot(table, cause, out=out)
            assert machine.is_safe == (number == UNCLEAN_BOOTS_MAX)
        assert out.reports == [(EVENT_SAFE_MODE, UNCLEAN_BOOTS_MAX)]
        assert machine.unclean == UNCLEAN_BOOTS_MAX == machine.resets[cause]
        assert machine.boots == 1 + UNCLEAN_BOOTS_MAX


def test_an_orderly_boot_is_held_against_nobody():
    table = crashed(UNCLEAN_BOOTS_MAX - 1)
    for _ in range(5):
        for cause in ORDERLY:
            assert not boot(table, cause).is_safe
    assert boot(table, CAUSE_WATCHDOG).is_safe, "nor does it make up for a crash"


def test_power_after_an_orderly_stop_is_held_against_nobody():
    table = MemoryTable()
    for _ in range(3 * SCORE_MAX):
        machine = boot(table, CAUSE_POWER_ON)
        assert not machine.is_safe and machine.score == 0
        stop(machine, Script())


def test_whatever_follows_an_orderly_stop_was_no_crash():
    # Somebody works at the prompt: what resets the board there is not the agent's doing.
    for cause in CRASHES:
        table = MemoryTable()
        for _ in range(UNCLEAN_BOOTS_MAX + 1):
            stop(boot(table, cause), Script())
        assert not boot(table, cause).is_safe


def test_pulled_plugs_weigh_a_quarter_each():
    table = MemoryTable()
    boots = 0
    while not boot(table, CAUSE_POWER_ON).is_safe:
        boots += 1
    assert boots == 4 * UNCLEAN_BOOTS_MAX, "the first power-on is none"


def test_a_healthy_span_forgets_and_a_shorter_one_does_not():
    for span_ms, left in ((HEALTHY_MS, 0), (HEALTHY_MS - 1, SCORE_MAX - 4)):
        table = crashed(UNCLEAN_BOOTS_MAX - 2)
        machine = boot(table, CAUSE_PANIC)
        assert machine.next_at_ms() == ticks_add(START_MS, HEALTHY_MS)
        commits = len(table.commits)
        machine.on_time(ticks_add(START_MS, span_ms), Script())
        assert machine.score == left and len(table.commits) - commits == (left == 0)
        assert boot(table, CAUSE_PANIC).is_safe == (left > 0)
    assert boot(MemoryTable(), CAUSE_POWER_ON).next_at_ms() == -1, "nothing to forget"


def asleep(machine, table):
    """Return the machine of a wake from deep sleep."""
    buffer = bytearray(SafeMode.SNAPSHOT_BYTES + 2)
    assert machine.save_into(buffer, 1) == SafeMode.SNAPSHOT_BYTES + 1
    woken = SafeMode(table)
    load(woken, Script())
    assert woken.load_from(buffer, 1) == SafeMode.SNAPSHOT_BYTES + 1
    return woken


def test_a_wake_believes_what_its_boot_decided_and_not_what_flash_still_knows():
    before = crashed(UNCLEAN_BOOTS_MAX - 1)
    calm = boot(MemoryTable(), CAUSE_POWER_ON)
    machine = boot(crashed(UNCLEAN_BOOTS_MAX - 1), CAUSE_PANIC)
    assert machine.is_safe and asleep(machine, before).is_safe, "flash forgot the last boot"
    assert not asleep(calm, machine._table).is_safe


def test_a_crash_right_after_each_long_sleep_is_no_healthy_span():
    table = crashed(0)
    for number in range(UNCLEAN_BOOTS_MAX):
        machine = boot(table, CAUSE_PANIC)
        assert machine.is_safe == (number == UNCLEAN_BOOTS_MAX - 1)
        woken = asleep(machine, table)
        woken.on_time(ticks_add(START_MS, 2 * HEALTHY_MS), Script())
        woken.on_time(ticks_add(START_MS, 2 * HEALTHY_MS + HEALTHY_AWAKE_MS - 1), Script())


def test_wakes_that_end_in_order_make_a_healthy_span():
    table = crashed(UNCLEAN_BOOTS_MAX - 1)
    machine = boot(table, CAUSE_SOFT_RESET)
    commits = len(table.commits)
    for wake in range(1, 20):
        now_ms = ticks_add(START_MS, wake * 60_000)
        machine = asleep(machine, table)
        machine.on_time(now_ms, Script())
        machine.before_sleep(now_ms, Script())
        assert (machine.score == 0) == (wake * 60_000 >= HEALTHY_MS)
    assert len(table.commits) == commits + 1 and machine.next_at_ms() == -1


def test_being_awake_long_enough_after_a_long_sleep_is_enough():
    machine = asleep(boot(crashed(1), CAUSE_SOFT_RESET), crashed(2))
    now_ms = ticks_add(START_MS, HEALTHY_MS)
    assert machine.next_at_ms() == now_ms
    machine.on_time(now_ms, Script())
    assert machine.score and machine.next_at_ms() == ticks_add(now_ms, HEALTHY_AWAKE_MS)
    machine.on_time(machine.next_at_ms(), Script())
    assert machine.score == 0


def test_safe_mode_stays_through_resets_and_crashes():
    table = crashed()
    for cause in CRASHES + ORDERLY:
        machine = boot(table, cause)
        assert machine.is_safe and machine.next_at_ms() == -1
        machine.on_time(ticks_add(START_MS, HEALTHY_MS), Script())
        assert machine.is_safe


def leave_by_power(table):
    """Leave safe mode as a person without tools does."""
    return boot(table, CAUSE_POWER_ON)


def leave_by_power_after_a_stop(table):
    """Leave it so after a look at the prompt."""
    stop(boot(table, CAUSE_SOFT_RESET), Script())
    return boot(table, CAUSE_POWER_ON)


def leave_by_application(table):
    """Leave it with a changed application."""
    return boot(table, CAUSE_SOFT_RESET, application=APP + 1)


def leave_by_command(table):
    """Leave it because somebody asks for it."""
    leave(boot(table, CAUSE_SOFT_RESET), Script())
    return boot(table, CAUSE_HARD_RESET)


WAYS_OUT = (
    leave_by_power,
    leave_by_power_after_a_stop,
    leave_by_application,
    leave_by_command,
)


def test_each_way_out_gives_one_try():
    for way in WAYS_OUT:
        table = crashed()
        assert not way(table).is_safe
        assert boot(table, CAUSE_WATCHDOG, application=0).is_safe, "one more crash leads back"


def test_each_way_out_gives_a_new_start_after_a_healthy_span():
    for way in WAYS_OUT:
        table = crashed()
        way(table).on_time(ticks_add(START_MS, HEALTHY_MS), Script())
        for _ in range(UNCLEAN_BOOTS_MAX - 1):
            assert not boot(table, CAUSE_WATCHDOG, application=0).is_safe


def test_leaving_is_told_once():
    table, out = crashed(), Script()
    machine = boot(table, CAUSE_POWER_ON, out=out)
    leave(machine, out)
    assert out.reports == [(EVENT_SAFE_MODE_LEFT, 0)]


def test_an_application_that_nobody_knows_changes_nothing():
    table = crashed()
    assert boot(table, CAUSE_SOFT_RESET, application=0).is_safe
    assert boot(table, CAUSE_SOFT_RESET).is_safe, "the last known one is kept"
    table = MemoryTable()
    for _ in range(1 + UNCLEAN_BOOTS_MAX):
        machine = boot(table, CAUSE_PANIC, application=0)
    assert machine.is_safe
    assert boot(table, CAUSE_SOFT_RESET).is_safe, "the first one that is known is no change"


def test_a_boot_commits_once_and_a_wake_never():
    table = MemoryTable()
    for cause in range(8):
        commits = len(table.commits)
        machine = boot(table, cause)
        assert len(table.commits) == commits + 1
    commits = len(table.commits)
    woken = asleep(machine, table)
    woken.on_time(START_MS, Script())
    woken.before_sleep(START_MS, Script())
    assert len(table.commits) == commits


def test_the_commit_of_a_boot_carries_what_is_staged():
    table = MemoryTable()
    table.put(b"crash", b"text")
    boot(table, CAUSE_PANIC)
    assert table.values[b"crash"] == b"text" and KEY in table.values


def test_a_table_that_fails_stops_no_boot():
    for cause, safe in ((CAUSE_POWER_ON, False), (CAUSE_SOFT_RESET, False), (CAUSE_PANIC, True)):
        table, out = MemoryTable(), Script()
        table.is_broken = True
        machine = boot(table, cause, out=out)
        assert machine.boots == 1
        assert machine.is_safe == safe, "without memory one crash is enough"
        assert out.reports[:2] == [(EVENT_STORE_FAILED, 0)] * 2
        stop(machine, out)
        leave(machine, out)


def test_a_record_that_could_not_be_read_is_not_written_over():
    table = crashed(UNCLEAN_BOOTS_MAX - 1)
    kept, out = table.values[KEY], Script()
    machine = SafeMode(table)
    table.is_broken = True
    load(machine, out)
    table.is_broken = False  # it can be read again a moment later
    table.put(b"crash", b"text")
    boots.boot(machine, START_MS, CAUSE_POWER_ON, APP, out)
    leave(machine, out)
    stop(machine, out)
    assert table.values[KEY] == kept and table.values[b"crash"] == b"text"
    assert out.reports == [(EVENT_STORE_FAILED, 0)] * 4, "each time somebody is told"
    assert boot(table, CAUSE_PANIC).is_safe, "the crashes before it still count"


def test_a_table_that_only_cannot_write_stops_no_boot_and_keeps_nothing_staged():
    table, out = FullTable(), Script()
    table.put(b"crash", b"text")
    machine = boot(table, CAUSE_PANIC, out=out)
    assert machine.boots == 1 and out.reports == [(EVENT_STORE_FAILED, 0)]
    assert table.get(b"crash") is None and table.get(KEY) is None


def test_a_damaged_record_starts_anew():
    for record in (b"", b"\x00" * 30, b"\x01" * 29, b"\xff" * 30):
        table, out = MemoryTable(), Script()
        table.values[KEY] = record
        machine = boot(table, CAUSE_PANIC, out=out)
        assert out.reports == [(EVENT_STORE_DAMAGED, 0)]
        assert machine.boots == 1 and machine.score == 4


def test_counts_stop_at_their_bound():
    table = crashed(1)
    record = bytearray(table.values[KEY])
    for index in list(range(4, 8)) + list(range(12, 30)):
        record[index] = 0xFF
    table.values[KEY] = bytes(record)
    machine = boot(table, CAUSE_PANIC)
    assert machine.boots == (1 << 30) - 1
    assert machine.unclean == machine.resets[CAUSE_PANIC] == 0xFFFF


def test_a_boot_without_heap_to_store_it_is_said():
    table, out = MemoryTable(), Script()
    boot(table, CAUSE_POWER_ON)
    table.commit = out_of_heap
    assert boot(table, CAUSE_PANIC, out=out).unclean == 1
    assert (EVENT_STORE_FAILED, 0) in out.reports


def test_without_heap_to_load_what_forgets_crashes_the_next_step_tries_again():
    table = MemoryTable()
    boot(table, CAUSE_POWER_ON)
    machine, out = boot(table, CAUSE_PANIC), Script()
    now_ms = ticks_add(START_MS, HEALTHY_MS)
    with Failing("__import__"):
        machine.on_time(now_ms, out)
    assert machine.score and machine.next_at_ms() >= 0
    machine.on_time(now_ms, out)
    assert not machine.score and machine.next_at_ms() < 0
