"""What an update takes of a battery: bounded by session and day, and told as it was."""

import pytest

from cma_toolkit.boards.load import load_board
from cma_toolkit.firmware.kernel.config import STATE_NAMES
from cma_toolkit.firmware.kernel.release.updater import DONE_SPENT, DONE_WHOLE
from support.update_cluster import update
from support.updating import Air, EdgeStation, UpdatingBoard, changed, image, part_of, published

OLD = image(1)
NEW = changed(OLD)
CURRENTS = load_board("esp32-devkitc").current_ua
TABLE = tuple(CURRENTS.get(name, 0) for name in STATE_NAMES)
FULL = published(part_of(NEW, 2))


@pytest.mark.parametrize("loss_permille", [0, 200])
def test_what_boards_tell_is_what_the_model_of_their_currents_says(loss_permille: int) -> None:
    used = update(OLD, NEW, 5, loss_permille, currents_ua=CURRENTS)
    assert used.updated == 5
    for told, uah in zip(used.told, used.uah, strict=True):
        assert 0 < told <= uah + 1 and uah <= 1.1 * told, (used.told, used.uah)


def test_a_board_that_may_use_little_takes_a_release_in_many_sessions() -> None:
    board, edge = UpdatingBoard(1, OLD), EdgeStation()
    edge.offer(FULL)
    board.limits = TABLE, 76, 0
    air, told, sessions = Air([edge, board], 0.3), 0, 0
    while board.outcome != DONE_WHOLE:
        assert sessions < 20 and board.outcome in {0, DONE_SPENT}
        assert board.boot().budget.begin(air.now_ms // 1000)
        air.start(1)
        air.run(air.now_ms + 120_000)
        sessions += 1
        last = edge.reports[-1].used_uah
        assert 0 < last - told <= 76
        told = last
    assert sessions > 2 and board.image(len(NEW)) == NEW


def test_a_day_that_is_used_up_begins_no_session_and_the_next_one_goes_on() -> None:
    board, edge = UpdatingBoard(1, OLD), EdgeStation()
    edge.offer(FULL)
    board.limits = TABLE, 80, 100
    air, days = Air([edge, board], 0.1), 0
    while board.outcome != DONE_WHOLE:
        while board.boot().budget.begin(days * 86_400):
            air.start(1)
            air.run(air.now_ms + 120_000)
            if board.outcome == DONE_WHOLE:
                break
        days += 1
        assert edge.reports[-1].used_uah <= 100 * days
        assert days < 5
    assert days > 1 and board.image(len(NEW)) == NEW
