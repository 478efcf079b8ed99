"""Each machine's section of the snapshot: every field comes back, none in another's place."""

from kernel.errors import CAUSE_DEEP_SLEEP
from kernel.fields import read_signed, read_word, write_word
from kernel.health.meters import Meters
from kernel.health.report import FIGURES, Health
from kernel.limits import QUOTA_ENERGY_NAH, QUOTA_IN, QUOTA_KINDS, Quotas
from kernel.mesh.neighbours import Neighbours
from kernel.power.energy import Energy
from kernel.power.modes import MODE_CRITICAL, Modes
from kernel.power.schedule import Schedule
from kernel.prng import Prng
from kernel.recovery.safe_mode import SafeMode
from kernel.timers import TIMER_EXPIRE, TIMER_STATE, Timers
from support.pair import START_MS, Node
from support.script import MemoryTable, Script

BEFORE = 5  # bytes in front of the section, as of the machines before
BEHIND = 3
UNTOUCHED = b"\xa5"


def passed_on(saved, fresh):
    """Let one machine remember what another one saved, and nothing outside of its section."""
    size = saved.SNAPSHOT_BYTES
    buffer = bytearray(UNTOUCHED * (BEFORE + size + BEHIND))
    assert saved.save_into(buffer, BEFORE) == BEFORE + size
    assert buffer[:BEFORE] == UNTOUCHED * BEFORE
    assert buffer[BEFORE + size :] == UNTOUCHED * BEHIND
    assert fresh.load_from(buffer, BEFORE) == BEFORE + size
    again = bytearray(UNTOUCHED * (BEFORE + size + BEHIND))
    fresh.save_into(again, BEFORE)
    assert again == buffer
    return fresh


def fill(machine, names, first=0x12345678):
    """Give each field a number of its own, with all four bytes different."""
    for index, name in enumerate(names):
        assert hasattr(machine, name), name
        setattr(machine, name, first - index * 0x01020304)


def held(machine, names):
    """Return what the fields hold."""
    return [getattr(machine, name) for name in names]


def test_words_are_written_whole_and_read_with_their_sign():
    buffer = bytearray(b"\xff" * 6)
    assert write_word(buffer, 1, 0x3BA9CDEF) == 5
    assert bytes(buffer) == b"\xff\x3b\xa9\xcd\xef\xff"
    assert read_word(buffer, 1) == 0x3BA9CDEF
    assert read_word(b"\xff" * 4, 0) == 0x3FFFFFFF  # whatever stands there: 30 bits
    for value in (0, 1, -1, 255, 256, -256, 65_536, -65_537, (1 << 29) - 1, -(1 << 29)):
        write_word(buffer, 1, value)
        assert read_signed(buffer, 1) == value


def test_the_schedule():
    words = ["_old_at_ms", "_old_count", "_search_every", "listen_ms", "_asleep_until_ms"]
    words += ["boot_ms", "_radio_ms"]
    clock_words = ["start_at_ms", "leader", "_error_ms", "_since", "_silent"]
    schedule = Schedule(5, Prng(5), 60_000, 0, 0)
    fill(schedule, words)
    fill(schedule.clock, clock_words, 0x1FEDCBA9)
    for search_in, drift_ppm, carry, is_fresh in ((7, -9_876, 0x0ABCDE, 2), (-70_000, 5, 3, 1)):
        schedule._search_in = search_in
        schedule.clock.drift_ppm, schedule.clock._carry = drift_ppm, carry
        schedule.clock.is_fresh = is_fresh
        fresh = Schedule(5, Prng(5), 60_000, 0, 0)
        fresh.clock.is_lost = True
        passed_on(schedule, fresh)
        assert held(fresh, words) == held(schedule, words)
        assert held(fresh.clock, clock_words) == held(schedule.clock, clock_words)
        assert fresh._search_in == search_in and fresh.clock.drift_ppm == drift_ppm
        assert fresh.clock._carry == carry and fresh.clock.is_fresh == is_fresh
        assert not fresh.clock.is_lost


