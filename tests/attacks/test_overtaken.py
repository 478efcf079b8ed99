"""Attacks 15 and 16 on a board that has begun with a release: it expires, or is overtaken."""

from attacks.air import NEW, OLD, OTHER, fields_of, release
from attacks.attack import attack, check, stopped
from attacks.places import INTAKE, UPDATE

from cma_toolkit.firmware.kernel.codec.frame import KIND_WANT
from cma_toolkit.firmware.kernel.release import talk
from cma_toolkit.firmware.kernel.release.slots import COST_ORDERLY
from cma_toolkit.firmware.kernel.release.update import Update
from cma_toolkit.firmware.kernel.release.updater import DONE_WHOLE
from cma_toolkit.host_tools.release import documents
from cma_toolkit.host_tools.release.published import Published
from support.release_board import FIRST, TIMESTAMP
from support.release_signers import LATER_S, NOW_S, signed
from support.updating import Air, EdgeStation, UpdatingBoard, part_of, published

UPTIME_S = 5_000
BEGUN = release(NEW, 2)
NEXT = published(part_of(OTHER, 3), version=2)

GOES_ON = check(
    "what is begun goes on as long as it is current",
    INTAKE,
    "self._is_waiting = not self._is_current()",
    "self._is_waiting = False",
)
IS_TRIED = check(
    "what is whole is tried as long as it is current",
    UPDATE,
    "if not board.trust.is_current(board.slots[at].document, board.now_s):",
    "if False:",
)


def session(
    board: UpdatingBoard, offered: Published, uptime_s: int, until_permille: int = 1_001
) -> Air:
    """Let an edge offer a release, until so much of it is here and the power goes."""
    edge = EdgeStation()
    edge.offer(offered)
    board.boot()
    board.installation.read_clock(uptime_s)
    air = Air([edge, board])
    air.start()
    air.run(60_000, lambda: board.machine.intake.done_permille() >= until_permille)
    return air


def half_fetched() -> UpdatingBoard:
    board = UpdatingBoard(1, OLD)
    session(board, BEGUN, UPTIME_S, 1)
    assert 0 < board.machine.intake.done_permille() < 1_000
    return board


def whole() -> UpdatingBoard:
    board = UpdatingBoard(1, OLD)
    session(board, BEGUN, UPTIME_S)
    assert board.outcome == DONE_WHOLE
    return board


def hear_of_the_next(board: UpdatingBoard) -> None:
    board.boot()
    _, said = NEXT.coded(talk.PART_TIMESTAMP, 0) or (0, b"")
    assert board.installation.on_timestamp(said) == 0


def test_what_is_begun_and_current_goes_on() -> None:
    board = half_fetched()
    session(board, BEGUN, UPTIME_S + 60)
    assert board.outcome == DONE_WHOLE and Update(board.installation).start()


def test_what_was_overtaken_goes_on_where_it_was_once_it_is_current_again() -> None:
    board = half_fetched()
    done_permille = board.machine.intake.done_permille()
    hear_of_the_next(board)
    said = documents.timestamp(3, NOW_S, LATER_S, [BEGUN.part.digest, NEXT.part.digest])
    roots = {1: documents.envelope(FIRST.to_bytes())}
    renewed = Published(BEGUN.part, signed(said, [TIMESTAMP]), roots)
    air = session(board, renewed, UPTIME_S + 60)
    wants = [fields_of(frame)[2][::2] for _, node, frame in air.sent
             if node == 1 and frame[1] == KIND_WANT]  # fmt: skip
    assert wants[0] == [talk.PART_TIMESTAMP]
    assert not {talk.PART_ENVELOPE, talk.PART_INDEX} & {part for each in wants for part in each}
    blocks = {part for each in wants[1:] for part in each}
    assert len(blocks) * 1_000 // len(BEGUN.blocks) <= 1_000 - done_permille + 1
    assert board.outcome == DONE_WHOLE and board.image(len(NEW)) == NEW
    assert Update(board.installation).start()


@attack(GOES_ON)
def test_attack_15_expired_after_its_first_blocks() -> None:
    board = half_fetched()
    session(board, BEGUN, UPTIME_S + LATER_S - NOW_S + 1)
    stopped(board.outcome != DONE_WHOLE, "it fetches the rest of what has expired")


@attack(GOES_ON)
def test_attack_16_frozen_at_what_it_has_begun() -> None:
    board = half_fetched()
    hear_of_the_next(board)
    session(board, BEGUN, UPTIME_S + 60)
    stopped(board.outcome != DONE_WHOLE, "it fetches the rest of what was overtaken")
    session(board, NEXT, UPTIME_S + 120)
    assert board.outcome == DONE_WHOLE and board.image(len(OTHER)) == OTHER


@attack(IS_TRIED)
def test_attack_15_expired_before_it_is_tried() -> None:
    board = whole()
    board.boot()
    board.installation.read_clock(UPTIME_S + LATER_S - NOW_S + 1)
    stopped(not Update(board.installation).start(), "it tries what has expired")


@attack(IS_TRIED)
def test_attack_16_frozen_at_what_it_has_not_tried() -> None:
    board = whole()
    hear_of_the_next(board)
    stopped(not Update(board.installation).start(), "it tries what was overtaken")
    assert board.installation.boot(COST_ORDERLY) == 0
