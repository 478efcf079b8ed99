"""Bounds to the last unit, and instants that are zero: where a wrong comparison would show."""

from kernel.codec import cbor, frame
from kernel.codec.fragments import Fragments
from kernel.codec.messages import read_announcement
from kernel.config import Config
from kernel.errors import (
    CAUSE_HARD_RESET,
    CAUSE_PANIC,
    CAUSE_POWER_ON,
    DROP_NAMES,
    EVENT_SAFE_MODE_LEFT,
    name_of,
)
from kernel.limits import (
    HEADER_BYTES,
    HEALTHY_AWAKE_MS,
    HEALTHY_MS,
    QUOTA_ALARMS,
    QUOTA_ENERGY_NAH,
    REASSEMBLY_MS_MAX,
    Quotas,
)
from kernel.mesh.requests import Requests
from kernel.power.energy import Energy
from kernel.prng import Prng
from kernel.recovery import boots
from kernel.recovery.safe_mode import CAUSES, SafeMode
from kernel.ticks import TICKS_PERIOD, ticks_add
from support.pair import START_MS, Node
from support.script import MemoryTable, Script, raises

# --- requests ---


def test_the_first_deadline_is_the_first_row_too():
    requests = Requests(1)
    for deadline_ms in (100, 200, 300):
        requests.open(0, 5, deadline_ms, str(deadline_ms))
    assert requests.next_at_ms(0) == 100
    assert requests.take_expired(100) == "100" and requests.next_at_ms(100) == 200


def test_of_equal_deadlines_who_asked_first_is_told_first():
    requests = Requests(1)
    for name in ("a", "b", "c"):
        requests.open(0, 5, 100, name)
    assert [requests.take_expired(100) for _ in range(3)] == ["a", "b", "c"]
    assert requests.count == 0 and not requests.has_expired(100)


# --- rates ---


def limited(burst, per_hour):
    """Return quotas with one kind limited so."""
    quotas = Quotas()
    quotas.limit(QUOTA_ALARMS, burst, per_hour)
    return quotas


def test_what_a_second_brings_is_held_back_from_a_burst():
    for burst, per_hour, level in (
        (100, 3_600, 99),
        (100, 3_601, 97),  # 1 each second, 2 in some, and what is kept of it
        (100, 7_200, 98),
        (100, 7_201, 96),
        (100, 50, 48),  # no more than an hour's worth
        (1, 36_000, 0),
    ):
        assert limited(burst, per_hour).level(0, QUOTA_ALARMS) == level, (burst, per_hour)


def test_a_second_is_granted_when_it_is_over():
    for ask in (
        lambda quotas, now_ms: quotas.take(now_ms, QUOTA_ALARMS, 1),
        lambda quotas, now_ms: quotas.is_open(now_ms, QUOTA_ALARMS),
    ):
        for span_ms, is_granted in ((0, False), (999, False), (1_000, True)):
            quotas = limited(100, 3_600)
            quotas._at_ms = START_MS
            quotas.charge(START_MS, QUOTA_ALARMS, 99)
            assert quotas.level(START_MS, QUOTA_ALARMS) == 0
            assert ask(quotas, START_MS + span_ms) == is_granted


def test_a_rate_beyond_a_small_int_is_one_that_fits():
    quotas = limited(1 << 29, 1 << 30)
    assert quotas._per_hour[QUOTA_ALARMS] == (1 << 29) - 1
    assert quotas.level(0, QUOTA_ALARMS) == (1 << 29) - 1 - ((1 << 29) - 1) // 3_600 - 2


def test_an_hour_without_asking_is_an_hour():
    quotas = limited(10_000, 3_600)
    quotas._at_ms = 0
    quotas.charge(0, QUOTA_ALARMS, 8_000)
    debt = quotas.level(0, QUOTA_ALARMS)
    assert quotas.level(3_600_000, QUOTA_ALARMS) == debt + 3_600
    quotas.charge(3_600_000, QUOTA_ALARMS, 3_600)
    assert quotas.level(3 * 3_600_000, QUOTA_ALARMS) == debt + 3_600  # a longer one is no more


# --- energy ---


