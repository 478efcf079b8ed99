"""The two slots of a board: the table, what starts, how a trial ends, what proves itself."""

from kernel.release.installation import RECOVERY
from kernel.release.slots import (
    BEGIN,
    CONFIRMED,
    COST_ORDERLY,
    COST_POWER,
    COST_UNCLEAN,
    DAMAGED,
    DROP,
    EMPTY,
    EVENTS,
    FILLED,
    FILLING,
    FOUND,
    FOUND_NEWER,
    GIVE_UP,
    HEALTHY,
    LOST,
    REJECTED,
    START,
    STATE_NAMES,
    TRANSITIONS,
    TRIAL,
    TRIAL_UNITS,
    WHOLE,
    Slot,
)
from support.slots_by_hand import JOURNAL, Chip

STATES = len(STATE_NAMES.split())

# Every way into a state from another one: what is not here does not happen.
WAYS = (
    (EMPTY, BEGIN, FILLING),
    (EMPTY, FOUND, CONFIRMED),
    (EMPTY, FOUND_NEWER, TRIAL),
    (FILLING, FILLED, WHOLE),
    (FILLING, LOST, EMPTY),
    (FILLING, DROP, EMPTY),
    (WHOLE, BEGIN, FILLING),
    (WHOLE, START, TRIAL),
    (WHOLE, DAMAGED, FILLING),
    (WHOLE, LOST, EMPTY),
    (WHOLE, DROP, EMPTY),
    (TRIAL, HEALTHY, CONFIRMED),
    (TRIAL, GIVE_UP, REJECTED),
    (TRIAL, DAMAGED, FILLING),
    (TRIAL, LOST, EMPTY),
    (TRIAL, DROP, EMPTY),
    (CONFIRMED, BEGIN, FILLING),
    (CONFIRMED, DAMAGED, FILLING),
    (CONFIRMED, LOST, EMPTY),
    (REJECTED, BEGIN, FILLING),
    (REJECTED, DROP, EMPTY),
)


def test_every_state_and_event():
    assert len(TRANSITIONS) == STATES * EVENTS
    found = []
    for state in range(STATES):
        for event in range(EVENTS):
            slot = Slot()
            slot.state = state
            assert slot.follow(event) == (slot.state != state)
            if slot.state != state:
                found.append((state, event, slot.state))
    assert sorted(found) == sorted(WAYS)


def test_each_trial_begins_with_all_its_tries():
    for state, event in ((WHOLE, START), (EMPTY, FOUND_NEWER)):
        slot = Slot()
        slot.state, slot.left = state, 1
        slot.follow(event)
        assert slot.left == TRIAL_UNITS
        slot.left = 1
        slot.follow(START)
        assert slot.left == 1


def test_a_flashed_board_starts_what_was_flashed_and_writes_that_down_once():
    chip = Chip()
    chip.put(0, 7)
    board = chip.open()
    assert board.boot(COST_POWER) == 0
    assert (board.slots[0].state, board.slots[0].sequence) == (CONFIRMED, 7)
    programmed = chip.flash.programmed_bytes
    table = chip.table()
    renewed = chip.flash.programmed_bytes - programmed  # what any start of a journal copies
    assert table.get(b"slots") and renewed > 0
    programmed = chip.flash.programmed_bytes
    assert chip.open().boot(COST_POWER) == 0
    assert chip.flash.programmed_bytes - programmed == renewed


def test_an_empty_board_has_nothing_to_start():
    board = Chip().open()
    assert board.boot(COST_POWER) == RECOVERY
    assert [slot.state for slot in board.slots] == [EMPTY, EMPTY]


def test_a_trial_has_three_crashes_or_twelve_failures_of_power_and_any_orderly_boots():
    for cost, tries in ((COST_UNCLEAN, 3), (COST_POWER, 12)):
        chip = Chip()
        chip.on_trial()
        for _ in range(50):
            assert chip.open().boot(COST_ORDERLY) == 1
        for _ in range(tries - 1):
            assert chip.open().boot(cost) == 1
        board = chip.open()
        assert board.boot(cost) == 0
        assert board.slots[1].state == REJECTED and board.has_to_restore
        assert board.record.rejected == [board.slots[1].document]


