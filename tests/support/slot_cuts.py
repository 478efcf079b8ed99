"""Cut the power in every flash operation of releases that come, are tried, and stay or go.

A life is lived by a driver that knows nothing but what stands in flash, so it can be started again
from the cells as any cut left them. A case is one cut, or a second one in the start after it: the
board must run one of its releases, byte for byte. As many cases as `Depth` says are followed on:
they must still reach the end of that life.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache

from kernel.release import envelope as envelope_module
from kernel.release import index, layout, lms
from kernel.release.holding import Holding
from kernel.release.installation import RECOVERY, Installation
from kernel.release.refusals import REFUSED_GIVEN_UP, REFUSED_VERSION
from kernel.release.region import Region
from kernel.release.slots import CONFIRMED, COST_ORDERLY, COST_POWER, COST_UNCLEAN, REJECTED
from kernel.release.talk import FORM_DEFLATED
from kernel.release.update import Update
from kernel.state.journal import Journal
from kernel.state.table import JournalTable
from support.nor_sectors import TEAR_MODES, NorSectors
from support.release_board import FIRST, ROOT, ROOT_2, TIMESTAMP, next_root
from support.release_signers import NOW_S, Signer, role, signed
from support.slot_lives import (
    KIND,
    PARTITION_SECTORS,
    SECTORS,
    STATE_SECTORS,
    Life,
    Release,
    by_hand,
    flashed,
    release,
    timestamp,
)

BOOTS_MAX = 12
NEW_RELEASE = Signer(77)
ROOT_BYTES = FIRST.to_bytes()

# Pure, and asked the same thousands of times: a signature is verified once.
envelope_module.verify = lru_cache(maxsize=64)(lms.verify)  # type: ignore[assignment]
Operation = tuple[str, int, bytes]


class BrickedError(Exception):
    """The board runs nothing, or something else than it should, or stays on its way for ever."""


@dataclass(frozen=True)
class Depth:
    """How much is cut, and how far the board is followed after it.

    Each so-manieth operation of a start is cut again; each so-manieth case, of first and of second
    cuts, is followed to the end of the life, the others through one start.
    """

    second: int = 1
    first_to_end: int = 1
    second_to_end: int = 8


@dataclass
class Report:
    """How many cuts were tried, how many of them to the end, and what was wrong after which."""

    cases: int = 0
    to_end: int = 0
    wrong: list[str] = field(default_factory=list)
    _counts: dict[str, int] = field(default_factory=dict)

    def is_due(self, what: str, every: int) -> bool:
        """Tell whether it is the turn of the so-manieth of something."""
        self._counts[what] = count = self._counts.get(what, 0) + 1
        return count % every == 0


class Driver:
    """A board's loader, updater and application, which forget everything at a cut."""

    def __init__(self, life: Life, flash: NorSectors) -> None:
        self.life = life
        self.flash = flash
        self.confirmed: list[tuple[int, int]] = []  # after how many operations which sequence
        self.first_ran = -1  # the sequence that the first boot started, 0: none
        self.first_operations = 0  # how many the first boot took

    def run(self, cost: int) -> None:
        """Boot until the life has reached its end.

        Raises: BrickedError if it does not.
        """
        begun = []
        for _ in range(BOOTS_MAX):
            next_cost = self._boot(cost)
            begun.append(hash((bytes(self.flash.cells), next_cost)))
            if next_cost is None or begun[-1] in self.life.known:
                self.life.known.update(begun)
                return
            cost = next_cost
        raise BrickedError("it is on its way for ever")

    def start_trial(self) -> None:
        """Go as far as the boot before the first release that is brought is tried."""
        self._boot(COST_ORDERLY)

    def _boot(self, cost: int) -> int | None:
        board, state, is_over = self.start(cost)
        return COST_UNCLEAN if is_over else self._update(board, state)

    def start(self, cost: int) -> tuple[Installation, JournalTable, bool]:
        """Boot and let the application run; tell whether it crashed.

        Raises: BrickedError if the board does not run what it should.
        """
        state_flash = Region(self.flash, PARTITION_SECTORS, STATE_SECTORS)
        board = self._open()
        running = board.boot(cost)
        state = _table(state_flash)
        if board.has_to_restore:
            board.restore(state)
        runs = self._running(board, running)
        if self.first_ran < 0:
            self.first_ran = runs.sequence if runs else 0
            self.first_operations = len(self.flash.operations or ())
        if runs:
            _live(state, runs.sequence)
            if not runs.is_good:
                return board, state, True
            if self.life.is_slow and runs.sequence < self._best():
                return board, state, False
            board.confirm()
            self.confirmed.append((len(self.flash.operations or ()), runs.sequence))
        return board, state, False

    def _open(self) -> Installation:
        flash = Region(self.flash, 0, PARTITION_SECTORS)
        journal = Region(flash, layout.journal_at(PARTITION_SECTORS), layout.JOURNAL_SECTORS)
        return Installation(flash, _table(journal), ROOT_BYTES)

    def _running(self, board: Installation, running: int) -> Release | None:
        if running == RECOVERY:
            if not self.life.may_recover:
                raise BrickedError("nothing runs")
            return None
        start = layout.slot_at(running, PARTITION_SECTORS) * layout.SECTOR_BYTES
        for each in self.life.releases:
            if self.flash.cells[start : start + len(each.image)] == each.image:
                if board.slots[running].sequence != each.sequence:
                    raise BrickedError("it runs a release under another number")
                return each
        raise BrickedError("it runs what nobody signed")

    def _update(self, board: Installation, state: JournalTable) -> int | None:
        for data in self.life.roots:
            reason = board.on_root(data)
            if reason not in (0, REFUSED_VERSION):
                raise BrickedError(f"a root is refused: {reason}")
        for data in self.life.timestamps:
            board.on_timestamp(data, NOW_S)  # older ones are refused, as they should be
        update = Update(board)
        for offered in self.life.offers:
            if board.running >= 0 and board.slots[board.running].sequence >= offered.sequence:
                continue
            reason = update.begin(offered.envelope, offered.index, KIND, NOW_S)
            if reason == REFUSED_GIVEN_UP and not offered.is_good:
                continue
            if reason:
                raise BrickedError(f"release {offered.sequence} is refused: {reason}")
            self._fill(board, update, offered, half=True)
            if not board.is_revoked:  # as the loader: it takes no mark's word for such a slot
                self._running(board, board.running)  # by a soft reset, after half a session
            self._fill(board, update, offered)
            if not update.finish() or not update.start(state):
                raise BrickedError("a release is not whole")
            return COST_ORDERLY
        self._check_end(board)
        return None

    def _fill(
        self, board: Installation, update: Update, offered: Release, *, half: bool = False
    ) -> None:
        """Bring what is missing, or half of it, and keep it as it came, to hand it on."""
        at, missing = update.filling(), update.missing()
        held = board.read_papers(at) if at >= 0 else None
        if held is None:
            return  # it is whole already
        kept = Holding(board.flash, at, held, missing).kept
        for number in range(len(missing) >> half):
            start = number * index.BLOCK_BYTES
            block = offered.image[start : start + index.BLOCK_BYTES]
            coded = block[: 900 + 700 * number]
            if kept.get(number, FORM_DEFLATED) not in (None, coded):
                raise BrickedError("something is kept that never came")
            if missing[number]:
                update.write_block(number, block)
                kept.put(number, FORM_DEFLATED, coded)

    def _best(self) -> int:
        return max(each.sequence for each in self.life.releases if each.is_good)

    def _check_end(self, board: Installation) -> None:
        best = self._best()
        if board.running < 0 or board.slots[board.running].sequence != best:
            raise BrickedError("it does not run the best release in the end")
        for slot in board.slots:
            if slot.state not in (CONFIRMED, REJECTED) and slot.sequence >= best:
                raise BrickedError("it is not done with a slot")