def test_the_reserve_is_kept_to_the_last_nanoampere_hour():
    for over_nah, is_granted in ((0, True), (1, False)):
        quotas = Quotas()
        energy = Energy((1,) * 6, 25_000, quotas)
        level_nah = quotas.level(0, QUOTA_ENERGY_NAH)
        assert energy.afford(0, level_nah - 250_000 + over_nah) == is_granted
        assert quotas.level(0, QUOTA_ENERGY_NAH) == (250_000 if is_granted else level_nah)


def test_an_account_begins_with_nothing():
    energy = Energy((1,) * 6, 0, Quotas())
    assert list(energy.uah) == list(energy.rest_nc) == [0] * 6 and energy.total_uah() == 0


# --- settings ---


def test_settings_have_the_bounds_that_they_say():
    for name, least, most in (
        ("wake_period_ms", 1_000, 86_400_000),
        ("listen_ms", 10, 10_000),
        ("deep_sleep_ms", 1, 86_400_000),
        ("saving_mv", 500, 60_000),
        ("budget_uah_per_day", 1, 100_000_000),
    ):
        for value, taken in (
            (least - 1, 0),
            (least, least),
            (most, most),
            (most + 1, 0),
            (str(least), 0),
        ):
            config = Config()
            config.take({name: value})
            assert getattr(config, name) == taken, (name, value)


def test_currents_have_bounds_too():
    config = Config()
    config.take_currents({"active": 5_000_000, "wifi_rx": 5_000_001, "wifi_tx": -1})
    assert config.currents_ua == (5_000_000, 0, 0, 0, 0, 0)
    config.take_currents({"modem_sleep": "9", "light_sleep": 1, "deep_sleep": 1.5})
    assert config.currents_ua == (0, 0, 0, 0, 1, 0)


# --- numbers and names ---


def test_random_numbers_have_a_bound():
    rng = Prng(5)
    for bound in (1, 1 << 14, (1 << 14) + 1, 1 << 29):
        assert 0 <= rng.below(bound) < bound
    for bound in (0, -1, (1 << 29) + 1):
        raises(AssertionError, rng.below, bound)


def test_a_name_is_one_line_of_a_text():
    assert [name_of("a\nbc\nd", number) for number in range(3)] == ["a", "bc", "d"]
    assert name_of(DROP_NAMES, 0) == "" and name_of(DROP_NAMES, 1) == "malformed"
    assert name_of("only", 0) == "only"


# --- recovery ---


def test_a_settled_instant_may_be_zero():
    machine, out = SafeMode(MemoryTable()), Script()
    machine._is_clean = False
    boots.boot(machine, TICKS_PERIOD - HEALTHY_MS - HEALTHY_AWAKE_MS, CAUSE_PANIC, 0, out)
    assert machine.next_at_ms() == TICKS_PERIOD - HEALTHY_AWAKE_MS and machine.score == 4
    machine._settled_at_ms = -1  # as after a wake
    machine.on_time(TICKS_PERIOD - HEALTHY_AWAKE_MS, out)
    assert machine._settled_at_ms == 0 == machine.next_at_ms() and machine.score == 4
    machine.on_time(TICKS_PERIOD - 1, out)
    assert machine.score == 4 and machine.next_at_ms() == 0
    machine.on_time(0, out)
    assert machine.score == 0 and machine.next_at_ms() == -1


def test_one_pulled_plug_is_watched_and_a_first_boot_is_not():
    table = MemoryTable()
    for score in (0, 1, 2):
        machine, out = SafeMode(table), Script()
        boots.load(machine, out)
        boots.boot(machine, START_MS, CAUSE_POWER_ON, 7, out)
        assert machine.score == score
        expected_ms = ticks_add(START_MS, HEALTHY_MS) if score else -1
        assert machine.next_at_ms() == expected_ms
    assert len(machine.resets) == CAUSES and machine.resets[CAUSE_POWER_ON] == 3


