"""MicroPython that came over the air: tried, kept, gone back from, and never older than it was."""

from pathlib import Path

import pycddl
import pytest

from cma_toolkit.firmware.kernel.release import refusals
from cma_toolkit.firmware.kernel.release.runtime import ON_TRIAL, RESTART, SETTLED
from cma_toolkit.firmware.kernel.release.slots import (
    CONFIRMED,
    COST_ORDERLY,
    COST_POWER,
    COST_UNCLEAN,
    REJECTED,
    TRIAL,
    TRIAL_UNITS,
)
from support.release_board import FIRST, ROOT, ROOT_2, TIMESTAMP, next_root
from support.release_signers import NOW_S, Signer, role, signed
from support.runtimes import (
    CLASS_ID,
    FACTORY_AT,
    PLACES_AT,
    MicroPython,
    RuntimeBoard,
    micropython,
    new_flash,
    stamp,
)

CDDL = (Path(__file__).parents[2] / "firmware" / "protocol.cddl").read_text()
FACTORY = b"\xe9factory" + bytes(3_000)
ONE, TWO, THREE = (micropython(number) for number in (5, 7, 9))
BAD = micropython(7, is_good=False)


def board_of(*releases: MicroPython) -> RuntimeBoard:
    """Return a board that was told what is current and that runs what came by cable."""
    images = [FACTORY, *(each.image for each in releases)]
    board = RuntimeBoard(new_flash(FACTORY), images)
    assert board.reset() == FACTORY_AT
    assert board.runtime.boot(COST_POWER) == SETTLED
    assert board.installation.on_timestamp(stamp(1, *releases), NOW_S) == 0
    return board


def confirm(board: RuntimeBoard) -> None:
    """Let what was fetched be tried and found healthy."""
    board.reset()
    assert board.runtime.boot(COST_ORDERLY) == ON_TRIAL
    board.places.mark_valid()  # as an agent does before the reset that tells the loader
    board.reset()
    assert board.runtime.boot(COST_ORDERLY, is_healthy=True) == SETTLED


def test_one_is_tried_and_kept_and_the_next_goes_to_the_other_place() -> None:
    board = board_of(ONE, TWO)
    assert board.runtime.runs == 0
    for release, at in ((ONE, PLACES_AT[0]), (TWO, PLACES_AT[1])):
        assert board.fetch(release) == 0
        confirm(board)
        assert (board.places.running_at, board.runtime.runs) == (at, release.sequence)
        assert board.runtime.record.slot.state == CONFIRMED
        for _ in range(3):
            assert board.reset() == at
            assert board.runtime.boot(COST_POWER) == SETTLED
    assert board.fetch(ONE) == refusals.REFUSED_VERSION
    assert board.fetch(TWO) == refusals.REFUSED_VERSION


def test_a_wake_goes_on_with_a_trial_and_a_reset_goes_back_and_tries_again() -> None:
    board = board_of(ONE)
    assert board.fetch(ONE) == 0
    assert board.runtime.begin(ONE.part.envelope, board.kind) == refusals.REFUSED_ON_TRIAL
    board.reset()
    for _ in range(5):
        assert board.runtime.boot(COST_ORDERLY) == ON_TRIAL
    assert board.runtime.record.slot.left == TRIAL_UNITS
    assert board.reset() == FACTORY_AT, "the bootloader goes back"
    assert board.runtime.runs == 0
    assert board.runtime.boot(COST_POWER) == RESTART
    assert board.runtime.record.slot.left == TRIAL_UNITS - COST_POWER
    assert board.reset() == PLACES_AT[0]
    assert board.runtime.runs == ONE.sequence


@pytest.mark.parametrize(
    "cost,tries",
    [(COST_UNCLEAN, 2), (COST_POWER, TRIAL_UNITS), (COST_ORDERLY, TRIAL_UNITS)],
)
def test_one_that_does_not_stay_up_is_given_up(cost: int, tries: int) -> None:
    board = board_of(BAD)
    assert board.fetch(BAD) == 0
    for _ in range(tries):
        assert board.reset() == PLACES_AT[0]
        assert board.runtime.boot(COST_ORDERLY) == ON_TRIAL
        assert board.reset() == FACTORY_AT
        found = board.runtime.boot(cost)
    assert found == SETTLED and board.runtime.record.slot.state == REJECTED
    assert board.reset() == FACTORY_AT
    assert board.runtime.begin(BAD.part.envelope, board.kind) == refusals.REFUSED_GIVEN_UP