def test_without_a_way_back_a_weak_supply_takes_no_release_away_but_crashes_do():
    chip = Chip()
    chip.on_trial()
    chip.rot(0)
    for _ in range(3 * TRIAL_UNITS):
        chip.open().boot(COST_ORDERLY)
    board = chip.open()
    board.slots[0].state = EMPTY
    board.commit()
    for _ in range(3 * TRIAL_UNITS):
        assert chip.open().boot(COST_POWER) == 1
    assert [chip.open().boot(COST_UNCLEAN) for _ in range(3)] == [1, 1, RECOVERY]


def test_what_is_healthy_stays_and_the_one_before_is_there_if_it_rots():
    chip = Chip()
    board = chip.on_trial()
    assert board.boot(COST_ORDERLY) == 1
    board.confirm()
    for _ in range(20):
        assert chip.open().boot(COST_UNCLEAN) == 1
    chip.rot(1)
    board = chip.open()
    assert board.boot(COST_POWER) == 0
    assert board.slots[1].state == FILLING  # its papers are good: it can be mended
    chip.rot(0)
    chip.rot_papers(0)
    board = chip.open()
    assert board.boot(COST_POWER) == RECOVERY
    assert board.slots[0].state == EMPTY


def test_what_a_security_counter_shuts_out_is_no_way_back():
    chip = Chip()
    board = chip.on_trial(counters=(3, 4))
    assert board.boot(COST_ORDERLY) == 1
    chip.rot(1)
    assert chip.open().boot(COST_POWER) == 0  # while nothing with 4 was confirmed
    chip = Chip()
    board = chip.on_trial(counters=(3, 4))
    board.boot(COST_ORDERLY)
    board.confirm()
    chip.rot(1)
    assert chip.open().boot(COST_POWER) == RECOVERY


def test_a_given_up_release_does_not_come_back_without_the_journal():
    chip = Chip()
    board = chip.on_trial()
    board.boot(COST_ORDERLY)
    board.give_up()
    chip.lose_journal()
    board = chip.open()
    assert board.boot(COST_POWER) == 0
    assert [slot.state for slot in board.slots] == [CONFIRMED, EMPTY]


def test_without_a_journal_the_newer_release_is_tried_and_the_older_one_is_the_way_back():
    chip = Chip()
    chip.put(0, 9)
    chip.put(1, 8)
    board = chip.open()
    assert board.boot(COST_POWER) == 0
    assert [slot.state for slot in board.slots] == [TRIAL, CONFIRMED]
    assert [chip.open().boot(COST_UNCLEAN) for _ in range(4)] == [0, 0, 1, 1]


def test_a_slot_that_cannot_be_read_is_not_settled():
    chip = Chip()
    chip.put(0, 7)
    for sector in (16, 18, 20):  # a part of the image, of its papers, of the other slot
        chip.flash.bad = {sector: "read error"}
        board = chip.open()
        running = board.boot(COST_POWER)
        assert running in (0, RECOVERY)
        chip.flash.bad = {}
        assert chip.open().boot(COST_POWER) == 0


def test_where_no_try_can_be_counted_what_is_confirmed_runs():
    chip = Chip()
    chip.on_trial()
    chip.flash.bad = {sector: "program error" for sector in JOURNAL}
    assert [chip.open().boot(cost) for cost in (COST_POWER, COST_UNCLEAN)] == [0, 0]
    chip.rot(0)
    assert chip.open().boot(COST_POWER) == 1  # for want of anything else
    assert chip.open().boot(COST_UNCLEAN) == RECOVERY


def test_of_every_byte_of_an_image_and_its_papers():
    """Whatever rots: the board runs what is whole, or nothing, and never what is not."""
    chip = Chip()
    chip.put(0, 7)
    assert chip.open().boot(COST_POWER) == 0
    good = bytes(chip.flash.cells)
    for at in range(0, 5_000, 97):
        chip.flash.cells[:] = good
        chip.rot(0, at)
        assert chip.open().boot(COST_POWER) == RECOVERY
    chip.flash.cells[:] = good
    chip.rot(0, 5_001)  # behind its end
    assert chip.open().boot(COST_POWER) == 0
    chip.flash.cells[:] = good
    chip.rot_papers(0)
    assert chip.open().boot(COST_POWER) == 0  # the journal says what it is
    chip.lose_journal()
    assert chip.open().boot(COST_POWER) == RECOVERY  # nobody does
