"""The arithmetic of shared instants, example by example, across the wrap of the ticks."""

from kernel.power.cluster_clock import (
    FOREIGN,
    FORGET_WINDOWS,
    KEPT,
    MOVED,
    NO_PHASE,
    ClusterClock,
)
from kernel.ticks import TICKS_PERIOD, ticks_add, ticks_diff

PERIOD_MS = 64_000
NODE, LEADER, LOWER = 50, 30, 20
START_MS = TICKS_PERIOD - 10_000  # the second window begins after the wrap


def leading():
    """Return a clock that found nobody."""
    clock = ClusterClock(NODE, PERIOD_MS)
    clock.begin(START_MS)
    return clock


def following(drift_ppm=0, error_ms=0, since=0):
    """Return a clock that knows instants and rate of its leader."""
    clock = leading()
    clock.leader, clock.is_fresh = LEADER, 0
    clock.drift_ppm, clock._error_ms, clock._since = drift_ppm, error_ms, since
    return clock


def heard_at(  # noqa: PLR0917 - one for each thing that is heard
    clock, off_ms, node=LEADER, leader=LEADER, is_seeking=False, before_ms=0
):
    """Let a clock hear of an instant that is off by so much; return what came of it."""
    now_ms = ticks_add(clock.start_at_ms, off_ms - before_ms)
    return clock.hear(now_ms, node, before_ms % PERIOD_MS, leader, is_seeking)


def test_who_begins_leads_with_the_smallest_guard():
    clock = leading()
    assert clock.start_at_ms == START_MS and clock.leader == NODE and not clock.is_lost
    assert clock.guard_ms() == 4 and not clock.is_fresh and not clock.is_alone()
    clock.leader, clock.is_lost, clock.is_fresh, clock._error_ms = LEADER, True, 2, 99
    clock.begin(5)
    assert (clock.leader, clock.is_lost, clock.is_fresh, clock._error_ms) == (NODE, False, 0, 0)


def test_the_guard_grows_with_each_window_in_which_the_leader_was_silent():
    for since, guard_ms in ((0, 4 + 7), (1, 4 + 7), (2, 4 + 14), (9, 4 + 63)):
        assert following(error_ms=7, since=since).guard_ms() == guard_ms
    assert following(error_ms=7_000, since=9).guard_ms() == PERIOD_MS >> 2
    own = leading()
    own._error_ms, own._since = 7, 9
    assert own.guard_ms() == 4 + 7  # its own instants are right by definition


