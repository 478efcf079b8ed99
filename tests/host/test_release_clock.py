"""Boards that know how late it is: by what was signed, and by their own clocks since."""

import pytest

from cma_toolkit.firmware.kernel.release.refusals import REFUSED_EXPIRED
from cma_toolkit.firmware.kernel.release.updater import DONE_REFUSED, DONE_WHOLE
from cma_toolkit.host_tools.release import documents
from cma_toolkit.host_tools.release.published import Published
from support.release_board import FIRST, TIMESTAMP
from support.release_signers import DAY_S, NOW_S, signed
from support.updating import Air, EdgeStation, UpdatingBoard, changed, image, part_of

OLD = image(1, 9_000)
NEW = changed(OLD)[:9_000]
WEEK_S = 7 * DAY_S
EPOCH_S = 946_684_800
UPTIME_S = 5_000


def offered(board: UpdatingBoard, version: int, issued_s: int, clock_s: int) -> int:
    """Offer release 2 in a session, vouched for by one more timestamp; return why not."""
    edge, two = EdgeStation(), part_of(NEW, 2)
    said = documents.timestamp(version, issued_s, issued_s + WEEK_S, [two.digest])
    roots = {1: documents.envelope(FIRST.to_bytes())}
    edge.offer(Published(two, signed(said, [TIMESTAMP]), roots))
    board.boot()
    board.installation.read_clock(clock_s)
    air = Air([edge, board])
    air.start()
    air.run(60_000)
    assert board.outcome == (DONE_REFUSED if board.machine.reason else DONE_WHOLE)
    return board.machine.reason


def heard(issued_s: int = NOW_S, clock_s: int = UPTIME_S) -> UpdatingBoard:
    """Return a board that has heard a timestamp, and of no release that is for it."""
    board = UpdatingBoard(1, OLD)
    board.boot()
    board.installation.read_clock(clock_s)
    said = documents.timestamp(1, issued_s, issued_s + WEEK_S, [part_of(NEW, 2).digest])
    assert board.installation.on_timestamp(signed(said, [TIMESTAMP])) == 0
    return board


@pytest.mark.parametrize("since_s", [WEEK_S - 10, WEEK_S + 10])
def test_a_timestamp_is_believed_for_as_long_as_it_says(since_s: int) -> None:
    reason = offered(heard(), 1, NOW_S, UPTIME_S + since_s)
    assert reason == (REFUSED_EXPIRED if since_s > WEEK_S else 0)


def test_who_held_on_to_what_has_expired_takes_a_later_word_for_it() -> None:
    since_s = WEEK_S + 10
    assert offered(heard(), 2, NOW_S + WEEK_S, UPTIME_S + since_s) == 0


def test_a_clock_that_somebody_set_is_believed_at_once() -> None:
    board = UpdatingBoard(1, OLD)
    now_s = NOW_S - EPOCH_S + WEEK_S + 10
    assert offered(board, 1, NOW_S, now_s) == REFUSED_EXPIRED
    assert offered(board, 1, NOW_S, now_s - 20) == 0


def test_time_does_not_go_on_too_fast_when_the_power_went_in_between() -> None:
    board = heard()
    board.boot()
    for clock_s in (0, 10, UPTIME_S, UPTIME_S + 7):
        board.installation.read_clock(clock_s)
        assert board.installation.now_s == NOW_S + max(0, clock_s - UPTIME_S)


def test_a_word_that_comes_late_does_not_turn_time_back() -> None:
    board = heard()
    board.installation.read_clock(UPTIME_S + 5 * DAY_S)
    late = documents.timestamp(2, NOW_S + DAY_S, NOW_S + WEEK_S, [])
    assert board.installation.on_timestamp(signed(late, [TIMESTAMP])) == 0
    board.boot()
    board.installation.read_clock(UPTIME_S + 6 * DAY_S)
    assert board.installation.now_s >= NOW_S + 6 * DAY_S


def test_a_clock_that_says_just_what_was_signed_is_right() -> None:
    board = heard()
    board.boot()
    board.installation.read_clock(NOW_S - EPOCH_S)
    assert board.installation.now_s == NOW_S
