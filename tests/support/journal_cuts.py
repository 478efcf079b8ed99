"""Cut the power in every operation of a journal's life, and in every operation of its recovery.

A case is one cut: a fresh start from the cells as the cut left them must find the table as it was
before or after the commit under way, whole; two more commits and another start must work.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from kernel.state.journal import Journal
from kernel.state.table import JournalTable
from support.nor_sectors import TEAR_MODES, NorSectors

Contents = dict[bytes, bytes]
Operation = tuple[str, int, bytes]

TAIL_KEY = b"after"


@dataclass(frozen=True)
class Geometry:
    """Small sectors, so that a short life turns many of them and a case is quick."""

    sector_count: int = 8
    sector_bytes: int = 512
    value_bytes_max: int = 90
    keys: int = 5
    noise: int = 0  # seed of what the flash holds when it is new, 0: nothing

    def flash(self, cells: bytes | None = None) -> NorSectors:
        """Return such a flash."""
        if cells is None and self.noise:
            cells = random.Random(self.noise).randbytes(self.sector_count * self.sector_bytes)
        flash = NorSectors(self.sector_count, self.sector_bytes, cells)
        flash.operations = []
        return flash


@dataclass
class Life:
    """What a table was told, and each operation by which it reached the flash."""

    geometry: Geometry
    # Each operation with the states that a cut in it may leave.
    operations: list[tuple[list[Contents], Operation]] = field(default_factory=list)


@dataclass
class Report:
    """How many cuts were tried, and what was wrong after which."""

    cases: int = 0
    wrong: list[str] = field(default_factory=list)


def boot(flash: NorSectors) -> JournalTable:
    """Start on a flash.

    Raises: AssertionError if a cut was taken for rot.
    """
    journal = Journal(flash)
    journal.recover()
    assert journal.damaged == 0
    return JournalTable(journal)


def contents(table: JournalTable) -> Contents:
    """Return all that a table holds."""
    keys = table.keys()
    return {key: table.get(key) or b"" for key in keys}


def live(seed: int, commits: int, geometry: Geometry) -> Life:
    """Live a life: commits of one to three keys, some of them deleted, with starts in between."""
    random_ = random.Random(seed)
    life = Life(geometry)
    flash = geometry.flash()
    table = boot(flash)
    state: Contents = {}
    keys = [b"key%d" % number for number in range(geometry.keys)]
    for _ in range(commits):
        before, state = state, dict(state)
        for key in random_.sample(keys, random_.choice((1, 1, 1, 2, 3))):
            if key in state and random_.random() < 0.2:
                table.delete(key)
                del state[key]
            else:
                state[key] = random_.randbytes(random_.randrange(geometry.value_bytes_max))
                table.put(key, state[key])
        flash.operations.clear()
        try:
            table.commit()
        except OSError:
            state = before  # full
        life.operations += [([before, state], operation) for operation in flash.operations]
        if random_.random() < 0.1:
            flash.operations.clear()
            table = boot(flash)
            life.operations += [([state], operation) for operation in flash.operations]
    return life


def torn_images(cells: bytes, operation: Operation, seed: int) -> Iterator[tuple[str, bytearray]]:
    """Yield the cells after each way in which an operation loses its power."""
    _, address, data = operation
    old = bytes(cells[address : address + len(data)])
    for mode, tear in TEAR_MODES.items():
        image = bytearray(cells)
        image[address : address + len(data)] = tear(old, data, seed)
        yield mode, image


def cut_life(life: Life, part: int = 0, parts: int = 1) -> Report:
    """Cut every operation of one part of a life, and every operation of each recovery."""
    report = Report()
    cells = life.geometry.flash().cells
    for index, (allowed, operation) in enumerate(life.operations):
        if index % parts == part:
            for mode, image in torn_images(cells, operation, index):
                _cut(
                    life.geometry,
                    report,
                    f"operation {index} {mode}",
                    image,
                    allowed,
                    is_first=True,
                )
        _, address, data = operation
        cells[address : address + len(data)] = data
    return report


def cut_new_life(seed: int, commits: int, geometry: Geometry) -> Report:
    """Live a life and cut all of it."""
    return cut_life(live(seed, commits, geometry))


def _cut(
    geometry: Geometry,
    report: Report,
    place: str,
    image: bytearray,
    allowed: list[Contents],
    *,
    is_first: bool,
) -> None:
    """Start from what a cut left; if it is the first, cut that start, too."""
    report.cases += 1
    flash = geometry.flash(image)
    try:
        table = boot(flash)
        found = contents(table)
        recovery, flash.operations = flash.operations, None
        if found not in allowed:
            report.wrong.append(f"{place}: neither old nor new")
            return
        _go_on(flash, table, found)
    except (OSError, AssertionError) as error:
        report.wrong.append(f"{place}: {error!r}")
        return
    for index, operation in enumerate(recovery if is_first else []):
        for mode, torn in torn_images(image, operation, len(report.wrong) + report.cases):
            again = f"{place}, recovery {index} {mode}"
            _cut(geometry, report, again, torn, [found], is_first=False)
        _, address, data = operation
        image[address : address + len(data)] = data


def _go_on(flash: NorSectors, table: JournalTable, found: Contents) -> None:
    """Commit twice more, one of them a removal that makes room, and start again."""
    expected = dict(found)
    for key in sorted(found)[:1]:
        table.delete(key)
        del expected[key]
    table.commit()
    expected[TAIL_KEY] = b"1"
    table.put(TAIL_KEY, b"1")
    table.commit()
    assert contents(table) == expected
    assert contents(boot(flash)) == expected