def _table(flash: Region) -> JournalTable:
    journal = Journal(flash)
    journal.recover()
    if journal.damaged:
        raise BrickedError("a cut was taken for rot")
    return JournalTable(journal)


def _live(state: JournalTable, sequence: int) -> None:
    """Do what an application does: read what it finds, which no later release wrote, and write."""
    for key in state.keys():  # noqa: SIM118 - a table, not a dict
        if (state.get(key) or b"\xff")[0] > sequence:
            raise BrickedError("a release finds state that a later one wrote")
    last = state.get(b"slast")
    if last is None or last[0] < sequence:
        state.put(b"slast", bytes([sequence]))
        state.put(b"sof%d" % sequence, bytes([sequence]) * 20)
        state.commit()


def flash_of(cells: bytes | bytearray) -> NorSectors:
    """Return a flash that writes its operations down."""
    flash = NorSectors(SECTORS, layout.SECTOR_BYTES, cells)
    flash.operations = []
    return flash


def torn_images(
    cells: bytearray, operation: Operation, seed: int
) -> Iterator[tuple[str, bytearray]]:
    """Yield the cells after each way in which an operation loses its power."""
    _, address, data = operation
    old = bytes(cells[address : address + len(data)])
    for mode, tear in TEAR_MODES.items():
        image = bytearray(cells)
        image[address : address + len(data)] = tear(old, data, seed)
        yield mode, image


def live(life: Life) -> list[tuple[int, Operation]]:
    """Live a life; return its operations, each with the sequence that was confirmed before it."""
    flash = flash_of(life.cells)
    driver = Driver(replace(life, known=set()), flash)
    driver.run(COST_ORDERLY)
    found = []
    for number, operation in enumerate(flash.operations or ()):
        before = [sequence for count, sequence in driver.confirmed if count <= number]
        found.append((max(before, default=0), operation))
    return found