def test_the_record_is_that_of_the_specification():
    table, out = MemoryTable(), Script()
    machine = SafeMode(table)
    machine.boots, machine.unclean = 0x01020303, 0x0A0A
    machine._is_clean = False
    boots.boot(machine, START_MS, CAUSE_PANIC, 0x11121314, out)
    record = table.values[boots.KEY]
    assert record[:14] == b"\x01\x00\x04\x07\x01\x02\x03\x04\x11\x12\x13\x14\x0a\x0b"
    assert record[14:] == bytes(2 * CAUSE_PANIC) + b"\x00\x01"
    again = SafeMode(table)
    boots.load(again, out)
    assert (again.boots, again.unclean, again.cause) == (0x01020304, 0x0A0B, CAUSE_PANIC)
    assert again._application == 0x11121314 and again.score == 4 and not again._is_clean
    boots.stop(again, out)
    assert table.values[boots.KEY][1] == 2
    again.is_safe = True
    boots.stop(again, out)
    assert table.values[boots.KEY][1] == 3 and out.reports == []


def test_leaving_by_command_is_written_and_said():
    table, out = MemoryTable(), Script()
    machine = SafeMode(table)
    machine.is_safe, machine.score = True, boots.SCORE_MAX
    boots.leave(machine, out)
    assert out.reports == [(EVENT_SAFE_MODE_LEFT, 0)] and not machine.is_safe
    assert table.values[boots.KEY][2] == boots.SCORE_MAX - 4
    machine = SafeMode(table)
    boots.load(machine, out)
    boots.boot(machine, START_MS, CAUSE_HARD_RESET, 0, out)
    assert not machine.is_safe and machine.score == boots.SCORE_MAX - 4


# --- what peers say ---


def test_a_phase_comes_with_its_period_and_its_leader_or_not_at_all():
    whole = {1: "n", 2: 3, 4: 60_000, 5: 59_999, 6: 1}
    assert read_announcement(cbor.encode(whole)) == ("n", 3, 60_000, 59_999, 1)
    assert read_announcement(cbor.encode({1: "n", 2: 0})) == ("n", 0, 0, -1, 0)
    for missing in ((4,), (5,), (6,), (4, 5), (4, 6), (5, 6)):
        fields = {key: value for key, value in whole.items() if key not in missing}
        raises(cbor.CborError, read_announcement, cbor.encode(fields))
    for key, value in (
        (1, "x" * 33),
        (1, ""),
        (1, b"n"),
        (2, -1),
        (2, 1 << 30),
        (2, True),
        (4, 0),
        (4, 86_400_001),
        (5, -1),
        (5, 60_000),
        (6, 0),
        (6, frame.BROADCAST),
    ):
        fields = dict(whole)
        fields[key] = value
        raises(cbor.CborError, read_announcement, cbor.encode(fields))
    for key, value in ((1, "x" * 32), (2, (1 << 30) - 1), (6, frame.BROADCAST - 1)):
        fields = dict(whole)
        fields[key] = value
        assert value in read_announcement(cbor.encode(fields))


def test_a_message_in_fragments_is_given_up_in_time():
    fragments = Fragments()
    assert fragments.next_at_ms(START_MS) == -1
    for slot, started_ms in ((0, 0), (1, 500)):
        fragments._sources[slot] = 5 + slot
        fragments._started_at_ms[slot] = ticks_add(START_MS, started_ms)
    due_at_ms = ticks_add(START_MS, REASSEMBLY_MS_MAX)
    assert fragments.next_at_ms(START_MS) == due_at_ms
    assert fragments.next_at_ms(ticks_add(due_at_ms, 9)) == ticks_add(due_at_ms, 9)
    fragments.expire(ticks_add(due_at_ms, -1))
    assert fragments.incomplete == 0
    fragments.expire(due_at_ms)
    assert fragments.incomplete == 1
    assert fragments.next_at_ms(due_at_ms) == ticks_add(due_at_ms, 500)


def test_a_request_that_nobody_handles_is_answered_and_no_drop():
    node = Node("a", 1)
    node.start(START_MS)
    data = bytearray(HEADER_BYTES) + cbor.encode([9, "nobody", 1])
    frame.write_header(data, frame.KIND_REQUEST, 7, 77, node.identity.node, 1)
    node.agent.on_frame(START_MS, 0, data, len(data), 0, node.out)
    kinds = [sent[1] for sent in node.out.frames]
    assert frame.KIND_RESPONSE in kinds and node.status("dropped") == {}
    assert node.status("received") == 1
