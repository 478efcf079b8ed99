"""One session of an updater: when it does what, and what it holds meanwhile."""

from cma_toolkit.firmware.kernel.release import talk
from cma_toolkit.firmware.kernel.release.updater import DONE_WHOLE
from cma_toolkit.firmware.kernel.ticks import TICKS_PERIOD
from support.updating import Air, EdgeStation, UpdatingBoard, changed, image, part_of, published

OLD = image(1, 20_000)
NEW = changed(OLD)
RELEASE = published(part_of(NEW, 2), [OLD])
LIMIT_MS = 120_000


class Watched(Air):
    """A board that hears an edge, and when anything happens there."""

    def __init__(self, start_ms: int = 0) -> None:
        self.board, edge = UpdatingBoard(1, OLD), EdgeStation()
        self.board.boot()
        edge.offer(RELEASE)
        super().__init__([edge, self.board])
        self.at_ms: list[int] = []
        self.now_ms = start_ms
        self.start()

    def _step(self) -> None:
        self.at_ms.append(self.now_ms)
        super()._step()


def test_a_session_goes_the_same_way_whenever_the_ticks_pass_zero() -> None:
    def happenings(start_ms: int) -> tuple[list[int], list[tuple[int, bytes]]]:
        air = Watched(start_ms)
        air.run(start_ms + LIMIT_MS)
        assert air.board.outcome == DONE_WHOLE and air.board.image(len(NEW)) == NEW
        sent = [(at_ms - start_ms, frame) for at_ms, _, frame in air.sent]
        return [at_ms - start_ms for at_ms in air.at_ms], sent

    usual = happenings(0)
    moments = sorted(set(usual[0]))
    for at_ms in moments[:: len(moments) // 12] + moments[-3:]:
        assert happenings(TICKS_PERIOD - at_ms) == usual, at_ms


def test_what_vouches_for_a_release_is_not_held_any_longer_once_it_is_in_flash() -> None:
    air = Watched()
    intake = air.board.machine.intake
    while intake.holding is None:
        air.run(air.now_ms + 10)
    assert not {talk.PART_ENVELOPE, talk.PART_INDEX} & set(intake.gathering.parts)