def test_what_an_agent_gives_up_goes_even_if_the_bootloader_was_told_to_keep_it() -> None:
    for was_kept in (False, True):
        board = board_of(ONE, TWO)
        assert board.fetch(ONE) == 0
        confirm(board)
        assert board.fetch(TWO) == 0
        assert board.reset() == PLACES_AT[1]
        if was_kept:
            board.places.mark_valid()
        assert board.runtime.boot(COST_ORDERLY, is_given_up=True) == RESTART
        at = board.reset()
        assert at == PLACES_AT[1 if was_kept else 0]
        if was_kept:
            assert board.runtime.boot(COST_ORDERLY) == RESTART
            assert board.reset() == PLACES_AT[0]
        assert board.runtime.boot(COST_ORDERLY) == SETTLED
        # What was gone back to is there to stay, though the bootloader took it for a new one.
        assert [board.reset() for _ in range(2)] == [PLACES_AT[0]] * 2
        assert board.runtime.runs == ONE.sequence
        assert board.fetch(TWO) == refusals.REFUSED_GIVEN_UP


def test_a_way_back_that_is_none_is_not_tried_for_ever() -> None:
    board = board_of(ONE)
    assert board.fetch(ONE) == 0
    board.reset()
    board.places.mark_valid()
    assert board.runtime.boot(COST_ORDERLY, is_given_up=True) == RESTART
    board.flash.cells[FACTORY_AT : FACTORY_AT + 9] = b"rotten..."
    found = []
    for _ in range(6):
        assert board.reset() == PLACES_AT[0]
        found.append(board.runtime.boot(COST_ORDERLY))
    assert found == [RESTART] * 3 + [SETTLED] * 3


def test_what_rotted_comes_again_but_nothing_older() -> None:
    board = board_of(ONE, TWO)
    assert board.fetch(TWO) == 0
    confirm(board)
    board.flash.cells[PLACES_AT[0] + 100] ^= 1
    assert board.reset() == FACTORY_AT
    assert board.runtime.boot(COST_POWER) == SETTLED
    assert board.runtime.runs == 0
    assert board.fetch(ONE) == refusals.REFUSED_VERSION
    assert board.fetch(TWO) == 0
    confirm(board)
    assert board.runtime.runs == TWO.sequence


def test_one_that_rots_before_it_is_tried_again_is_fetched_again() -> None:
    board = board_of(ONE)
    assert board.fetch(ONE) == 0
    board.flash.cells[PLACES_AT[0] + 100] ^= 1
    assert board.reset() == FACTORY_AT
    assert board.runtime.boot(COST_ORDERLY) == SETTLED
    assert not board.runtime.is_on_trial
    assert board.fetch(ONE) == 0
    assert board.reset() == PLACES_AT[0]


def test_nothing_is_started_that_does_not_read_back_whole() -> None:
    board = board_of(ONE)
    assert not board.runtime.start(), "nothing was begun"
    assert board.runtime.begin(ONE.part.envelope, board.kind, NOW_S) == 0
    assert not board.runtime.start(), "nothing came"
    board.fill(ONE.image)
    board.flash.cells[PLACES_AT[0] + 100] ^= 1
    assert not board.runtime.start()
    assert not board.runtime.is_on_trial
    assert board.reset() == FACTORY_AT
    assert board.runtime.boot(COST_POWER) == SETTLED


