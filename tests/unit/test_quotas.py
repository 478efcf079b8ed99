"""What a rate grants: over any span its burst and its rate at most, and no share is lost."""

from kernel.health.facts import refusals
from kernel.limits import (
    NEIGHBOURS_MAX,
    QUOTA_AIR_MS,
    QUOTA_ALARMS,
    QUOTA_CPU_MS,
    QUOTA_FLASH_BYTES,
    QUOTA_IN,
    QUOTA_KINDS,
    QUOTA_NAMES,
    QUOTA_OUT,
    Quotas,
)
from kernel.prng import Prng
from kernel.ticks import TICKS_PERIOD, ticks_add, ticks_diff

try:
    from micropython import heap_lock, heap_unlock
except ImportError:  # CPython has no such lock: there the steps are merely run

    def heap_lock():
        """Stand in."""

    heap_unlock = heap_lock

START_MS = TICKS_PERIOD - 5_000  # the clock wraps soon after
HOUR_MS = 3_600_000
SHARE_BURST, SHARE_PER_HOUR = 240, 7_200  # of frames heard, for each neighbour
KIND = QUOTA_ALARMS  # any kind without shares: tests set its bounds


def limited(burst, per_hour):
    """Return quotas with one kind limited so."""
    quotas = Quotas()
    quotas.limit(KIND, burst, per_hour)
    return quotas


def drain(quotas, now_ms, kind, row=-1):
    """Take one at a time until it is refused; return how many were granted."""
    count = 0
    while quotas.take(now_ms, kind, 1, row):
        count += 1
    return count


def check_every_span(grants, burst, per_hour):
    """Hold each span that begins and ends with a grant to the bound, without rounding."""
    for first in range(len(grants)):
        total = 0
        for at_ms, amount in grants[first:]:
            total += amount
            span_ms = ticks_diff(at_ms, grants[first][0])
            assert (total - burst) * HOUR_MS <= per_hour * span_ms, (burst, per_hour, span_ms)