def test_a_period_is_longer_by_the_drift_and_no_part_of_it_is_lost():
    clock = following(drift_ppm=1_000)
    assert clock.local_period_ms() == 64_064
    assert clock.after(START_MS, 1) == ticks_add(START_MS, 64_064)
    assert clock.after(START_MS, 3) == ticks_add(START_MS, 3 * 64_064)
    for ppm in (13, -13, 77_777, -77_777, 110_000, -110_000):
        clock, windows = following(drift_ppm=ppm), 0
        for step in (1, 2, 1, 5, 1, 1):
            windows += step
            clock.advance(clock.start_at_ms, step)
            exact_millionths = PERIOD_MS * windows * (1_000_000 + ppm)
            assert clock.start_at_ms == ticks_add(START_MS, exact_millionths // 1_000_000)
            assert clock._carry == exact_millionths % 1_000_000


def test_long_periods_drift_by_their_whole_length():
    day_ms = 86_400_000
    for ppm in (1, -1, 110_000, -110_000, 99_999):
        clock = ClusterClock(NODE, day_ms)
        clock.begin(0)
        clock.drift_ppm = ppm
        assert clock.local_period_ms() == day_ms + day_ms * ppm // 1_000_000
        clock.period_ms = 86_399_999
        assert clock.local_period_ms() == 86_399_999 + 86_399_999 * ppm // 1_000_000


def test_it_goes_to_the_next_window_that_is_not_over():
    for late_ms, windows in ((-5, 1), (0, 1), (63_999, 1), (64_000, 2), (200_000, 4)):
        clock = leading()
        assert clock.advance(ticks_add(START_MS, late_ms), 1) == windows
        assert ticks_diff(clock.start_at_ms, START_MS) == windows * PERIOD_MS
        assert clock._since == clock._silent == windows
    clock = leading()
    assert clock.advance(START_MS, 3) == 3 and clock._silent == 3


def test_the_error_of_who_leads_dies_away():
    clock, errors = leading(), []
    clock._error_ms = 100
    for _ in range(12):
        clock.advance(clock.start_at_ms, 1)
        errors.append(clock._error_ms)
    assert errors == [75, 56, 42, 31, 23, 17, 12, 9, 6, 4, 3, 2]
    assert clock.leader == NODE


def test_a_leader_is_forgotten_after_eight_windows_and_not_before():
    clock = following(error_ms=10)
    for _ in range(FORGET_WINDOWS):
        clock.advance(clock.start_at_ms, 1)
        assert clock.leader == LEADER
    clock.is_fresh = 1
    clock.advance(clock.start_at_ms, 1)
    assert clock.leader == NODE and not clock.is_fresh
    assert clock._error_ms == 10 * (FORGET_WINDOWS + 1)  # all have strayed meanwhile
    wide = following(error_ms=5_000, since=FORGET_WINDOWS)
    wide.advance(START_MS, 1)
    assert wide._error_ms == PERIOD_MS >> 3


def test_who_attends_every_second_window_only_is_as_patient():
    clock = following(since=0)
    for _ in range(FORGET_WINDOWS):
        clock.advance(clock.start_at_ms, 2)
        assert clock.leader == LEADER
    clock.advance(clock.start_at_ms, 2)
    assert clock.leader == NODE


def test_alone_is_who_heard_nobody_for_eight_windows():
    clock = leading()
    for _ in range(FORGET_WINDOWS):
        assert not clock.is_alone()
        clock.advance(clock.start_at_ms, 1)
    assert clock.is_alone()


def test_a_phase_is_counted_from_the_nearer_window():
    clock = following(drift_ppm=100_000)  # 70,400 ms of ours
    for past_ms, phase_ms in (
        (0, 0),
        (1, 63_999),
        (35_199, 28_801),
        (35_200, 28_800),  # half-way: from the one before
        (35_201, 35_199),
        (70_399, 1),
        (70_400, 0),
        (-1, 1),
    ):
        assert clock.phase_ms(ticks_add(START_MS, past_ms), False) == phase_ms, past_ms


def test_a_phase_is_told_only_by_who_knows_it():
    clock = leading()
    assert clock.phase_ms(START_MS, False) == 0
    for is_fresh, since, told, guessed in ((1, 0, 0, 0), (1, 1, -1, 0), (2, 0, -1, 0)):
        clock.is_fresh, clock._since = is_fresh, since
        assert clock.phase_ms(START_MS, False) == told
        assert clock.phase_ms(START_MS, True) == guessed
    clock.is_lost = True
    assert clock.phase_ms(START_MS, True) == NO_PHASE
    assert ClusterClock(NODE, 0).phase_ms(START_MS, True) == NO_PHASE


def test_a_newcomer_takes_on_what_it_hears_and_says_how_good_it_is():
    for before_ms, is_fresh in ((0, 1), (500, 1), (501, 2), (-500, 1), (-501, 2)):
        clock = ClusterClock(NODE, PERIOD_MS)
        clock.is_lost = True
        clock.drift_ppm, clock._carry, clock._since, clock._silent = 9, 9, 9, 9
        assert heard_at(clock, 0, LEADER, LOWER, before_ms=before_ms) == MOVED
        assert clock.is_fresh == is_fresh and not clock.is_lost and clock.leader == LOWER
        assert clock.start_at_ms == 0 and clock._error_ms == PERIOD_MS >> 3
        assert not (clock.drift_ppm or clock._carry or clock._since or clock._silent)


def test_of_two_instants_as_far_away_the_one_before_is_taken():
    clock = ClusterClock(NODE, PERIOD_MS)
    clock.is_lost = True
    assert clock.hear(100_000, LEADER, PERIOD_MS // 2, LEADER, False) == MOVED
    assert clock.start_at_ms == 100_000 - PERIOD_MS // 2


def test_half_of_a_small_error_is_taken_and_all_of_a_large_one():
    # The guard is 4 + 10: what is beyond it is no jitter.
    for off_ms, moved_ms in ((6, 3), (-6, -3), (14, 7), (-14, -7), (15, 15), (-15, -15)):
        clock = following(error_ms=10)
        clock._silent = 2
        assert heard_at(clock, off_ms) == KEPT
        assert ticks_diff(clock.start_at_ms, START_MS) == moved_ms, off_ms
        assert clock._since == 0 and clock._silent == 0


def test_the_rate_is_learned_by_a_quarter_and_the_error_by_a_half():
    clock = following(drift_ppm=40, error_ms=10, since=4)
    assert heard_at(clock, 8) == KEPT
    # 8 ms in four windows of 64 s are 31 millionths; a quarter of them is 7.
    assert clock.drift_ppm == 40 + 7
    assert clock._error_ms == (10 + 8 // 4 + 1) >> 1
    clock = following(drift_ppm=40, error_ms=10, since=4)
    heard_at(clock, -8)
    assert clock.drift_ppm == 40 - 8 and clock._error_ms == 6


def test_a_rate_has_bounds():
    for sign in (1, -1):
        clock = following(drift_ppm=sign * 109_999, error_ms=15_000, since=1)
        heard_at(clock, sign * 10_000)
        assert clock.drift_ppm == sign * 110_000


def test_what_is_heard_again_in_one_window_teaches_no_rate():
    clock = following(drift_ppm=40, error_ms=10)
    heard_at(clock, 8)
    assert clock.drift_ppm == 40 and clock._error_ms == 10
    assert ticks_diff(clock.start_at_ms, START_MS) == 4


def test_a_newcomer_learns_the_rate_whole_from_its_second_window():
    clock = following(since=2)
    clock.is_fresh = 1
    assert heard_at(clock, 100) == KEPT
    assert clock.drift_ppm == 100 * 1_000 // 128 and not clock.is_fresh
    assert clock._error_ms == PERIOD_MS >> 9
    assert ticks_diff(clock.start_at_ms, START_MS) == 100


def test_who_guessed_the_instants_takes_them_first_and_the_rate_later():
    clock = following(since=2, drift_ppm=5)
    clock.is_fresh = 2
    assert heard_at(clock, 100) == KEPT
    assert clock.is_fresh == 1 and clock.drift_ppm == 5
    assert ticks_diff(clock.start_at_ms, START_MS) == 100


def test_the_lower_of_two_who_agree_leads_at_once():
    clock = following(error_ms=3, since=2)
    clock._silent = 2
    assert heard_at(clock, 0, LOWER, LOWER) == KEPT
    assert clock.leader == LOWER and clock._since == 0 and clock._silent == 0
    clock = following(error_ms=3, since=2)
    assert heard_at(clock, 6, LOWER, LOWER) == KEPT
    assert ticks_diff(clock.start_at_ms, START_MS) == 3


def test_another_follower_shows_only_that_somebody_is_there():
    clock = following(error_ms=3, since=2)
    clock._silent = 2
    for node, leader in ((40, LEADER), (40, LOWER), (LOWER, LEADER), (60, 60)):
        clock._silent = 2
        assert heard_at(clock, 6, node, leader) == KEPT
        assert clock.leader == LEADER and clock._since == 2 and clock._silent == 0
        assert clock.start_at_ms == START_MS


def test_a_lower_id_leads_as_soon_as_its_rate_is_good():
    for error_ms, leads in ((8, True), (11, False)):
        clock = ClusterClock(10, PERIOD_MS)
        clock.begin(START_MS)
        clock.leader, clock._since, clock._error_ms = LEADER, 1, error_ms
        heard_at(clock, 0)
        assert clock._error_ms == (error_ms + 1) >> 1
        assert (clock.leader == 10) == leads


def test_ours_are_instants_within_the_guard_and_what_two_clocks_may_differ():
    most_ms = 4 + 10 + (PERIOD_MS >> 9) + 8
    for off_ms in (most_ms, -most_ms):
        assert heard_at(following(error_ms=10, since=1), off_ms) == KEPT
    for off_ms in (most_ms + 1, -most_ms - 1):
        clock = following(error_ms=10, since=1)
        assert heard_at(clock, off_ms, 60, 60) == FOREIGN
        assert clock.leader == LEADER and clock.start_at_ms == START_MS


def test_who_moves_to_other_instants():
    far_ms = 20_000
    for node, leader, since, is_seeking, silent, result in (
        (LOWER, LOWER, 1, False, 0, MOVED),  # a lower leader
        (60, 60, 1, False, 0, FOREIGN),
        (LEADER, LEADER, 1, False, 0, MOVED),  # the leader itself has other instants now
        (40, LEADER, 5, False, 0, FOREIGN),
        (40, LEADER, 6, False, 0, MOVED),  # who heard it lately knows better
        (60, 60, 1, True, 7, FOREIGN),  # seeking, and not alone
        (60, 60, 1, False, 8, FOREIGN),  # alone, and not seeking
        (60, 60, 1, True, 8, MOVED),
    ):
        clock = following(since=since)
        clock._silent = silent
        assert heard_at(clock, far_ms, node, leader, is_seeking) == result, (node, leader)
        moved_ms = far_ms if result == MOVED else 0
        assert ticks_diff(clock.start_at_ms, START_MS) == moved_ms
        assert clock.leader == (leader if result == MOVED else LEADER)


def test_who_is_not_sure_believes_only_its_own_leader_near_a_window():
    for node, leader, before_ms, result in (
        (40, LEADER, 0, KEPT),
        (40, 45, 0, FOREIGN),
        (40, LEADER, 2_000, FOREIGN),
        (LEADER, LEADER, 2_000, MOVED),
    ):
        clock = following(since=1)
        clock.is_fresh = 1
        assert heard_at(clock, 3, node, leader, before_ms=before_ms) == result
