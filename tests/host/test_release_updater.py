"""Boards that fetch a release: from an edge, from each other, over bad air, in many sessions."""

import random
from collections.abc import Sequence
from pathlib import Path

import pycddl
import pytest

from cma_toolkit.firmware.kernel.codec.frame import KIND_OFFER, KIND_PIECE, KIND_WANT
from cma_toolkit.firmware.kernel.release import talk
from cma_toolkit.firmware.kernel.release.refusals import (
    REFUSED_BATTERY,
    REFUSED_DEPENDENCY,
    REFUSED_RUNTIME,
)
from cma_toolkit.firmware.kernel.release.slots import FILLING, TRIAL, WHOLE
from cma_toolkit.firmware.kernel.release.update import Update
from cma_toolkit.firmware.kernel.release.updater import (
    DONE_NOTHING,
    DONE_REFUSED,
    DONE_SPENT,
    DONE_STUCK,
    DONE_WHOLE,
    IDLE_MS,
)
from cma_toolkit.firmware.kernel.ticks import TICKS_PERIOD, ticks_add
from cma_toolkit.host_tools.release.published import Published
from support.updating import (
    EDGE_NODE,
    Air,
    EdgeStation,
    UpdatingBoard,
    changed,
    image,
    part_of,
    published,
)

OLD = image(1)
NEW = changed(OLD)
DELTA = published(part_of(NEW, 2), [OLD])
FULL = published(part_of(NEW, 2))
OLDER = image(2)
LIMIT_MS = 120_000


def boards_of(count: int, runs: bytes | None = OLD) -> list[UpdatingBoard]:
    made = [UpdatingBoard(node, runs) for node in range(1, count + 1)]
    for board in made:
        board.boot()
    return made


def edge_of(release: Published, *nodes: int) -> EdgeStation:
    edge = EdgeStation()
    edge.offer(release, *nodes)
    return edge


def is_updated(board: UpdatingBoard) -> bool:
    return board.outcome == DONE_WHOLE and board.image(len(NEW)) == NEW


def run_sessions(air: Air, boards: Sequence[UpdatingBoard], count: int) -> None:
    """Let boards that lack the release come back for so many sessions."""
    for _ in range(count):
        air.run(air.now_ms + LIMIT_MS)
        for board in boards:
            if not is_updated(board):
                board.boot()
                air.start(board.node)


def sent_bytes(air: Air) -> int:
    return sum(len(frame) for _, _, frame in air.sent)


def pieces(air: Air) -> list[tuple[int, int]]:
    return [(node, frame[1]) for _, node, frame in air.sent if frame[1] == KIND_PIECE]


def test_what_is_to_be_asked_for_as_ticks_pass_zero_keeps_a_session_open() -> None:
    (board,) = boards_of(1)
    machine, air = board.machine, Air([board])
    last_ms = TICKS_PERIOD - 1
    machine.start(last_ms - IDLE_MS, air._out[board.node])
    machine.fetching.next_at_ms = 0  # an instant like any other
    machine.on_time(last_ms, air._out[board.node])
    assert not board.outcome
    machine.fetching.stop()
    machine.on_time(ticks_add(last_ms, IDLE_MS), air._out[board.node])
    assert board.outcome == DONE_NOTHING


def test_a_board_takes_what_it_is_offered_tries_it_and_starts_it() -> None:
    (board,), edge = boards_of(1), edge_of(FULL)
    air = Air([edge, board])
    air.start()
    air.run(LIMIT_MS)
    assert is_updated(board) and board.installation.slots[1].state == WHOLE
    assert Update(board.installation).start()
    board.boot()
    assert board.installation.running == 1 and board.installation.slots[1].state == TRIAL
    assert [(report.stage, report.done_permille) for report in edge.reports][-1] == (1, 1000)
    assert edge.reports[-1].sequence == 1 and edge.reports[-1].target == 2


