"""Counters that lose nothing, figures in their order, and the last traceback in flash."""

from kernel import errors
from kernel.codec.frame import KIND_LAST
from kernel.errors import CAUSE_PANIC, CAUSE_POWER_ON, DROP_FULL, DROP_MALFORMED, DROP_REASONS
from kernel.health import meters
from kernel.health.facts import KIND_NAMES, RESET_NAMES, dropped, dropped_kinds, tell, traceback
from kernel.health.meters import Meters
from kernel.health.report import FIGURE_NAMES, FIGURES, KEY, Health
from kernel.limits import TRACEBACK_BYTES_MAX, TRACEBACK_KEEP_MS
from kernel.recovery.boots import boot, load
from kernel.recovery.safe_mode import CAUSES, SafeMode
from kernel.ticks import TICKS_PERIOD, ticks_add
from support.no_heap import out_of_heap
from support.script import MemoryTable, Script

try:
    from micropython import heap_lock, heap_unlock
except ImportError:  # CPython has no such lock: there the steps are merely run

    def heap_lock():
        """Stand in."""

    heap_unlock = heap_lock

START_MS = TICKS_PERIOD - 5_000


class BrokenTable(MemoryTable):
    """Fail at each call."""

    def get(self, key):
        """Fail."""
        raise OSError(5)

    put = get


def fields_of(health, recovery):
    """Return what is told of an agent's health."""
    fields = {}
    tell(health, recovery, fields.__setitem__)
    return fields


def test_each_reason_and_each_kind_has_a_name_and_a_counter_of_its_own():
    names = errors.DROP_NAMES.split("\n")
    assert len(names) == DROP_REASONS and len(set(names)) == DROP_REASONS
    assert len(KIND_NAMES.split("\n")) == KIND_LAST + 1
    for reason in range(1, DROP_REASONS):
        counters = Meters()
        counters.drop(reason, reason % (KIND_LAST + 1))
        assert dropped(counters) == {names[reason]: 1}
        assert list(dropped_kinds(counters).values()) == [1]
        others = meters.SENT, meters.RECEIVED, meters.APP_ERRORS, meters.TIMERS_MISSED
        assert not any(counters.counts[meter] for meter in others + (meters.UNDELIVERED,))


def test_a_drop_is_counted_by_reason_and_by_kind():
    counters = Meters()
    for kind in (0, 1, 1, KIND_LAST, KIND_LAST + 1, 255):
        counters.drop(DROP_FULL, kind)
    counters.drop(DROP_MALFORMED)
    assert dropped(counters) == {"full": 6, "malformed": 1}
    assert dropped_kinds(counters) == {"unknown": 4, "announce": 2, "fragment": 1} or KIND_LAST > 8


def test_counters_stop_at_their_bound():
    counters = Meters()
    for _ in range(4):
        counters.add(meters.SENT, (1 << 29) - 1)
    assert counters.counts[meters.SENT] == (1 << 30) - 1
    counters.kinds[3] = 0xFFFF
    counters.drop(DROP_FULL, 3)
    assert counters.kinds[3] == 0xFFFF


def test_counters_outlive_a_deep_sleep():
    counters = Meters()
    for index in range(len(counters.counts)):
        counters.add(index, (1 << 30) - 1 - 7 * index)
    for kind in range(KIND_LAST + 1):
        counters.drop(DROP_FULL, kind)
    buffer = bytearray(Meters.SNAPSHOT_BYTES + 1)
    heap_lock()
    after = counters.save_into(buffer, 1)
    heap_unlock()
    assert after == len(buffer) <= 113
    woken = Meters()
    assert woken.load_from(buffer, 1) == after
    assert list(woken.counts) == list(counters.counts)
    assert list(woken.kinds) == list(counters.kinds)


def test_counting_allocates_nothing():
    counters = Meters()
    heap_lock()
    counters.add(meters.SENT)
    counters.drop(DROP_FULL, 2)
    heap_unlock()
    assert counters.counts[meters.SENT] == 1


def test_figures_stand_in_the_order_of_their_names():
    names = FIGURE_NAMES.split("\n")
    assert len(names) == FIGURES and len(set(names)) == FIGURES
    assert len(RESET_NAMES.split("\n")) == CAUSES
    table = MemoryTable()
    table.wear = lambda: 321
    recovery = SafeMode(table)
    for cause in (CAUSE_POWER_ON, CAUSE_PANIC, CAUSE_PANIC, CAUSE_PANIC):
        boot(recovery, START_MS, cause, 0, Script())
        load(recovery, Script())
    health = Health(table)
    health.on_heap(5_000)
    health.on_heap(7_000)
    health.collect(recovery, table)
    fields = fields_of(health, recovery)
    assert fields["heap_free"] == 7_000 and fields["heap_free_min"] == 5_000
    assert fields["wear"] == 321 and fields["safe_mode"] == 1
    assert fields["last_reset"] == CAUSE_PANIC and fields["unclean_boots"] == 3
    assert fields["resets"] == {"power_on": 1, "panic": 3}
    assert [fields[name] for name in names] == health.figures
    assert fields["traceback"] == ""


def test_the_end_of_a_traceback_is_kept_over_a_reboot():
    table = MemoryTable()
    text = b"x" * 600 + b"\xc3ZeroDivisionError"
    assert Health(table).keep_traceback(START_MS, text)
    table.commit()
    assert table.values[KEY] == text[-TRACEBACK_BYTES_MAX:]
    again = Health(table)
    assert traceback(again.table).endswith("x?ZeroDivisionError")
    assert not again.keep_traceback(START_MS, text[-TRACEBACK_BYTES_MAX:]), (
        "the same is not written"
    )


def test_a_failing_handler_does_not_wear_the_flash():
    table, written = MemoryTable(), 0
    health = Health(table)
    for second in range(3 * TRACEBACK_KEEP_MS // 1_000):
        now_ms = ticks_add(START_MS, second * 1_000)
        written += health.keep_traceback(now_ms, b"error at %d" % second)
    assert written == 3 and traceback(health.table) == "error at %d" % (
        2 * TRACEBACK_KEEP_MS // 1_000
    )


def test_nor_does_one_that_fails_at_each_wake():
    table, written = MemoryTable(), 0
    health, buffer = Health(table), bytearray(Health.SNAPSHOT_BYTES + 1)
    health.on_heap(5_000)
    for wake in range(120):
        written += health.keep_traceback(ticks_add(START_MS, wake * 60_000), b"error %d" % wake)
        assert health.save_into(buffer, 1) == len(buffer)
        health = Health(table)
        assert health.load_from(buffer, 1) == len(buffer)
    assert written == 2
    assert fields_of(health, SafeMode(table))["heap_free_min"] == 5_000


def test_a_table_that_fails_costs_the_traceback_only():
    health = Health(BrokenTable())
    assert not health.keep_traceback(START_MS, b"text")
    assert traceback(health.table) == ""


def test_a_traceback_without_heap_for_it_ends_nothing():
    table = MemoryTable()
    health = Health(table)
    real, table.put = table.put, out_of_heap
    assert not health.keep_traceback(START_MS, b"text")
    table.put = real
    assert health.keep_traceback(START_MS, b"text")
