"""Points that fade, who is put aside, for how long, and whom no flood pushes out."""

from kernel.secure.budget import Budget
from kernel.secure.quarantine import (
    AGREEMENT_MS,
    AGREEMENTS_MAX,
    ASIDE_MS,
    CALLED,
    COPIED,
    DOUBLINGS_MAX,
    FADE_MS,
    FAILED,
    FLOODED,
    FORGED,
    KIND_CALLS,
    KIND_FRAMES,
    KIND_PROVEN,
    OF_OTHERS,
    OF_OURS,
    POINTS_MAX,
    PROVOKED,
    PROVOKED_MAX,
    PROVOKED_MS,
    REPLAYED,
    SUSPECTS_MAX,
    Quarantine,
)
from kernel.ticks import TICKS_PERIOD, ticks_add

START_MS = TICKS_PERIOD - 30_000  # ticks wrap soon


class Told:
    """What a quarantine tells."""

    def __init__(self):
        self.asides = []

    def aside(self, node, what, span_ms):
        """Note it."""
        self.asides.append((node, what, span_ms))


def blamed(quarantine, told, node, what, count, now_ms=START_MS):  # noqa: PLR0917 - short calls
    """Blame a node as often."""
    for _ in range(count):
        quarantine.blame(now_ms, node, what, told)


def test_each_kind_has_its_own_count_and_is_told_once():
    expected = ((FORGED, 15), (REPLAYED, 60), (CALLED, 5), (FAILED, 5), (FLOODED, 60), (COPIED, 1))
    for what, count in expected:
        quarantine, told = Quarantine(), Told()
        blamed(quarantine, told, 5, what, count - 1)
        kind = what >> 1
        assert not told.asides and not quarantine.is_aside(START_MS, 5, kind)
        blamed(quarantine, told, 5, what, 3 * count)
        assert told.asides == [(5, what, ASIDE_MS)]
        kinds = (KIND_FRAMES, KIND_CALLS, KIND_PROVEN)
        assert [quarantine.is_aside(START_MS, 5, each) for each in kinds] == [
            each == kind for each in kinds
        ]
        assert not quarantine.is_aside(START_MS, 6, kind)


def test_points_fade_so_that_what_is_rare_is_never_held_against_anybody():
    quarantine, told, now_ms = Quarantine(), Told(), START_MS
    for _ in range(200):
        quarantine.blame(now_ms, 5, FORGED, told)
        now_ms = ticks_add(now_ms, 4 * FADE_MS)
    assert not told.asides
    for _ in range(200):
        quarantine.blame(now_ms, 5, FORGED, told)
        now_ms = ticks_add(now_ms, 3 * FADE_MS)
    assert told.asides