def test_a_delta_takes_a_tenth_of_what_the_image_takes() -> None:
    spent = {}
    for name, release in (("delta", DELTA), ("full", FULL)):
        (board,), edge = boards_of(1), edge_of(release)
        air = Air([edge, board])
        air.start()
        air.run(LIMIT_MS)
        assert is_updated(board)
        spent[name] = sent_bytes(air)
        # Documents, then blocks: nothing is asked for again while it comes.
        assert sum(frame[1] == KIND_WANT for _, _, frame in air.sent) == 2
    assert spent["delta"] * 5 < spent["full"]


def test_a_board_that_runs_something_else_gets_whole_blocks() -> None:
    for runs in (OLDER, None):
        (board,), edge = boards_of(1, runs), edge_of(DELTA)
        air = Air([edge, board])
        air.start()
        air.run(LIMIT_MS)
        assert is_updated(board)


@pytest.mark.parametrize("loss", [0.01, 0.1, 0.3, 0.5])
def test_lost_frames_cost_time_and_nothing_else(loss: float) -> None:
    boards, edge = boards_of(3), edge_of(DELTA)
    air = Air([edge, *boards], loss, seed=int(loss * 100))
    air.start()
    for _ in range(20):
        air.run(air.now_ms + LIMIT_MS)
        again = [board for board in boards if not is_updated(board)]
        if not again:
            return
        for board in again:
            board.boot()
            air.start(board.node)
    raise AssertionError([board.outcome for board in boards])


def test_one_download_serves_a_cluster() -> None:
    (alone,), edge = boards_of(1), edge_of(DELTA)
    air = Air([edge, alone])
    air.start()
    air.run(LIMIT_MS)
    boards, edge = boards_of(30), edge_of(DELTA)
    together = Air([edge, *boards])
    together.start()
    together.run(LIMIT_MS)
    assert all(is_updated(board) for board in boards)
    assert sent_bytes(together) / 30 < 0.1 * sent_bytes(air)
    # Who hears another ask waits for the answer, and nobody asks while pieces come.
    assert sum(frame[1] == KIND_WANT for _, _, frame in together.sent) <= 15


def test_boards_out_of_reach_of_the_edge_get_the_delta_from_their_neighbours() -> None:
    boards, edge = boards_of(5), edge_of(DELTA)
    line = {EDGE_NODE: 0, **{board.node: board.node for board in boards}}
    air = Air([edge, *boards], 0.05, reach=lambda a, b: abs(line[a] - line[b]) <= 1)
    air.start()
    air.run(LIMIT_MS)
    assert all(is_updated(board) for board in boards)
    assert sent_bytes(air) < 5 * 16_000  # five times the delta and its documents
    assert {node for node, _ in pieces(air)} == {EDGE_NODE, 1, 2, 3, 4}


def test_a_board_that_runs_the_release_hands_it_on_without_an_edge() -> None:
    (first,), edge = boards_of(1), edge_of(DELTA)
    air = Air([edge, first])
    air.start()
    air.run(LIMIT_MS)
    Update(first.installation).start()
    first.boot()
    (second,) = [UpdatingBoard(7, OLD)]
    second.boot()
    air = Air([first, second])
    air.start()
    # It has no offer of its own; who hears one may take it from here.
    frame = talk.write(
        edge.machine._identity,
        KIND_OFFER,
        [1, 2, DELTA.digest, DELTA.class_tag, 1, [], []],
        0,
    )
    for station in (first, second):
        station.machine.on_frame(0, 0, frame, len(frame), -50, air._out[station.node])
    air.run(LIMIT_MS)
    assert is_updated(second)


def test_a_board_that_was_not_offered_it_takes_nothing() -> None:
    boards, edge = boards_of(3), edge_of(DELTA, 2)
    air = Air([edge, *boards])
    air.start()
    air.run(LIMIT_MS)
    assert [is_updated(board) for board in boards] == [False, True, False]
    assert boards[0].outcome == DONE_NOTHING and boards[0].installation.slots[1].state != FILLING