def test_no_span_grants_more_than_burst_and_rate():
    rng = Prng(7)
    for burst, per_hour in ((5, 7), (100, 3_600), (90, 90_001), (2_000, 144_000), (1, 7_200)):
        quotas = limited(burst, per_hour)
        now_ms, grants = START_MS, []
        for _ in range(120):
            now_ms = ticks_add(now_ms, rng.below(1 + 2 * HOUR_MS // per_hour))
            amount = 1 + rng.below(3)
            if quotas.take(now_ms, KIND, amount):
                grants.append((now_ms, amount))
        check_every_span(grants, burst, per_hour)


def test_bursts_between_long_rests_keep_to_the_bound():
    rng = Prng(8)
    quotas = limited(50, 36_000)
    now_ms, grants = START_MS, []
    for _ in range(12):
        now_ms = ticks_add(now_ms, rng.below(9_000))
        count = 0
        while quotas.take(now_ms, KIND, 1):
            count += 1
        grants.append((now_ms, count))
    check_every_span(grants, 50, 36_000)


def test_the_rate_is_reached_without_drift():
    # 7,001 per hour is no whole number per second, in any step of the clock.
    for step_ms in (1, 333, 1_000, 1_999, 60_000):
        quotas = limited(7_001, 7_001)
        now_ms = START_MS
        drain(quotas, now_ms, KIND)
        granted = 0
        for _ in range(1_200_000 // step_ms if step_ms > 1 else 5_000):
            now_ms = ticks_add(now_ms, step_ms)
            granted += drain(quotas, now_ms, KIND)
        span_ms = ticks_diff(now_ms, START_MS)
        wanted = 7_001 * span_ms // HOUR_MS
        assert wanted - 7_001 // 3_600 - 2 <= granted <= wanted, (step_ms, granted)


def test_an_hour_fills_and_a_longer_rest_adds_nothing():
    quotas = limited(600, 1_200)
    full = drain(quotas, START_MS, KIND)
    assert 0 < full <= 600
    now_ms = ticks_add(START_MS, HOUR_MS)
    assert drain(quotas, now_ms, KIND) == full
    now_ms = ticks_add(now_ms, 40 * HOUR_MS)
    assert drain(quotas, now_ms, KIND) == full


def test_all_or_nothing():
    quotas = limited(100, 3_600)  # what one second brings is held back
    assert not quotas.take(START_MS, KIND, 100) and quotas.take(START_MS, KIND, 99)
    assert quotas.refused[KIND] == 1 and refusals(quotas) == {QUOTA_NAMES.split()[KIND]: 1}


def test_no_limit_is_no_limit():
    quotas = limited(0, 0)
    for _ in range(10):
        assert quotas.take(START_MS, KIND, 1 << 28)
    quotas.charge(START_MS, KIND, 1 << 28)
    assert quotas.is_open(START_MS, KIND) and not refusals(quotas)


def test_a_debt_is_repaid_before_anything_is_granted():
    quotas = limited(100, 3_600)
    quotas.charge(START_MS, KIND, 160)  # 61 more than there are
    assert not quotas.is_open(START_MS, KIND)
    assert not quotas.take(ticks_add(START_MS, 61_000), KIND, 1)
    assert quotas.is_open(ticks_add(START_MS, 62_000), KIND)
    assert quotas.take(ticks_add(START_MS, 62_000), KIND, 1)


def test_a_clock_that_jumps_grants_nothing_for_the_way_back():
    quotas = limited(1_000, 3_600)
    full = drain(quotas, START_MS, KIND)
    assert full
    for back_ms in (1, 999, HOUR_MS, 1 << 27):
        quotas = limited(1_000, 3_600)
        drain(quotas, START_MS, KIND)
        assert drain(quotas, ticks_add(START_MS, -back_ms), KIND) == 0
        assert drain(quotas, ticks_add(START_MS, 5_000 - back_ms), KIND) == 5


def test_a_share_is_there_whatever_the_others_do():
    quotas = Quotas()
    flood = drain(quotas, START_MS, QUOTA_IN, 0)
    strangers = drain(quotas, START_MS, QUOTA_IN)
    assert flood > SHARE_BURST and strangers == 0, "one peer may use the whole pool"
    for row in range(1, NEIGHBOURS_MAX):
        granted = drain(quotas, START_MS, QUOTA_IN, row)
        assert 0 < granted <= SHARE_BURST and granted * 10 >= SHARE_BURST * 9


def test_a_share_comes_back_during_a_flood():
    quotas = Quotas()
    now_ms, victim = START_MS, 0
    drain(quotas, now_ms, QUOTA_IN, 1)
    drain(quotas, now_ms, QUOTA_IN, 0)
    for _ in range(600):
        now_ms = ticks_add(now_ms, 1_000)
        drain(quotas, now_ms, QUOTA_IN, 1)
        drain(quotas, now_ms, QUOTA_IN)
        victim += drain(quotas, now_ms, QUOTA_IN, 0)
    assert victim >= 599 * SHARE_PER_HOUR // 3_600


def test_a_share_fills_as_if_it_were_the_only_one():
    rng, now_ms, rows = Prng(11), START_MS, (0, 7, NEIGHBOURS_MAX - 1)
    together, alone = Quotas(), [Quotas() for _ in rows]
    for quotas in [together] + alone:
        quotas.limit(QUOTA_IN, 1, 1)  # no pool: what a share does not grant is refused
    granted = refused = 0
    for _ in range(3_000):
        place, amount = rng.below(3), 1 + rng.below(60)
        now_ms = ticks_add(now_ms, rng.below(6_000))
        got = together.take(now_ms, QUOTA_IN, amount, rows[place])
        assert got == alone[place].take(now_ms, QUOTA_IN, amount, rows[place])
        granted, refused = granted + got, refused + (not got)
    assert granted > 500 and refused > 500


def test_only_frames_and_air_have_shares():
    for kind in range(QUOTA_KINDS):
        with_row, without = Quotas(), Quotas()
        for quotas in (with_row, without):
            quotas.limit(kind, 100, 3_600)
        more = drain(with_row, START_MS, kind, 3) - drain(without, START_MS, kind)
        assert (more > 0) == (kind in (QUOTA_IN, QUOTA_AIR_MS, QUOTA_OUT)), kind


def test_air_of_all_stays_under_a_tenth_of_the_time():
    quotas = Quotas()
    for row in range(-1, NEIGHBOURS_MAX):
        drain(quotas, START_MS, QUOTA_AIR_MS, row)
    now_ms, granted = START_MS, 0
    for _ in range(360):
        now_ms = ticks_add(now_ms, 10_000)
        for row in range(-1, NEIGHBOURS_MAX):
            granted += drain(quotas, now_ms, QUOTA_AIR_MS, row)
    assert HOUR_MS // 12 < granted <= HOUR_MS // 10


def test_a_deep_sleep_gives_nothing_back():
    quotas = limited(100, 3_600)
    drain(quotas, START_MS, KIND)
    drain(quotas, START_MS, QUOTA_IN, 0)
    quotas.charge(START_MS, QUOTA_CPU_MS, 1_000_000)
    buffer = bytearray(Quotas.SNAPSHOT_BYTES + 4)
    assert quotas.save_into(buffer, 3) == 3 + Quotas.SNAPSHOT_BYTES and Quotas.SNAPSHOT_BYTES <= 96
    woken = limited(100, 3_600)
    assert woken.load_from(buffer, 3) == 3 + Quotas.SNAPSHOT_BYTES
    assert list(woken.refused) == list(quotas.refused) and refusals(woken)
    for kind in (KIND, QUOTA_IN):
        assert drain(woken, START_MS, kind) == 0
    later_ms = ticks_add(START_MS, 30_000)
    assert drain(woken, later_ms, KIND) == drain(quotas, later_ms, KIND) == 30
    assert not woken.is_open(later_ms, QUOTA_CPU_MS)


def test_a_wrong_snapshot_gives_no_more_than_the_bounds():
    buffer = bytearray(Quotas.SNAPSHOT_BYTES)
    for byte in (0x00, 0x1F, 0xFF):  # levels of 0, the most, and -1
        quotas = limited(100, 3_600)
        quotas.take(START_MS, KIND, 1)
        at_bytes = len(buffer) - 12 * QUOTA_KINDS
        quotas.save_into(buffer, 0)
        for index in range(at_bytes, len(buffer)):
            buffer[index] = byte
        woken = limited(100, 3_600)
        assert woken.load_from(buffer, 0) == len(buffer)
        assert drain(woken, START_MS, KIND) <= 100


def test_rates_above_what_a_small_int_holds_are_cut():
    quotas = limited(1 << 29, 1 << 30)
    quotas.charge(START_MS, KIND, (1 << 29) - 1)
    quotas.charge(START_MS, KIND, (1 << 29) - 1)
    debt = quotas.level(START_MS, KIND)
    assert -(1 << 29) < debt < 0
    assert quotas.level(ticks_add(START_MS, HOUR_MS), KIND) > debt + (1 << 28)
    assert quotas.level(ticks_add(START_MS, 1 << 27), KIND) < 1 << 29


def test_a_take_allocates_nothing():
    quotas = Quotas()
    buffer = bytearray(Quotas.SNAPSHOT_BYTES)
    later_ms = ticks_add(START_MS, 3_000)
    big = 1 << 28
    heap_lock()
    quotas.take(START_MS, QUOTA_IN, 1, 5)
    quotas.take(later_ms, QUOTA_FLASH_BYTES, big)
    quotas.charge(later_ms, QUOTA_CPU_MS, 5)
    quotas.is_open(later_ms, QUOTA_CPU_MS)
    quotas.level(later_ms, QUOTA_CPU_MS)
    quotas.save_into(buffer, 0)
    heap_unlock()
    assert quotas.refused[QUOTA_FLASH_BYTES] == 1