def test_what_is_proven_costs_twice_as_long_each_time_and_what_is_not_never_does():
    for what in (COPIED, CALLED):
        quarantine, told, now_ms = Quarantine(), Told(), START_MS
        for _ in range(DOUBLINGS_MAX + 3):
            blamed(quarantine, told, 5, what, 5, now_ms)
            span_ms = told.asides[-1][2]
            last_ms = ticks_add(now_ms, span_ms - 1)
            now_ms = ticks_add(now_ms, span_ms)
            assert quarantine.is_aside(last_ms, 5, what >> 1)
            assert not quarantine.is_aside(now_ms, 5, what >> 1)
        spans = [span_ms // ASIDE_MS for _, _, span_ms in told.asides]
        grows = [1 << min(time, DOUBLINGS_MAX) for time in range(len(spans))]
        assert spans == (grows if what == COPIED else [1] * len(spans))
    quiet_ms = ticks_add(now_ms, (ASIDE_MS << DOUBLINGS_MAX) + ASIDE_MS)
    quarantine.blame(quiet_ms, 5, COPIED, told)
    assert told.asides[-1][2] == ASIDE_MS


def test_a_flood_of_nodes_pushes_out_no_suspect_that_is_aside_or_proven():
    quarantine, told = Quarantine(), Told()
    blamed(quarantine, told, 1, COPIED, 1)
    blamed(quarantine, told, 2, CALLED, 5)
    blamed(quarantine, told, 3, FLOODED, 2)
    blamed(quarantine, told, 4, CALLED, 4)
    for node in range(100, 1_100):
        quarantine.blame(START_MS, node, CALLED, told)
    assert quarantine.is_aside(START_MS, 1, KIND_PROVEN)
    assert quarantine.is_aside(START_MS, 2, KIND_CALLS)
    quarantine.blame(START_MS, 4, CALLED, told)
    assert quarantine.is_aside(START_MS, 4, KIND_CALLS), "the most suspect stay longest"
    blamed(quarantine, told, 3, FLOODED, POINTS_MAX - 2)
    assert quarantine.is_aside(START_MS, 3, KIND_PROVEN)


def test_what_is_proven_finds_a_row_and_what_finds_none_is_counted():
    quarantine, told = Quarantine(), Told()
    for node in range(1, SUSPECTS_MAX + 1):
        blamed(quarantine, told, node, CALLED, 5)
    blamed(quarantine, told, 99, CALLED, 5)
    assert quarantine.unnoted == 5 and len(told.asides) == SUSPECTS_MAX
    for node in range(101, 101 + SUSPECTS_MAX + 1):
        quarantine.blame(START_MS, node, COPIED, told)
    assert quarantine.unnoted == 6 and len(told.asides) == 2 * SUSPECTS_MAX


def test_a_deep_sleep_forgets_nobody():
    quarantine, told = Quarantine(), Told()
    blamed(quarantine, told, 5, COPIED, 1)
    blamed(quarantine, told, 6, CALLED, 4)
    buffer = bytearray(Quarantine.SNAPSHOT_BYTES + 6)
    assert quarantine.save_into(buffer, 3) == len(buffer) - 3
    woken = Quarantine()
    assert woken.load_from(buffer, 3) == len(buffer) - 3
    assert woken.is_aside(START_MS, 5, KIND_PROVEN)
    woken.blame(START_MS, 6, CALLED, told)
    assert woken.is_aside(START_MS, 6, KIND_CALLS)


def test_a_budget_grants_its_burst_and_then_its_rate_over_a_wrap_and_a_sleep():
    for budget, most, every_ms in (
        (OF_OTHERS, AGREEMENTS_MAX, AGREEMENT_MS),
        (OF_OURS, AGREEMENTS_MAX, AGREEMENT_MS),
        (PROVOKED, PROVOKED_MAX, PROVOKED_MS),
    ):
        quarantine, now_ms = Quarantine(), START_MS
        granted = 0
        for _ in range(1_000):
            granted += quarantine.spend(now_ms, budget, 1)
            now_ms = ticks_add(now_ms, 700)
            buffer = bytearray(Quarantine.SNAPSHOT_BYTES)
            quarantine.save_into(buffer, 0)
            quarantine = Quarantine()
            quarantine.load_from(buffer, 0)
        assert granted == most + 999 * 700 // every_ms
        assert not quarantine.spend(now_ms, budget, most)
        assert quarantine.spend(ticks_add(now_ms, most * every_ms), budget, most)


def test_budgets_are_apart():
    quarantine = Quarantine()
    assert quarantine.spend(START_MS, OF_OTHERS, AGREEMENTS_MAX)
    assert not quarantine.spend(START_MS, OF_OTHERS, 1)
    assert quarantine.spent(START_MS, OF_OURS) == quarantine.spent(START_MS, PROVOKED) == 0
    assert quarantine.spend(START_MS, OF_OURS, AGREEMENTS_MAX)
    assert quarantine.spend(START_MS, PROVOKED, PROVOKED_MAX)


def test_a_clock_that_is_set_back_grants_nothing():
    quarantine = Quarantine()
    assert quarantine.spend(START_MS, OF_OTHERS, AGREEMENTS_MAX)
    assert quarantine.spent(START_MS - 100_000, OF_OTHERS) == AGREEMENTS_MAX
    assert quarantine.spent(START_MS - 100_000 + AGREEMENT_MS, OF_OTHERS) == AGREEMENTS_MAX - 1


def test_a_budget_that_nobody_keeps_counts_alike():
    budget, now_ms, granted = Budget(10, 500), START_MS, 0
    budget.level(now_ms)
    for _ in range(1_000):
        granted += budget.take(now_ms, 1)
        now_ms = ticks_add(now_ms, 100)
    assert granted == 10 + 999 * 100 // 500
    assert budget.level(now_ms - 100_000) < 10 and budget.level(now_ms) == 10