def test_the_account_of_energy():
    energy = Energy((1, 2, 3, 4, 5, 6), 0, Quotas())
    for state in range(6):
        energy.uah[state] = 0x12345678 - state * 0x01010101
        energy.rest_nc[state] = 3_599_999 - state * 70_001
    energy._state, energy._since_ms = 4, 0x1ABCDEF9
    fresh = passed_on(energy, Energy((1, 2, 3, 4, 5, 6), 0, Quotas()))
    assert fresh.uah == energy.uah and fresh.rest_nc == energy.rest_nc
    assert fresh._state == 4 and fresh._since_ms == 0x1ABCDEF9


def test_quotas_and_shares_that_begin_empty():
    quotas = Quotas()
    quotas.limit(QUOTA_ENERGY_NAH, 900_000, 900_000)
    quotas._at_ms = 0x1ABCDEF9
    for kind in range(QUOTA_KINDS):
        quotas._levels[kind] = 17 + kind if kind % 2 else -0x01234567 - kind
        quotas._rest[kind] = 3_599 - kind
        quotas.refused[kind] = 0x12345678 - kind * 0x01010101
    fresh = Quotas()
    fresh.limit(QUOTA_ENERGY_NAH, 900_000, 900_000)
    assert fresh.take(START_MS, QUOTA_IN, 1, 3)  # from a share
    passed_on(quotas, fresh)
    assert fresh._at_ms == 0x1ABCDEF9 and fresh.refused == quotas.refused
    assert fresh._levels[:QUOTA_KINDS] == quotas._levels[:QUOTA_KINDS]
    assert fresh._rest[:QUOTA_KINDS] == quotas._rest[:QUOTA_KINDS]
    assert not any(fresh._levels[QUOTA_KINDS:]) and not any(fresh._taken)


def test_a_level_above_todays_bounds_is_cut_to_them():
    quotas, fresh = Quotas(), Quotas()
    fresh.limit(QUOTA_IN, 10, 3_600)
    buffer = bytearray(Quotas.SNAPSHOT_BYTES)
    quotas.save_into(buffer, 0)
    fresh.load_from(buffer, 0)
    assert fresh.level(0, QUOTA_IN) == 9


def test_counters():
    meters = Meters()
    for index in range(len(meters.counts)):
        meters.counts[index] = 0x12345678 - index * 0x01010101 % 0x12345678
    for index in range(len(meters.kinds)):
        meters.kinds[index] = 0xFEDC - index * 0x0101
    fresh = passed_on(meters, Meters())
    assert fresh.counts == meters.counts and fresh.kinds == meters.kinds


def test_modes_with_what_follows_from_them():
    for count in (-2, 2):
        modes = Modes(3_600, 3_400, 3_300)
        modes._go(MODE_CRITICAL)
        modes._wanted_count = count
        fresh = passed_on(modes, Modes(3_600, 3_400, 3_300))
        assert fresh.mode == MODE_CRITICAL and fresh._wanted_count == count
        assert fresh.period_factor == 8 and not fresh.has_timers and fresh.has_radio
        assert not fresh.on_battery(3_000) or count == -2  # it is no first reading


def test_timers():
    timers = Timers()
    for timer_id in range(20):
        timers.set(timer_id, 0x1FEDCBA9 - timer_id * 0x01010101)
    timers.unset(TIMER_EXPIRE)
    timers.unset(17)
    fresh = Timers()
    fresh.set(17, 9)
    passed_on(timers, fresh)
    assert [fresh.at_ms(timer_id) for timer_id in range(20)] == [
        timers.at_ms(timer_id) for timer_id in range(20)
    ]
    unset = [timer_id for timer_id in range(20) if not fresh.is_set(timer_id)]
    assert unset == [TIMER_EXPIRE, 17] and fresh.is_set(TIMER_STATE)


def test_whether_it_is_watched_and_until_when():
    for is_watching in (True, False):
        machine = SafeMode(MemoryTable())
        machine._is_watching, machine._healthy_at_ms = is_watching, 0x1ABCDEF9
        fresh = SafeMode(MemoryTable())
        fresh._is_watching, fresh._settled_at_ms = not is_watching, 77
        passed_on(machine, fresh)
        assert fresh._is_watching == is_watching and fresh._healthy_at_ms == 0x1ABCDEF9
        assert fresh._settled_at_ms == -1


