"""What updating may take of a battery, by session and by day, whatever clock and power do."""

from kernel.release.budget import (
    BOOT_MS,
    DAY_UAH,
    SESSION_MS,
    SESSION_UAH,
    Budget,
)
from kernel.state.journal import Journal
from kernel.state.table import JournalTable
from support.journalled import boot
from support.nor_sectors import NorSectors

CURRENTS_UA = (64_000, 95_000, 355_000)
BOOTS_UAH = 2 * BOOT_MS * CURRENTS_UA[0] / 3_600_000
DAY_S = 86_400


def fresh_table():
    return boot(NorSectors(4))[1]


def budget(table, currents_ua=CURRENTS_UA, session_uah=SESSION_UAH, day_uah=DAY_UAH) -> Budget:
    return Budget(table, currents_ua, session_uah, day_uah)


def spend(table, now_s: int, span_ms: int = SESSION_MS, target: int = 7, **limits) -> int:
    """Use a session up, or some time of it; return what it used by our own sum, -1 for none."""
    one = budget(table, **limits)
    if not one.begin(now_s):
        return -1
    one.start(1_000)
    used_ms = min(span_ms, one.span_ms)
    one.end(1_000 + used_ms, target)
    return int(used_ms * CURRENTS_UA[1] / 3_600_000 + BOOTS_UAH + 0.999)


def test_without_currents_only_time_is_bounded_and_nothing_is_written() -> None:
    table = fresh_table()
    one = budget(table, (0, 0, 0))
    for _ in range(1_000):
        assert one.begin(0)
    one.start(5)
    one.sent(250)
    assert one.ends_at_ms() == 5 + SESSION_MS and one.used_uah(60_000, 7) == 0
    one.end(60_000, 7)
    assert not table.keys()


def test_a_session_ends_when_its_charge_is_used_and_each_frame_makes_it_shorter() -> None:
    one = budget(fresh_table(), session_uah=300)
    assert one.begin(0)
    one.start(100)
    one.start(9_999)  # said once more, by a second one in the same session
    by_hand_ms = int((300 - 1 - BOOTS_UAH) * 3_600_000 / CURRENTS_UA[1])
    assert abs(one.span_ms - by_hand_ms) <= 1 and one.ends_at_ms() == 100 + one.span_ms
    for _ in range(100):
        one.sent(200)  # 2,136 us each
    by_hand_ms -= 100 * 2_136 * CURRENTS_UA[2] // (1_000 * CURRENTS_UA[1])
    assert abs(one.span_ms - by_hand_ms) <= 1
    assert 298 <= one.used_uah(one.ends_at_ms(), 7) <= 299
    for _ in range(10_000):
        one.sent(200)
    assert one.span_ms == 0


def test_a_day_takes_no_more_than_was_decided_whenever_its_sessions_come() -> None:
    for pause_s in (1, 600, 3_600, 40_000):
        table, used, now_s = fresh_table(), 0, 1
        while now_s < 10 * DAY_S:
            spent = spend(table, now_s, session_uah=700, day_uah=2_000)
            used += max(0, spent)
            assert used <= 2_000 + 2_000 * now_s // DAY_S + 1 + 10, (pause_s, now_s)
            now_s += pause_s if spent >= 0 else max(pause_s, 3_600)
        if pause_s < 20_000:  # and nearly all of it, if it is asked for
            assert used >= 19_000, pause_s


def test_who_loses_power_in_each_session_has_used_all_that_it_was_granted() -> None:
    table, sessions = fresh_table(), 0
    for _ in range(10):
        sessions += budget(table, session_uah=500, day_uah=2_000).begin(10)
    assert sessions == 4
    assert budget(table, session_uah=500, day_uah=2_000).begin(10, is_bounded=False)
    assert not budget(table, session_uah=500, day_uah=2_000).begin(10)
    assert budget(table, session_uah=500, day_uah=2_000).begin(10 + DAY_S // 4)


def test_a_clock_that_begins_anew_or_is_set_back_gives_nothing_back() -> None:
    table = fresh_table()
    for _ in range(10):
        spend(table, DAY_S * 300)
    for now_s in (DAY_S * 299, 0, 1, 2):
        assert spend(table, now_s) == -1
    assert spend(table, DAY_S) >= 0  # a day after it began anew
    table = fresh_table()
    assert spend(table, DAY_S * 300) >= 0 and spend(table, 0) >= 0  # nor does it take any


def test_what_a_session_did_not_use_is_given_back() -> None:
    table = fresh_table()
    for _ in range(20):
        assert spend(table, 10, span_ms=3_000) > 0
    assert spend(fresh_table(), 10) > 0


def test_the_charge_of_a_release_is_summed_over_its_sessions() -> None:
    table, used = fresh_table(), 0
    for number in range(3):
        one = budget(table)
        assert one.begin(number * DAY_S)
        one.start(0)
        used += int(4_000 * CURRENTS_UA[1] / 3_600_000 + BOOTS_UAH + 0.999)
        assert one.used_uah(4_000, 7) == used
        one.end(4_000, 7)
    one = budget(table)
    assert one.begin(9 * DAY_S)
    one.start(0)
    own = one.used_uah(1_000, 8)
    assert 0 < own < used < one.used_uah(1_000, 7)
    one.end(1_000, 0)  # nobody offered anything: it is no release's
    one = budget(table)
    assert one.begin(9 * DAY_S)
    one.start(0)
    assert one.used_uah(1_000, 7) == used + own


def test_zero_is_no_bound() -> None:
    table = fresh_table()
    for _ in range(50):
        assert budget(table, session_uah=0, day_uah=0).begin(1)
        assert spend(table, 1, session_uah=0, day_uah=0) > 1_500


def test_flash_that_fails_refuses_nothing_and_raises_nothing() -> None:
    class Failing(JournalTable):
        def get(self, key):
            raise OSError(5)

        def commit(self):
            raise OSError(5)

    one = budget(Failing(Journal(NorSectors(4))))
    assert one.begin(0)
    one.start(0)
    one.end(1_000, 3)
