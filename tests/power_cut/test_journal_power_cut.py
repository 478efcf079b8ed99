"""Power lost in any operation of a journal, and again in any of its recovery: old or new, whole.

At least 50,000 cuts, each in nine ways. `make figure NAME=journal_power_cut` is the long form.
"""

import random
import sys
from types import FrameType

import pytest

from kernel.state.journal import Journal
from kernel.state.table import JournalTable
from support.journal_cuts import Geometry, boot, contents, cut_life, live
from support.nor_sectors import NorSectors

PARTS = 2
CASES_PER_PART = 6_250  # of eight
LIVES = [
    (1, 44, Geometry()),
    (2, 44, Geometry(noise=2)),  # a flash that was never erased
    (3, 34, Geometry(6, 1024, 300)),  # records of several programs
    (4, 32, Geometry(5, 1024, 20, keys=30)),  # headers of several units
]


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize(("seed", "commits", "geometry"), LIVES)
def test_a_cut_leaves_old_or_new(seed: int, commits: int, geometry: Geometry, part: int) -> None:
    report = cut_life(live(seed, commits, geometry), part, PARTS)
    assert report.wrong == []
    assert report.cases >= CASES_PER_PART


class FlickeringSectors(NorSectors):
    """Cells that an operation left half done: each read finds them written or not."""

    def __init__(self, geometry: Geometry, cells: bytes, doubtful: dict[int, int], seed: int):
        super().__init__(geometry.sector_count, geometry.sector_bytes, cells)
        self._doubtful = doubtful  # address: bits
        self._random = random.Random(seed)

    def read(self, address: int, buffer: bytearray) -> None:
        """Fill a buffer, each doubtful bit as it comes."""
        super().read(address, buffer)
        for at, bits in self._doubtful.items():
            if address <= at < address + len(buffer):
                buffer[at - address] ^= bits & self._random.randrange(256)

    def program(self, address: int, data: bytes) -> None:
        """Program what is erased, or seemed to be, for good."""
        for at in range(address, address + len(data)):
            if self._doubtful.pop(at, 0):
                self.cells[at] = 0xFF
        super().program(address, data)

    def erase(self, sector: int) -> None:
        """Erase for good."""
        super().erase(sector)
        start = sector * self.sector_bytes
        for at in range(start, start + self.sector_bytes):
            self._doubtful.pop(at, 0)


@pytest.mark.parametrize("seed", range(8))
def test_once_acted_upon_a_half_written_commit_stays(seed: int) -> None:
    """What a start found is found by every later start, whatever the doubtful bits read as."""
    geometry = Geometry()
    life = live(seed, 30, geometry)
    cells = geometry.flash().cells
    starts = 0
    for index, (allowed, (_, address, data)) in enumerate(life.operations):
        random_ = random.Random(index)
        changed = {
            address + at: cells[address + at] ^ data[at]
            for at in range(len(data))
            if cells[address + at] != data[at]
        }
        for count in (1, 3, len(changed)):
            doubtful = dict(random_.sample(sorted(changed.items()), min(count, len(changed))))
            image = bytearray(cells)
            image[address : address + len(data)] = data
            flash = FlickeringSectors(geometry, image, doubtful, index)
            found = contents(_start(flash))
            assert found in allowed
            for _ in range(3):
                starts += 1
                assert contents(_start(flash)) == found
        cells[address : address + len(data)] = data
    assert starts > 300


def _start(flash: NorSectors) -> JournalTable:
    journal = Journal(flash)
    journal.recover()
    return JournalTable(journal)


class CtrlC:
    """Press Ctrl-C before the n-th line of the journal's code that runs."""

    def __init__(self, countdown: int) -> None:
        self._countdown = countdown

    def __enter__(self) -> None:
        sys.settrace(self._trace)

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    def _trace(self, frame: FrameType, event: str, _: object) -> object:
        if "kernel/state" not in frame.f_code.co_filename:
            return None
        if event == "line":
            self._countdown -= 1
            if self._countdown == 0:
                raise KeyboardInterrupt
        return self._trace


@pytest.mark.parametrize("opens_sector", [False, True])
def test_an_interrupted_commit_is_followed_by_a_good_one(opens_sector: bool) -> None:
    """Wherever Ctrl-C stops a commit: the next one, of the same table, finds it whole or not."""
    changes = {b"key0": b"0" * 70, b"key1": b"1" * 70, b"new": b"2" * 30}
    interrupted, is_over = 0, False
    while not is_over:
        flash = NorSectors(6, 512)
        table = boot(flash)
        for number in range(9 if opens_sector else 11):
            table.put(b"key%d" % (number % 3), b"%d" % number * 15)
            table.commit()
        old = contents(table)
        for key, value in changes.items():
            table.put(key, value)
        try:
            with CtrlC(interrupted + 1):
                table.commit()
            is_over = True
        except KeyboardInterrupt:
            interrupted += 1
        table.rollback()
        table.put(b"key2", b"last")
        table.commit()
        for whoever in (table, boot(flash)):
            found = contents(whoever)
            assert found.pop(b"key2") == b"last"
            assert found in (_without(old), {**_without(old), **changes})
    assert interrupted > 500


def _without(old: dict[bytes, bytes]) -> dict[bytes, bytes]:
    return {key: value for key, value in old.items() if key != b"key2"}


def test_a_start_after_an_orderly_sleep_writes_nothing() -> None:
    flash = NorSectors(4)
    table = boot(flash)
    table.put(b"k", b"v")
    table.commit()
    before = bytes(flash.cells)
    journal = Journal(flash)
    assert journal.recover(is_after_sleep=True) == 0
    assert JournalTable(journal).get(b"k") == b"v" and flash.cells == before
