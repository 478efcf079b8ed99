"""Boards that fetch a release after keys were changed, and on flash that fails."""

from dataclasses import replace

import pytest

from cma_toolkit.firmware.kernel.codec.frame import BROADCAST, KIND_PIECE, KIND_WANT
from cma_toolkit.firmware.kernel.identity import Identity
from cma_toolkit.firmware.kernel.limits import HEADER_BYTES
from cma_toolkit.firmware.kernel.release import layout, talk
from cma_toolkit.firmware.kernel.release.refusals import REFUSED_UNLISTED
from cma_toolkit.firmware.kernel.release.slots import FILLING, WHOLE
from cma_toolkit.firmware.kernel.release.update import Update
from cma_toolkit.firmware.kernel.release.updater import (
    DONE_FAILED,
    DONE_NOTHING,
    DONE_REFUSED,
    DONE_STUCK,
    DONE_WHOLE,
    IDLE_MS,
)
from cma_toolkit.host_tools.release import documents
from cma_toolkit.host_tools.release.artefact import Part
from cma_toolkit.host_tools.release.published import Published
from support.release_board import FIRST, RELEASE_2, ROOT, ROOT_2, THIEF, TIMESTAMP, next_root
from support.release_signers import DAY_S, LATER_S, NOW_S, Signer, role, signed
from support.updating import (
    NETWORK,
    SECTORS,
    Air,
    EdgeStation,
    UpdatingBoard,
    changed,
    image,
    part_of,
)
from support.updating import published as published_by_first

OLD = image(1)
NEW = changed(OLD)
LIMIT_MS = 120_000
LIAR = 66
SLOT_B = layout.slot_at(1, SECTORS)


def rotated(
    signers: tuple[Signer, ...] = (ROOT, ROOT_2), data: bytes = NEW, sequence: int = 2
) -> Published:
    """Return a release by a key that the third root names; the board knows the first."""
    second = next_root()
    third = next_root(second, roles={**FIRST.roles, "release": role(1, RELEASE_2)}, sequence=1)
    third = replace(third, version=3)
    payload, _ = documents.open_envelope(part_of(data, sequence).envelope)
    part = Part("", signed(payload, [RELEASE_2]), data)
    said = documents.timestamp(sequence, NOW_S, LATER_S, [part.digest])
    roots = {
        1: documents.envelope(FIRST.to_bytes()),
        2: signed(second.to_bytes(), [ROOT, ROOT_2]),
        3: signed(third.to_bytes(), signers),
    }
    return Published(part, signed(said, [TIMESTAMP]), roots, [OLD, NEW])


def session(release: Published, boards: list[UpdatingBoard], **others: object) -> Air:
    edge = EdgeStation()
    edge.offer(release)
    for board in boards:
        board.boot()
    air = Air([edge, *boards], **others)
    air.start()
    air.run(LIMIT_MS)
    return air


def test_a_board_follows_from_root_to_root_to_the_key_that_signed() -> None:
    board = UpdatingBoard(1, OLD)
    session(rotated(), [board])
    assert board.outcome == DONE_WHOLE and board.image(len(NEW)) == NEW
    assert board.installation.trust.root.version == 3


def test_neighbours_hand_the_roots_on_as_well() -> None:
    boards = [UpdatingBoard(node, OLD) for node in (1, 2, 3)]
    session(rotated(), boards, reach=lambda a, b: abs(a % 99 - b % 99) <= 1)
    assert [board.outcome for board in boards] == [DONE_WHOLE] * 3
    assert all(board.image(len(NEW)) == NEW for board in boards)


def test_a_root_that_nobody_should_believe_is_not_followed() -> None:
    board = UpdatingBoard(1, OLD)
    session(rotated((THIEF,)), [board])
    assert board.outcome == DONE_STUCK and board.installation.trust.root.version == 2
    assert board.installation.slots[1].state != FILLING


def test_a_release_whose_keys_are_revoked_in_its_trial_is_written_over_without_a_delta() -> None:
    board = UpdatingBoard(1, OLD)
    session(published_by_first(part_of(NEW, 2), [OLD]), [board])
    assert Update(board.installation).start()
    board.boot()
    assert board.installation.running == 1
    newest = changed(NEW, 5)
    air = session(rotated(data=newest, sequence=3), [board])
    assert board.outcome == DONE_WHOLE and board.image(len(newest)) == newest
    forms = {talk.read(11, frame[14:])[1] for _, _, frame in air.sent if frame[1] == 11}
    assert forms == {talk.FORM_PLAIN, talk.FORM_DEFLATED}


@pytest.mark.parametrize("how", ["program error", "erase error"])
def test_flash_that_fails_ends_the_session(how: str) -> None:
    board = UpdatingBoard(1, OLD)
    board.flash.bad[SLOT_B + 5] = how
    air = session(published_by_first(part_of(NEW, 2), [OLD]), [board])
    assert board.outcome == DONE_FAILED and air.now_ms < 5_000
    assert board.installation.slots[1].state == FILLING