def test_many_boards_are_named_in_several_offers() -> None:
    boards = boards_of(3)
    edge = edge_of(DELTA, *range(1_000, 1_080), 3, 1, 2)
    air = Air([edge, *boards])
    air.start()
    air.run(LIMIT_MS)
    assert all(is_updated(board) for board in boards)


def test_an_offer_that_is_taken_back_stops_the_fetching_and_keeps_the_blocks() -> None:
    (board,), edge = boards_of(1), edge_of(FULL, 1)
    air = Air([edge, board])
    air.start()
    air.run(LIMIT_MS, lambda: board.machine.intake.done_permille() > 300)
    edge.offer(FULL, 2, generation=2)
    air.run(LIMIT_MS)
    assert board.outcome == DONE_NOTHING
    intake, holding = board.machine.intake, board.machine.intake.holding
    assert 0 < sum(holding.have) < len(holding.have)
    # What is not here yet is not handed on; what is too long for a block is none.
    assert holding.coded(holding.have.index(0), 0) is None
    assert holding.coded(holding.have.index(1), 0) is not None
    assert intake.may_be(0, 0, 4096) and not intake.may_be(0, 0, 4097)
    # An older offer that somebody still sends does not bring it back; a newer one does.
    board.boot()
    assert board.installation.slots[1].state == FILLING
    edge.offer(FULL, 1, generation=3)
    before = len(air.sent)
    air.start(1)
    air.run(air.now_ms + LIMIT_MS)
    assert is_updated(board)
    sent = sum(len(frame) for _, _, frame in air.sent[before:])
    assert sent < 0.8 * len(NEW)  # what was there was not fetched again


@pytest.mark.parametrize("every", [1, 2, 3])
def test_a_fetch_goes_on_where_it_was_however_often_the_power_goes(every: int) -> None:
    (board,), edge = boards_of(1), edge_of(FULL)
    air, boots = Air([edge, board], 0.1, seed=every), 0
    air.start()
    have = 0
    while not board.machine.intake.is_whole:
        target = have + every

        def is_there(target: int = target) -> bool:
            held = board.machine.intake.holding
            return board.machine.intake.is_whole or (held and sum(held.have) >= target)

        air.run(air.now_ms + LIMIT_MS, is_there)
        have = sum(board.machine.intake.holding.have)
        if not board.machine.intake.is_whole:
            boots += 1
            board.boot()
            assert board.machine.intake.holding is None
            air.start(1)
    assert boots >= 16 // every - 2
    air.run(air.now_ms + LIMIT_MS)
    assert is_updated(board)
    # The documents are in flash: no later session asks for them again.
    asked = [
        talk.read(10, memoryview(frame)[14:])[2][0]
        for _, node, frame in air.sent
        if node == 1 and frame[1] == KIND_WANT
    ]
    assert all(part < talk.PART_INDEX for part in asked[4:])


def test_a_sender_that_vanishes_leaves_a_board_that_gives_up_for_this_time() -> None:
    (board,), edge = boards_of(1), edge_of(FULL)
    air = Air([edge, board])
    air.start()
    air.run(LIMIT_MS, lambda: board.machine.intake.done_permille() > 200)
    edge.outcome = 1  # it is gone
    gone_ms = air.now_ms
    air.run(LIMIT_MS)
    assert board.outcome == DONE_STUCK and air.now_ms - gone_ms < 20_000
    edge.outcome = 0
    board.boot()
    air.start(1)
    air.run(air.now_ms + LIMIT_MS)
    assert is_updated(board)


def test_a_session_ends_when_its_time_is_up_whatever_comes() -> None:
    (board,), edge = boards_of(1), edge_of(FULL)
    board.boot(session_ms=400)
    air = Air([edge, board], 0.5)
    air.start()
    air.run(LIMIT_MS)
    assert board.outcome == DONE_SPENT and air.now_ms <= 410