def test_the_last_traceback_and_the_least_heap():
    for has_kept in (True, False):
        health = Health(MemoryTable())
        health._kept_at_ms, health._has_kept = 0x1ABCDEF9, has_kept
        health.heap_free_min = 0x00ABCDEF
        fresh = passed_on(health, Health(MemoryTable()))
        assert fresh._kept_at_ms == 0x1ABCDEF9 and fresh._has_kept == has_kept
        assert fresh.heap_free_min == 0x00ABCDEF
    assert len(fresh.figures) == FIGURES


def test_the_agent_itself():
    for has_radio in (True, False):
        agent = Node("a", 1).agent
        agent.wakes, agent.uptime_s, agent._uptime_ms = 0x12345678, 0x0ABCDEF9, 987
        agent._now_ms, agent._has_radio = 0x1FEDCBA9, has_radio
        fresh = passed_on(agent, Node("a", 1).agent)
        assert fresh.wakes == 0x12345678 and fresh.uptime_ms() == 0x0ABCDEF9 * 1000 + 987
        assert fresh._now_ms == 0x1FEDCBA9 and fresh._has_radio == has_radio


def test_numbers_of_frames():
    transmitter = Node("a", 1).agent.transmitter
    transmitter._sequences[:] = [0x1234, 0x89AB]
    transmitter._number = 0xFEDC
    fresh = passed_on(transmitter, Node("a", 2).agent.transmitter)
    assert fresh._sequences == [0x1234, 0x89AB] and fresh._number == 0xFEDC


def known(count, name_bytes=3):
    """Return a table of so many neighbours, heard one after the other."""
    table = Neighbours()
    for number in range(count):
        row = table.hear(START_MS + number, 0x12345678 + number, number % 3, -40 - number)
        table.introduce(row, ("%02d" % number + "x" * name_bytes)[:name_bytes])
        table.accept(row, 100 + number, True)
        table.accept(row, 200 + number, False)
    table.lost = 0x123456
    return table


def test_neighbours_the_latest_first():
    table = known(6)
    fresh = passed_on(table, Neighbours())
    assert fresh.count == 6 and fresh.lost == 0x123456
    for number in range(6):
        node = 0x12345678 + number
        row = fresh.find(node)
        assert row == 5 - number and fresh.name(row) == ("%02dx" % number)
        assert fresh.links[row] == number % 3 and fresh.rssi_dbm(row) == -40 - number
        assert fresh._heard_at_ms[row] == START_MS + number
        for sequence, is_broadcast in ((100 + number, True), (200 + number, False)):
            assert not fresh.accept(row, sequence, is_broadcast)  # heard already
            assert fresh.accept(row, sequence + 1, is_broadcast)
    assert fresh.lost == 0x123456  # none in between


def test_of_many_neighbours_eight_and_the_names_that_fit():
    table = known(12, 32)
    fresh = passed_on(table, Neighbours())
    assert fresh.count == 8
    assert [fresh.ids[row] for row in range(8)] == [0x12345678 + 11 - row for row in range(8)]
    names = [fresh.name(row) for row in range(8)]
    whole = [name for name in names if len(name) == 32]
    assert len(whole) == (352 - 4 - 8 * 18) // 33 == 6
    assert names[:6] == whole and names[6:] == ["1234567d", "1234567c"]


def test_a_node_that_wakes_goes_on_with_all_of_it():
    node = Node("a", 1, wake_period_ms=60_000)
    node.start(START_MS)
    node.agent.on_battery(3_700)
    node.agent.on_time(START_MS, node.out)
    buffer = bytearray(node.agent.snapshot_bytes)
    assert node.agent.hibernate(START_MS, buffer) == len(buffer)
    again = Node("a", 1, table=node.table, wake_period_ms=60_000)
    again.out = Script()
    again.start(START_MS + 1_000, CAUSE_DEEP_SLEEP, buffer)
    assert again.agent.wakes == 1 and again.agent.uptime_ms() == node.agent.uptime_ms() + 1_000