def test_what_came_by_cable_and_is_the_same_needs_not_come_over_the_air() -> None:
    board = RuntimeBoard(new_flash(ONE.image), [ONE.image])
    board.reset()
    assert board.installation.on_timestamp(stamp(1, ONE), NOW_S) == 0
    operations = board.flash.programmed_bytes
    assert board.runtime.runs == 0
    assert board.fetch(ONE) == refusals.REFUSED_MICROPYTHON
    assert board.runtime.runs == ONE.sequence
    assert board.flash.programmed_bytes - operations < 1_024, "one record of the journal"
    board.reset()
    assert board.runtime.runs == ONE.sequence


@pytest.mark.parametrize(
    "others,reason",
    [
        ({"class_id": bytes(16)}, refusals.REFUSED_CLASS),
        ({"mpy": 6 << 8 | 2}, refusals.REFUSED_RUNTIME),
        ({"mpy": 7 << 8}, refusals.REFUSED_RUNTIME),
        ({"size_bytes": 3 * 4_096 + 1}, refusals.REFUSED_SIZE),
        ({"battery_mv": 3_700}, refusals.REFUSED_BATTERY),
    ],
)
def test_it_has_to_suit_the_board(others: dict[str, int], reason: int) -> None:
    made = micropython(6, **others)
    board = board_of(made)
    board.kind.battery_mv, board.kind.mpy = 3_600, 6 << 8 | 0xFF
    assert board.runtime.begin(made.part.envelope, board.kind) == reason


def test_it_has_to_be_signed_and_current() -> None:
    board, thief = board_of(ONE), Signer(88)
    forged = micropython(8, by=thief)
    assert board.fetch(TWO) == refusals.REFUSED_UNLISTED
    assert board.installation.on_timestamp(stamp(2, forged), NOW_S) == 0
    assert board.fetch(forged) == refusals.REFUSED_UNSIGNED
    assert board.installation.trust is not None
    board.installation.trust = None
    assert board.fetch(ONE) == refusals.REFUSED_UNSIGNED


def test_the_security_counter_keeps_an_earlier_one_from_coming_back() -> None:
    safe, open_ = micropython(5, security_counter=2), micropython(7, security_counter=1)
    board = board_of(safe, open_)
    assert board.fetch(safe) == 0
    confirm(board)
    assert board.fetch(open_) == refusals.REFUSED_COUNTER


def test_what_a_thief_of_keys_made_it_count_up_to_is_void() -> None:
    stolen, owner = micropython(900_000, security_counter=80), Signer(77)
    ours = micropython(12, by=owner)
    board = board_of(stolen, ours)
    assert board.fetch(stolen) == 0
    confirm(board)
    roles = {"root": role(2, ROOT, ROOT_2), "release": role(1, owner)}
    root = next_root(FIRST, roles={**roles, "timestamp": role(1, TIMESTAMP)}, sequence=11)
    assert board.installation.on_root(signed(root.to_bytes(), [ROOT, ROOT_2])) == 0
    assert board.installation.on_timestamp(stamp(2, ours), NOW_S) == 0
    assert board.fetch(ours) == 0
    confirm(board)
    assert board.runtime.runs == 12


def test_a_record_that_is_none_is_as_if_there_never_was_one() -> None:
    from cma_toolkit.firmware.kernel.codec.cbor import encode
    from cma_toolkit.firmware.kernel.release.runtime_record import RuntimeRecord, from_bytes

    made = RuntimeRecord()
    made.slot.state, made.slot.left, made.place, made.before = TRIAL, 3, *PLACES_AT
    made.slot.document = made.slot.digest = b"x" * 32
    made.reject(3)
    data = made.to_bytes()
    assert vars(from_bytes(data).slot) == vars(made.slot)
    assert from_bytes(data).to_bytes() == data
    for held in (data, RuntimeRecord().to_bytes()):
        pycddl.Schema(f"start = runtime-record\n{CDDL}").validate_cbor(held)
    blank = RuntimeRecord().to_bytes()
    for size in range(len(data)):
        assert from_bytes(data[:size]).to_bytes() == blank
    for bad in (encode([2] * 15), encode({}), encode([1] * 15), encode([1, 99] + [0] * 13)):
        assert from_bytes(bad).to_bytes() == blank
    for _ in range(9):
        made.reject(3)
    assert len(made.rejected) == 4 and len(CLASS_ID) == 16