@pytest.mark.parametrize(
    ("others", "reason"),
    [
        ({"after": 2}, REFUSED_DEPENDENCY),
        ({"mpy": 7 << 8}, REFUSED_RUNTIME),
        ({"battery_mv": 3_700}, REFUSED_BATTERY),
    ],
)
def test_what_the_board_refuses_is_not_fetched(others: dict[str, int], reason: int) -> None:
    release = published(part_of(NEW, 3, **others), [OLD])
    (board,), edge = boards_of(1), edge_of(release)
    board.kind.battery_mv = 3_600
    air = Air([edge, board])
    air.start()
    air.run(LIMIT_MS)
    assert (board.outcome, board.machine.reason) == (DONE_REFUSED, reason)
    assert (edge.reports[-1].stage, edge.reports[-1].reason) == (talk.STAGE_REJECTED, reason)
    assert sent_bytes(air) < 8_000 and board.installation.slots[1].state != FILLING


def test_nobody_there_costs_a_short_while() -> None:
    (board,) = boards_of(1)
    air = Air([board])
    air.start()
    air.run(LIMIT_MS)
    assert board.outcome == DONE_NOTHING and air.now_ms <= 5_100 and sent_bytes(air) < 150


def test_air_that_changes_repeats_and_reorders_does_no_harm() -> None:
    draw = random.Random(4)
    held: list[bytes] = []

    def meddle(source: int, target: int, frame: bytes) -> list[bytes]:
        what = draw.random()
        if what < 0.03:
            broken = bytearray(frame)
            broken[draw.randrange(len(frame))] ^= 1 << draw.randrange(8)
            return [bytes(broken)]
        if what < 0.2:
            return [frame, frame]
        if what < 0.3:
            held.append(frame)
            return []
        return [frame, held.pop()] if held and what < 0.5 else [frame]

    boards, edge = boards_of(3), edge_of(DELTA)
    air = Air([edge, *boards], 0.1, meddle=meddle)
    air.start()
    run_sessions(air, boards, 10)
    assert all(board.image(len(NEW)) == NEW for board in boards)


def test_a_neighbour_that_lies_is_found_out_and_left_out() -> None:
    liar = 50

    class Liar(EdgeStation):
        """Answers every want at once, with what is not so."""

    boards, edge = boards_of(2), edge_of(DELTA)
    bad = Liar(liar)
    wrong = published(part_of(NEW, 2), [OLD])
    wrong.tag, wrong.digest = DELTA.tag, DELTA.digest
    for part in list(wrong._documents):
        if part != talk.PART_INDEX:
            wrong._documents[part] = DELTA._documents[part]
    for window in range(len(wrong.blocks)):
        broken = bytearray(wrong.delta(DELTA.bases[0])[window])
        broken[-1] ^= 1
        wrong._deltas[DELTA.bases[0]][window] = bytes(broken)
    bad.offer(wrong)
    bad.machine._serving._lead_ms = 1
    air = Air([edge, bad, *boards])
    air.start()
    run_sessions(air, boards, 5)
    assert all(board.image(len(NEW)) == NEW for board in boards)


def test_every_frame_has_the_shape_that_the_standard_of_the_bytes_gives_it() -> None:
    cddl = (Path(__file__).parents[2] / "firmware" / "protocol.cddl").read_text()
    rules = {
        kind: pycddl.Schema(f"start = {rule}\n{cddl}")
        for kind, rule in ((9, "offer"), (10, "want"), (11, "piece"), (12, "report"))
    }
    seen = set()
    for release in (DELTA, FULL):
        boards, edge = boards_of(2), edge_of(release, 1, 2)
        air = Air([edge, *boards], 0.2)
        air.start()
        air.run(LIMIT_MS)
        for _, _, frame in air.sent:
            rules[frame[1]].validate_cbor(frame[14:])
            seen.add(frame[1])
    assert seen == set(rules)