def test_flash_that_lies_is_written_once_more_and_then_given_up() -> None:
    board = UpdatingBoard(1, OLD)
    board.flash.bad[SLOT_B + 5] = "program no-op"
    air = session(published_by_first(part_of(NEW, 2), [OLD]), [board])
    assert board.outcome == DONE_FAILED and air.now_ms < 10_000
    # Once it can be written to again, one block is what is lacking.
    board.flash.bad.clear()
    before = len(air.sent)
    edge = EdgeStation()
    edge.offer(published_by_first(part_of(NEW, 2), [OLD]))
    board.boot()
    again = Air([edge, board])
    again.start()
    again.run(LIMIT_MS)
    assert board.outcome == DONE_WHOLE and board.installation.slots[1].state == WHOLE
    pieces = [frame for _, _, frame in again.sent if frame[1] == 11]
    assert before and {talk.read(11, frame[14:])[2] for frame in pieces} == {5}


def test_sectors_behind_the_image_that_fail_keep_nobody_from_updating() -> None:
    board = UpdatingBoard(1, OLD)
    for sector in range(SLOT_B + 15, SLOT_B + layout.slot_sectors(SECTORS) - 3):
        board.flash.bad[sector] = "program error"
    session(published_by_first(part_of(NEW, 2), [OLD]), [board])
    assert board.outcome == DONE_WHOLE and board.image(len(NEW)) == NEW


def test_a_release_that_is_no_longer_current_ends_the_session_and_is_not_rejected() -> None:
    board, edge = UpdatingBoard(1, OLD), EdgeStation()
    two, three = part_of(NEW, 2), part_of(NEW, 3)
    said = documents.timestamp(2, NOW_S, LATER_S, [three.digest])
    roots = {1: documents.envelope(FIRST.to_bytes())}
    edge.offer(Published(two, signed(said, [TIMESTAMP]), roots))
    board.boot()
    air = Air([edge, board])
    air.start()
    air.run(LIMIT_MS)
    assert (board.outcome, board.machine.reason) == (DONE_REFUSED, REFUSED_UNLISTED)
    assert air.now_ms < 2 * IDLE_MS
    asked = [frame for _, node, frame in air.sent if node == 1 and frame[1] == KIND_WANT]
    assert len(asked) < 20
    stages = {report.stage for report in edge.reports}
    assert stages == {talk.STAGE_IDLE}, "of the release that it is to be no judgement is known"


def test_a_liar_with_another_timestamp_keeps_nobody_from_a_release() -> None:
    board, edge = UpdatingBoard(1, OLD), EdgeStation()
    two = part_of(NEW, 2)
    true = documents.timestamp(2, NOW_S, LATER_S, [two.digest])
    other = documents.timestamp(1, NOW_S, LATER_S, [part_of(OLD, 1).digest])
    lie = signed(other, [TIMESTAMP])
    roots = {1: documents.envelope(FIRST.to_bytes())}
    edge.offer(Published(two, signed(true, [TIMESTAMP]), roots))
    liar = Identity("liar", LIAR, NETWORK, "")
    lies = []

    def meddle(source: int, target: int, frame: bytes) -> list[bytes]:
        fields = talk.read(frame[1], memoryview(frame)[HEADER_BYTES:])
        if target != 1 or frame[1] != KIND_PIECE or fields[2] != talk.PART_TIMESTAMP:
            return [frame]
        said = [*fields[:3], len(lie), fields[4], talk.piece_of(lie, fields[4])]
        lies.append(bytes(talk.write(liar, KIND_PIECE, said, len(lies), BROADCAST)))
        return [lies[-1], frame]  # always the first to answer

    board.boot()
    air = Air([edge, board], meddle=meddle)
    air.start()
    air.run(LIMIT_MS)
    assert lies and board.outcome == DONE_WHOLE and board.image(len(NEW)) == NEW


def test_who_runs_what_is_offered_with_a_new_root_has_nothing_to_fetch() -> None:
    board = UpdatingBoard(1, NEW, sequence=2)
    air = session(rotated(sequence=2), [board])
    assert board.outcome == DONE_NOTHING and board.machine.reason == 0
    assert not [frame for _, node, frame in air.sent if node == 1 and frame[1] == KIND_WANT]


def test_a_time_that_older_keys_told_is_void_with_their_root() -> None:
    stolen = documents.timestamp(1, LATER_S - 10, LATER_S - 5, [])
    board = UpdatingBoard(1, OLD)
    board.boot()
    board.installation.read_clock(0)
    assert board.installation.on_timestamp(signed(stolen, [TIMESTAMP])) == 0
    second = next_root(roles={**FIRST.roles, "timestamp": role(1, RELEASE_2)})
    board.boot()
    board.installation.read_clock(0)
    root = signed(second.to_bytes(), [ROOT, ROOT_2])
    good = documents.timestamp(1, NOW_S, NOW_S + DAY_S, [])
    assert board.installation.on_root(root) == 0
    assert board.installation.on_timestamp(signed(good, [RELEASE_2])) == 0