def cut_life(life: Life, depth: Depth) -> Report:
    """Cut every operation of a life, and operations of each start after that."""
    report = Report()
    cells = bytearray(life.cells)
    for number, (confirmed, operation) in enumerate(live(life)):
        for mode, image in torn_images(cells, operation, number):
            case = Case(life, f"{life.name} {number} {mode}", confirmed)
            is_whole = report.is_due("first", depth.first_to_end)
            start = case.cut(report, image, is_whole=is_whole)
            case.cut_start(report, image, start, depth)
        _apply(cells, operation)
    return report


@dataclass(frozen=True)
class Case:
    """One cut of a life, and the sequence that was confirmed before it."""

    life: Life
    place: str
    confirmed: int

    def cut(self, report: Report, image: bytearray, *, is_whole: bool) -> list[Operation]:
        """Start from what a cut left; return what the start did to the flash."""
        report.cases += 1
        flash = flash_of(image)
        driver = Driver(self.life, flash)
        try:
            if is_whole:
                report.to_end += 1
                driver.run(COST_POWER)
            else:
                driver.start(COST_POWER)
            if 0 <= driver.first_ran < self.confirmed and not self.life.may_recover:
                raise BrickedError(f"it went back from {self.confirmed} to {driver.first_ran}")
        except (BrickedError, OSError, AssertionError) as error:
            report.wrong.append(f"{self.place}: {error!r}")
        return (flash.operations or [])[: driver.first_operations]

    def cut_start(
        self, report: Report, cells: bytearray, start: list[Operation], depth: Depth
    ) -> None:
        """Cut operations of a start, each in all ways."""
        cells = bytearray(cells)
        for number, operation in enumerate(start):
            if report.is_due("start", depth.second):
                for mode, image in torn_images(cells, operation, number + report.cases):
                    case = replace(self, place=f"{self.place}, start {number} {mode}")
                    case.cut(report, image, is_whole=report.is_due("second", depth.second_to_end))
            _apply(cells, operation)


def _apply(cells: bytearray, operation: Operation) -> None:
    _, address, data = operation
    cells[address : address + len(data)] = data


# --- lives ---


def after(life: Life, operations: int | None = None) -> bytearray:
    """Return the flash after so many operations of a life, None: all."""
    cells = bytearray(life.cells)
    for _, operation in live(life)[:operations]:
        _apply(cells, operation)
    return cells


def lives(sizes: tuple[int, int, int] = (8_448, 4_096, 12_000)) -> dict[str, Life]:
    """Return a life of each kind by its name, with images of these sizes."""
    one, two, three = by_hand(1, sizes[0]), release(2, sizes[1]), release(3, sizes[2])
    both = [timestamp(1, two, three)]
    update = Life("update", bytes(flashed(one)), [one, two, three], [two, three], both)
    bad = release(2, sizes[1], is_good=False)
    stamped = [timestamp(1, bad, three)]
    revert = Life("revert", bytes(flashed(one)), [one, bad, three], [bad, three], stamped)
    updated = after(update)
    cells = bytearray(updated)
    for slot in range(2):
        cells[layout.slot_at(slot, PARTITION_SECTORS) * layout.SECTOR_BYTES + 100] ^= 4
    recovery = Life("recovery", bytes(cells), [two, three], [three], both, may_recover=True)
    cells = bytearray(updated)
    start = layout.journal_at(PARTITION_SECTORS) * layout.SECTOR_BYTES
    size = layout.JOURNAL_SECTORS * layout.SECTOR_BYTES
    cells[start : start + size] = bytes([at * 7 & 0xFF for at in range(size)])
    lost = Life("lost journal", bytes(cells), [two, three], [three], both)
    tried = next(n for n, (sequence, _) in enumerate(live(update)) if sequence == 2)
    other_keys = _other_keys("other keys", after(update, tried // 2), one, two, sizes[2])
    flash = flash_of(update.cells)
    Driver(replace(update, known=set()), flash).start_trial()
    trial = _other_keys("keys of a trial", flash.cells, one, two, sizes[2])
    found = (update, revert, recovery, lost, other_keys, replace(trial, is_slow=True))
    return {life.name: life for life in found}


def _other_keys(name: str, cells: bytearray, one: Release, two: Release, size_bytes: int) -> Life:
    """Return a life in which the keys that vouch for release 2 are revoked from now on."""
    three = release(3, size_bytes, by=NEW_RELEASE)
    roles = {"root": role(2, ROOT, ROOT_2), "release": role(1, NEW_RELEASE)}
    root = next_root(roles={**roles, "timestamp": role(1, TIMESTAMP)})
    return Life(
        name,
        bytes(cells),
        [one, two, three],
        [three],
        [timestamp(2, three)],
        roots=[signed(root.to_bytes(), [ROOT, ROOT_2])],
    )
