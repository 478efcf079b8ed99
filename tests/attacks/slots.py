"""A board's slots under attack: small images on NOR flash, driven as a loader and an updater do.

Built on the lives of `slot_cuts`, whose driver goes on from whatever a cut left in flash.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace

from attacks.attack import SucceededError, stopped

from kernel.release import layout
from kernel.release.index import BLOCK_BYTES
from kernel.release.installation import RECOVERY, Installation
from kernel.release.region import Region
from kernel.release.slots import COST_ORDERLY, COST_POWER, COST_UNCLEAN
from kernel.release.update import Update
from kernel.state.journal import Journal
from kernel.state.table import JournalTable
from support.nor_sectors import NorSectors
from support.slot_cuts import (
    KIND,
    PARTITION_SECTORS,
    ROOT_BYTES,
    SECTORS,
    STATE_SECTORS,
    BrickedError,
    Driver,
    Life,
    Operation,
    Release,
    by_hand,
    flash_of,
    flashed,
    release,
    timestamp,
    torn_images,
)

SIZE = 4_200  # two blocks
ONE, TWO, THREE = by_hand(1, SIZE), release(2, SIZE), release(3, SIZE)
BAD = release(2, SIZE, is_good=False)
DOWNLOAD, APPLY, CONFIRM, REVERT = "download", "apply", "confirm", "revert"


def life(*offers: Release, cells: bytes = b"", **others: bool) -> Life:
    """Return the life of a board that runs release 1 and is offered these."""
    stamps = [timestamp(1, *offers)]
    start = cells or bytes(flashed(ONE))
    return Life("life", start, [ONE, *offers], list(offers), stamps, **others)


class Worn(NorSectors):
    """Flash as it is: bits that are programmed twice are those of both."""

    def program(self, address: int, data: bytes) -> None:
        """Program bytes, erased or not."""
        old = bytes(self.cells[address : address + len(data)])
        if self._is_bad(address, "erase no-op") and set(old) != {0xFF}:
            data = bytes(one & other for one, other in zip(old, data, strict=True))
            self.cells[address : address + len(data)] = data
            return
        super().program(address, data)


class Box:
    """One board: its flash, and what its loader and its updater do."""

    def __init__(self, cells: bytes = b"") -> None:
        self.flash = Worn(SECTORS, layout.SECTOR_BYTES, cells or flashed(ONE))
        self.flash.operations = []
        self.board: Installation

    def boot(self, cost: int = COST_ORDERLY) -> int:
        """Start; return the slot."""
        flash = Region(self.flash, 0, PARTITION_SECTORS)
        journal = Region(flash, layout.journal_at(PARTITION_SECTORS), layout.JOURNAL_SECTORS)
        self.board = Installation(flash, table(journal), ROOT_BYTES)
        slot = self.board.boot(cost)
        if self.board.has_to_restore:
            with suppress(OSError):  # as the loader: it says so, and the next boot tries again
                self.board.restore(self.state())
        return slot

    def state(self) -> JournalTable:
        """Return what the agent keeps."""
        return table(Region(self.flash, PARTITION_SECTORS, STATE_SECTORS))

    def live(self, sequence: int) -> None:
        """Let the application of a release write its state."""
        state = self.state()
        state.put(b"slast", bytes([sequence]))
        state.commit()

    def runs(self, *known: Release) -> int:
        """Return the sequence of what runs, byte for byte one of the known ones."""
        at = self.board.running
        stopped(at != RECOVERY, "nothing runs")
        start = layout.slot_at(at, PARTITION_SECTORS) * layout.SECTOR_BYTES
        for one in known or (ONE, TWO, BAD, THREE):
            if self.flash.cells[start : start + len(one.image)] == one.image:
                return one.sequence
        raise SucceededError("what runs is no release")

    def offer(self, offered: Release, *others: Release, version: int = 1) -> int:
        """Take a release, as an updater does before its first block; return why not."""
        self.board.on_timestamp(timestamp(version, offered, *others), 0)
        return Update(self.board).begin(offered.envelope, offered.index, KIND)

    def fill(self, offered: Release, numbers: Iterable[int] | None = None) -> Update:
        """Write the blocks that are missing, or these."""
        update = Update(self.board)
        missing = update.missing()
        for number in numbers if numbers is not None else range(len(missing)):
            if missing[number]:
                start = number * BLOCK_BYTES
                update.write_block(number, offered.image[start : start + BLOCK_BYTES])
        return update

    def bring(self, offered: Release, version: int = 1) -> None:
        """Bring a release as far as its trial."""
        assert self.offer(offered, version=version) == 0
        update = self.fill(offered)
        stopped(update.finish() and update.start(self.state()), "it does not come")

    def start_of(self, slot: int) -> int:
        """Return the address of a slot."""
        return layout.slot_at(slot, PARTITION_SECTORS) * layout.SECTOR_BYTES


def table(flash: Region) -> JournalTable:
    """Return the table over a journal."""
    journal = Journal(flash)
    journal.recover()
    return JournalTable(journal)


def operations(phase: str, offered: Release) -> list[tuple[bytes, Operation]]:
    """Return what one phase of an update does to the flash, each with the cells before it."""
    box = Box()
    box.boot()
    box.live(1)
    acts: dict[str, Callable[[], object]] = {
        DOWNLOAD: lambda: (box.offer(offered, THREE), box.fill(offered).finish()),
        APPLY: lambda: (Update(box.board).start(box.state()), box.boot(), box.live(2)),
        CONFIRM: lambda: Installation.confirm(box.board),
        REVERT: lambda: [box.boot(COST_UNCLEAN) for _ in range(3)],
    }
    if offered is BAD:
        del acts[CONFIRM]
    found: list[tuple[bytes, Operation]] = []
    for name, act in acts.items():
        cells, before = bytearray(box.flash.cells), len(box.flash.operations)
        act()
        for operation in box.flash.operations[before:]:
            if name == phase:
                found.append((bytes(cells), operation))
            _, address, data = operation
            cells[address : address + len(data)] = data
    assert found
    return found


def survives(lived: Life, cells: bytes | bytearray, cost: int = COST_POWER) -> NorSectors:
    """Let a board go on from some cells to the end of its life; return its flash."""
    flash = flash_of(cells)
    try:
        Driver(replace(lived, known=set()), flash).run(cost)
    except (BrickedError, OSError, AssertionError, LookupError) as error:
        raise SucceededError(repr(error)) from error
    return flash


def cut_everywhere(phase: str, offered: Release, modes: Callable[[str], bool] = bool) -> int:
    """Cut each operation of a phase in each way; return how many boards went on."""
    lived = life(offered) if offered is not BAD else life(BAD, THREE)
    count = 0
    for number, (cells, operation) in enumerate(operations(phase, offered)):
        for mode, image in torn_images(bytearray(cells), operation, number):
            if modes(mode):
                survives(lived, image)
                count += 1
    return count
