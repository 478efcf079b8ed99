"""Attacks 20, 46, 68 and 70 to 80: what starts, and how often; see `test_loader` for more."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from attacks.attack import attack, check, refused, stopped, survived
from attacks.places import BOOT, INSTALLATION, LOOKING, OFFERS, PROOFS, SIGNS, SLOTS, UPDATE
from attacks.slots import BAD, ONE, THREE, TWO, Box
from attacks.test_medium import READ_BACK
from attacks.test_power import ONE_TRY
from unit.test_offers import WAIT_MS, Listener, offer

import kernel.release.proofs
import kernel.release.slots
from kernel.release import layout
from kernel.release.installation import RECOVERY
from kernel.release.refusals import REFUSED_GIVEN_UP
from kernel.release.signs import CLEAN_WAKES, IS_GIVEN_UP, IS_HEALTHY, UNDECIDED, WAKES_MAX, Signs
from kernel.release.slots import (
    CONFIRMED,
    COST_ORDERLY,
    COST_POWER,
    COST_UNCLEAN,
    REJECTED,
)
from kernel.release.update import Update
from kernel.ticks import ticks_add
from support.script import MemoryTable
from support.slot_cuts import PARTITION_SECTORS


def on_trial(release: object = BAD) -> Box:
    """Return a board that starts a release for the first time."""
    box = Box()
    box.boot()
    box.live(1)
    box.bring(release)  # type: ignore[arg-type]
    box.boot()
    assert box.runs() == 2
    box.live(2)
    return box


ENDED_TRIAL = check(
    "the end of a trial whose tries are used up",
    BOOT,
    "        if not slot.left:\n            board.reject(trial)",
    "        if False:\n            board.reject(trial)",
)

LAST_LOOK = check(
    "the last look before a start",
    BOOT,
    "if is_whole(board.flash, at,",
    "if True or is_whole(board.flash, at,",
)
WATCHDOG_IS_A_CRASH = check(
    "a watchdog's reset that is a crash",
    LOOKING,
    "    if reset == machine.WDT_RESET:\n        return COST_UNCLEAN",
    "    if reset == machine.WDT_RESET:\n        return COST_ORDERLY",
)
CONFIRMED_STAYS = check(
    "a confirmed release stays",
    SLOTS,
    "    FILLING, CONFIRMED, CONFIRMED, CONFIRMED, CONFIRMED, FILLING,",
    "    FILLING, CONFIRMED, CONFIRMED, CONFIRMED, REJECTED, FILLING,",
    (
        INSTALLATION,
        "            if self.slots[at].state == TRIAL:\n                return at",
        "            if self.slots[at].state in (TRIAL, 4):\n                return at",
    ),
)
ENDED_WAITING = check(
    "the end of waiting",
    SIGNS,
    "return IS_GIVEN_UP if self._wakes == WAKES_MAX else UNDECIDED",
    "return UNDECIDED",
)
SLEEPS_ARE_FREE = check(
    "orderly sleeps that cost nothing",
    BOOT,
    "slot.left = max(0, slot.left - cost)",
    "slot.left = max(0, slot.left - 4)",
)


@attack(READ_BACK)
def test_attack_20_part_of_a_bundle() -> None:
    """All blocks but one are there, and somebody asks for the trial."""
    for lacking in range(2):
        box = Box()
        box.boot()
        assert box.offer(TWO) == 0
        update = box.fill(TWO, {0, 1} - {lacking})
        stopped(not update.finish() and not update.start(box.state()), "a part is tried")
        box.boot()
        assert box.runs() == 1 and list(Update(box.board).missing()).count(1) == 1
        assert box.fill(TWO).finish()


@attack(LAST_LOOK)
def test_attack_46_change_between_verifying_and_starting() -> None:
    box = Box()
    box.boot()
    box.bring(TWO)
    box.flash.cells[box.start_of(1) + 99] ^= 1
    box.boot()
    assert box.runs() == 1


@attack(
    check(
        "the look before a trial",
        UPDATE,
        "        if not self._reads_well(at):\n            mark_damaged(board, at)",
        "        if False:\n            mark_damaged(board, at)",
    ),
)
def test_attack_46_change_between_fetching_and_trying() -> None:
    box = Box()
    box.boot()
    assert box.offer(TWO) == 0
    update = box.fill(TWO)
    assert update.finish()
    box.flash.cells[box.start_of(1) + 99] ^= 1
    stopped(not update.start(box.state()), "a changed image is on trial")
    assert list(update.missing()) == [1, 0]
    assert box.fill(TWO).finish() and update.start(box.state())


def crashes(box: Box, cost: int = COST_UNCLEAN) -> None:
    """Let a release crash at each start, until the board gives it up."""
    for _ in range(4):
        box.boot(cost)
    stopped(box.runs() == 1, "it crashes for ever")
    assert box.board.slots[1].state == REJECTED


@attack(ENDED_TRIAL)
def test_attack_68_crash_at_import() -> None:
    crashes(on_trial())


@attack(
    check(
        "somebody who is heard",
        SIGNS,
        "if self._wakes >= CLEAN_WAKES and self._flags == _HEARD:",
        "if self._wakes >= CLEAN_WAKES and not self._flags & _BAD:",
    ),
    ENDED_WAITING,
)
def test_attack_70_network_that_is_gone() -> None:
    """A release whose radio is deaf runs well otherwise; nobody could ever update it again."""
    good = Signs()
    good.on_heard()
    assert [good.on_wake_end() for _ in range(CLEAN_WAKES)][-1] == IS_HEALTHY
    deaf, found = Signs(), UNDECIDED
    for _ in range(WAKES_MAX):
        found = deaf.on_wake_end()
        stopped(found != IS_HEALTHY, "a deaf release is confirmed")
    stopped(found == IS_GIVEN_UP, "a deaf release is on trial for ever")
    box = on_trial()
    box.board.give_up()
    box.boot()
    assert box.runs() == 1


@attack(CONFIRMED_STAYS)
def test_attack_71_crash_after_confirming() -> None:
    """It stays, in safe mode as ever: who could take it away by crashes could turn time back."""
    box = on_trial(TWO)
    box.board.confirm()
    for _ in range(12):
        box.boot(COST_UNCLEAN)
        box.board.give_up()
    assert box.runs() == 2 and box.board.slots[1].state == CONFIRMED
    assert box.offer(THREE, version=2) == 0  # and the next one can come
    assert box.fill(THREE).finish()


@attack(SLEEPS_ARE_FREE)
def test_attack_72_deep_sleep_before_confirming() -> None:
    box = on_trial(TWO)
    for _ in range(30):
        box.boot(COST_ORDERLY)
        stopped(box.runs() == 2, "sleeping is held against it")
    box.boot(COST_POWER)
    box.board.confirm()
    box.boot(COST_POWER)
    assert box.runs() == 2 and box.board.slots[1].state == CONFIRMED


@attack(ONE_TRY)
def test_attack_73_reset_between_choosing_and_booting() -> None:
    box = Box()
    box.boot()
    box.bring(TWO)
    box.boot(COST_POWER)  # instead of the orderly one
    stopped(box.runs() == 2, "a release that never ran is given up")
    box.board.confirm()


@contextmanager
def without_memory(times: int) -> Iterator[None]:
    """Let hashing run out of memory so often."""
    left = [times]

    def sha256(*data: bytes) -> object:
        if left[0]:
            left[0] -= 1
            raise MemoryError
        return hashlib.sha256(*data)

    real = kernel.release.proofs.sha256
    kernel.release.proofs.sha256 = sha256  # type: ignore[assignment]
    try:
        yield
    finally:
        kernel.release.proofs.sha256 = real


@attack(
    check(
        "an image that cannot be looked at does not run",
        BOOT,
        "        except (OSError, MemoryError):\n            continue",
        "        except OSError:\n            continue",
    ),
)
def test_attack_74_memory_error_in_the_last_look() -> None:
    for times in (1, 2, 3, 9):
        box = on_trial(TWO)
        with without_memory(times):
            survived(lambda box=box: box.boot(COST_ORDERLY))
        if box.board.running != RECOVERY:
            box.runs(ONE, TWO)
        box.boot()
        assert box.runs() == 2


@attack(
    check(
        "a slot that cannot be looked at proves nothing yet",
        PROOFS,
        "        except (OSError, MemoryError):",
        "        except OSError:",
    ),
    check("doubt that is not written down", PROOFS, "found.is_doubtful = True", "pass"),
)
def test_attack_74_memory_error_without_a_journal() -> None:
    """Who takes a slot for empty, as it cannot be read now, would take its papers away."""
    box = on_trial(TWO)
    box.board.confirm()
    start = layout.journal_at(PARTITION_SECTORS) * layout.SECTOR_BYTES
    size = layout.JOURNAL_SECTORS * layout.SECTOR_BYTES
    box.flash.cells[start : start + size] = b"\xff" * size
    with without_memory(99):
        survived(box.boot)
    box.boot()
    assert box.runs() == 2


@attack(ONE_TRY)
def test_attack_77_lost_confirmation() -> None:
    box = on_trial(TWO)
    before = bytes(box.flash.cells)
    box.board.confirm()
    box.flash.cells[:] = before  # it did not come to the flash
    for _ in range(3):
        box.boot(COST_POWER)
        stopped(box.runs() == 2, "a healthy release is given up")
    box.board.confirm()
    box.boot(COST_UNCLEAN)
    assert box.runs() == 2


@attack(check("what was given up", UPDATE, "if document in board.record.rejected:", "if False:"))
def test_attack_78_the_same_bad_update_for_ever() -> None:
    box = on_trial()
    crashes(box)
    refused(lambda: box.offer(BAD, THREE, version=2), REFUSED_GIVEN_UP)
    assert box.offer(THREE, version=3) == 0
    box.fill(THREE).finish()


@attack(
    check(
        "a pause between sessions",
        OFFERS,
        "            if 0 < left_ms <= _pause_ms(tries - 1):",
        "            if False:",
    )
)
def test_attack_78_offers_of_ever_newer_releases() -> None:
    """Nobody has to have a key to offer what there is not, each minute of a day."""
    table, now_ms, sessions = MemoryTable(), 1_000, 0
    for minute in range(24 * 60):
        agent = Listener(table, now_ms=now_ms)
        agent.hear(offer(sequence=5 + minute, generation=minute))
        agent.wait(WAIT_MS)
        sessions += len(agent.out.reboots)
        now_ms = ticks_add(now_ms, 60_000)
    assert sessions
    stopped(sessions <= 10, f"it listens {sessions} times a day, a minute each")


@attack(READ_BACK)
def test_attack_80_both_slots_bad() -> None:
    box = on_trial(TWO)
    box.board.confirm()
    for slot in range(2):
        box.flash.cells[box.start_of(slot) + 5] ^= 1
    stopped(box.boot() == RECOVERY, "it runs what rotted")
    recovered(box)


@attack(
    check(
        "what ran last may come again",
        UPDATE,
        "if reason == REFUSED_VERSION and runs < trust.sequence:",
        "if False:",
    )
)
def test_attack_80_both_slots_lost_with_their_papers() -> None:
    box = on_trial(TWO)
    box.board.confirm()
    for slot in range(2):
        start = box.start_of(slot)
        size = box.start_of(1) - box.start_of(0)
        box.flash.cells[start : start + size] = b"\xff" * size
    assert box.boot() == RECOVERY
    recovered(box)


def recovered(box: Box) -> None:
    """Bring release 2 again to a board on which nothing runs."""
    if Update(box.board).filling() < 0:
        stopped(box.offer(TWO) == 0, "it does not come again")
    update = box.fill(TWO)
    stopped(update.finish() and update.start(box.state()), "it does not come again")
    box.boot()
    assert box.runs() == 2
