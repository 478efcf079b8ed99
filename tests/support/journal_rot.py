"""Damage a journal where it hurts, bit by bit and block by block, and see what is made of it.

A case is good if the damage is noticed and every key has the newest value that still stands
somewhere in the cells.
"""

import random
from collections.abc import Iterator

from kernel.state.journal import Journal
from kernel.state.table import JournalTable
from support.journal_cuts import Contents, Report, contents
from support.nor_sectors import BAD_BLOCKS, HALF_ERASE, NorSectors

SECTORS, SECTOR_BYTES, UNIT_BYTES = 8, 512, 32
KINDS = (*BAD_BLOCKS, HALF_ERASE)


class History:
    """A table, and where each version of each key stands or stood."""

    def __init__(self, seed: int) -> None:
        self.flash = NorSectors(SECTORS, SECTOR_BYTES)
        self.state: Contents = {}
        self.journal = _start(self.flash)
        self._table = JournalTable(self.journal)
        self._random = random.Random(seed)
        self._versions: dict[bytes, list[tuple[int, int, bytes]]] = {}  # address, erases, value

    def commit(self, key: bytes) -> None:
        """Give a key another value, and note where all keys now stand."""
        self.state[key] = self._random.randbytes(52 - len(key))
        self._table.put(key, self.state[key])
        self._table.commit()
        for other, value in self.state.items():
            address = self.address(other)
            entry = (address, self.flash.erases[address // SECTOR_BYTES], value)
            versions = self._versions.setdefault(other, [])
            if not versions or versions[-1] != entry:
                versions.append(entry)

    def restart(self) -> None:
        """Start again."""
        self.journal = _start(self.flash)
        self._table = JournalTable(self.journal)

    def address(self, key: bytes) -> int:
        """Return where a key's record stands."""
        slot = self.journal._find(key)[3] & 0x3F
        return self.journal._index[2 * slot] * UNIT_BYTES

    def last_good(self, damaged: range) -> Contents:
        """Return the newest values that stand outside the damaged addresses."""
        good = {}
        for key, versions in self._versions.items():
            standing = [
                value
                for address, erases, value in versions
                if address not in damaged and self.flash.erases[address // SECTOR_BYTES] == erases
            ]
            if standing:
                good[key] = standing[-1]
        return good


def _start(flash: NorSectors) -> Journal:
    journal = Journal(flash)
    journal.recover(is_after_sleep=True)
    return journal


def histories() -> Iterator[History]:
    """Yield a young table, of which each key has two versions, and one that went round."""
    young = History(1)
    for number in range(10):
        young.commit(b"key%d" % (number % 5))
    yield young
    old = History(2)
    for number in range(5):
        old.commit(b"key%d" % number)
    for number in range(120):
        old.commit(b"key%d" % (number % 2))
    yield old


def flip_records(report: Report, history: History) -> None:
    """Flip every bit of every live record, before a start and while the table is in use."""
    for key in history.state:
        start = history.address(key)
        damaged = range(start, start + 2 * UNIT_BYTES)
        expected = history.last_good(damaged)
        for bit in range(len(damaged) * 8):
            for while_running in (False, True):
                flash = NorSectors(SECTORS, SECTOR_BYTES, history.flash.cells)
                journal = _start(flash) if while_running else None
                flash.cells[start + bit // 8] ^= 1 << bit % 8
                place = f"{key!r} bit {bit} running {while_running}"
                _judge(report, place, flash, journal or _start(flash), expected)


def flip_header(report: Report, history: History) -> None:
    """Flip every bit of the newest sector's header: nothing may be lost."""
    start = history.journal._sector * SECTOR_BYTES
    for bit in range(UNIT_BYTES * 8):
        flash = NorSectors(SECTORS, SECTOR_BYTES, history.flash.cells)
        flash.cells[start + bit // 8] ^= 1 << bit % 8
        _judge(report, f"header bit {bit}", flash, _start(flash), history.state)


def _judge(
    report: Report, place: str, flash: NorSectors, journal: Journal, expected: Contents
) -> None:
    report.cases += 1
    table = JournalTable(journal)
    if contents(table) != expected:
        report.wrong.append(f"{place}: not the last good copy")
        return
    if journal.damaged + journal.torn == 0:
        report.wrong.append(f"{place}: not noticed")
        return
    for number in range(2):  # what was found stays so, and is sound again
        table.put(b"key0", b"%d" % number)
        table.commit()
    again = _start(flash)
    if contents(JournalTable(again)) != {**expected, b"key0": b"1"} or again.damaged:
        report.wrong.append(f"{place}: not mended")


def spoil_blocks(report: Report, kind: str) -> None:
    """Let each sector go bad at many moments, alone or with its neighbour."""
    for moment in range(0, 60, 3):
        for sector in range(SECTORS):
            for count in (1, 2):
                _spoil(report, kind, moment, {(sector + more) % SECTORS for more in range(count)})


def _spoil(report: Report, kind: str, moment: int, sectors: set[int]) -> None:
    report.cases += 1
    place = f"{kind} of {sorted(sectors)} after {moment}"
    history = History(moment)
    for number in range(moment):
        history.commit(b"key%d" % (number % (5 if number < 20 else 2)))
    history.flash.bad = dict.fromkeys(sectors, kind)
    if kind == "read error":
        damaged = [
            address
            for sector in sectors
            for address in range(sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES)
        ]
        history.state = history.last_good(damaged)
        history.restart()
        if contents(JournalTable(history.journal)) != history.state:
            report.wrong.append(f"{place}: not the last good copy")
            return
    is_noticed = _is_noticed(history.journal)
    for number in range(120):  # laps of the ring: each bad block is met
        history.commit(b"key%d" % (number % 2))
        is_noticed = is_noticed or _is_noticed(history.journal)
        if number % 40 == 39:
            history.restart()
    if contents(JournalTable(history.journal)) != history.state:
        report.wrong.append(f"{place}: contents")
    elif not is_noticed:
        report.wrong.append(f"{place}: not noticed")


def _is_noticed(journal: Journal) -> bool:
    # Old bytes behind the newest record, where an erase stopped half way, look torn to a start.
    return journal.bad_sectors + journal.torn > 0
