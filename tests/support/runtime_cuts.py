"""Cut the power in every flash operation of MicroPythons that come, are tried, and stay or go.

A life is lived by a driver that knows nothing but what stands in flash. A case is one cut, or a
second one in the start after it: the bootloader must find something, what runs must be signed or
have come by cable, nothing older may run than what was confirmed, and the life must reach its end.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache

from cma_toolkit.firmware.kernel.release import envelope as envelope_module
from cma_toolkit.firmware.kernel.release import lms
from cma_toolkit.firmware.kernel.release.refusals import REFUSED_GIVEN_UP
from cma_toolkit.firmware.kernel.release.runtime import ON_TRIAL, RESTART
from cma_toolkit.firmware.kernel.release.slots import COST_ORDERLY, COST_POWER, COST_UNCLEAN
from support.nor_sectors import NorSectors
from support.release_signers import NOW_S
from support.runtimes import SECTOR_BYTES, SECTORS, MicroPython, RuntimeBoard, new_flash, stamp
from support.slot_cuts import BrickedError, Operation, Report, torn_images

RESETS_MAX = 60
FACTORY = b"\xe9factory" + bytes(3_000)


@dataclass
class RuntimeLife:
    """What comes to a board that a cable gave a MicroPython; in this order."""

    name: str
    offers: list[MicroPython]
    known: set[int] = field(default_factory=set)

    @property
    def best(self) -> int:
        """Return the number of what it runs in the end."""
        return max([0, *(each.sequence for each in self.offers if each.is_good)])


class RuntimeDriver:
    """The loader, the updater and the agent of a board, which forget everything at a cut."""

    def __init__(self, life: RuntimeLife, flash: NorSectors) -> None:
        self.life = life
        self.flash = flash
        self.confirmed: list[tuple[int, int]] = []  # after how many operations which sequence
        self.first_ran = -1
        self.first_operations = 0
        self._said = stamp_of(tuple(life.offers))
        self._board = RuntimeBoard(flash, [FACTORY, *(each.image for each in life.offers)])
        self._is_healthy = False  # as an agent tells the loader, in memory that a cut clears

    def run(self, cost: int) -> None:
        """Reset until the life has reached its end.

        Raises: BrickedError if it does not.
        """
        begun = []
        for _ in range(RESETS_MAX):
            next_cost = self.step(cost)
            begun.append(hash((bytes(self.flash.cells), next_cost, self._is_healthy)))
            if next_cost is None or begun[-1] in self.life.known:
                self.life.known.update(begun)
                return
            cost = next_cost
        raise BrickedError("it is on its way for ever")

    def step(self, cost: int) -> int | None:
        """Reset once, and do what follows; return the cost of the next reset, None at the end."""
        board = self._board
        at = board.reset()
        if not at:
            raise BrickedError("nothing starts")
        runs = self._release(board.image_at(at))
        sequence = runs.sequence if runs else 0
        if board.runtime.runs not in (0, sequence):
            raise BrickedError(f"it takes {sequence} for {board.runtime.runs}")
        found = board.runtime.boot(cost, self._is_healthy)
        self._is_healthy = False
        if self.first_ran < 0:
            self.first_ran = sequence
            self.first_operations = len(self.flash.operations or ())
        self._note(sequence)
        if found == RESTART:
            return COST_ORDERLY
        if runs and not runs.is_good:
            return COST_UNCLEAN
        if found == ON_TRIAL:
            board.places.mark_valid()
            self._is_healthy = True
            return COST_ORDERLY
        return self._fetch(sequence)

    def _note(self, sequence: int) -> None:
        board = self._board
        if board.runtime.record.confirmed_at == board.places.running_at:
            self.confirmed.append((len(self.flash.operations or ()), sequence))

    def _fetch(self, sequence: int) -> int | None:
        board = self._board
        if board.installation.on_timestamp(self._said, NOW_S):
            raise BrickedError("what is current is refused")
        for offered in self.life.offers:
            if offered.sequence <= sequence:
                continue
            reason = board.fetch(offered)
            if reason == REFUSED_GIVEN_UP and not offered.is_good:
                continue
            if reason:
                raise BrickedError(f"{offered.sequence} is refused: {reason}")
            return COST_ORDERLY
        if sequence != self.life.best:
            raise BrickedError("it does not run the best one in the end")
        return None

    def _release(self, image: bytes | None) -> MicroPython | None:
        return next((each for each in self.life.offers if each.image == image), None)


@lru_cache(maxsize=8)
def stamp_of(offers: tuple[MicroPython, ...]) -> bytes:
    """Return word that these are current, signed once."""
    return stamp(1, *offers)


def flash_of(cells: bytes | bytearray) -> NorSectors:
    """Return a flash that writes its operations down."""
    flash = NorSectors(SECTORS, SECTOR_BYTES, cells)
    flash.operations = []
    return flash


@contextmanager
def _verified_once() -> Iterator[None]:
    """Verify a signature once, as long as it lasts: it is asked the same thousands of times."""
    envelope_module.verify = lru_cache(maxsize=64)(lms.verify)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        envelope_module.verify = lms.verify  # type: ignore[attr-defined]


@_verified_once()
def cut_runtime_life(life: RuntimeLife, second: int, to_end: int) -> Report:
    """Cut every operation of a life, and each so-manieth of each start after that.

    Each first cut, and each so-manieth second one, is followed to the end.
    """
    report, cells = Report(), new_flash(FACTORY).cells
    flash = flash_of(cells)
    driver = RuntimeDriver(life, flash)
    driver.run(COST_POWER)
    life.known.clear()
    for number, operation in enumerate(flash.operations or ()):
        before = [sequence for count, sequence in driver.confirmed if count <= number]
        for mode, image in torn_images(cells, operation, number):
            place = f"{life.name} {number} {mode}"
            least = max(before, default=0)
            start = _cut(life, image, place, least, report, is_whole=True)
            for at, again in enumerate(start):
                if report.is_due("start", second):
                    for way, torn in torn_images(image, again, at + report.cases):
                        is_whole = report.is_due("second", to_end)
                        where = f"{place}, start {at} {way}"
                        _cut(life, torn, where, least, report, is_whole=is_whole)
                image[again[1] : again[1] + len(again[2])] = again[2]
        cells[operation[1] : operation[1] + len(operation[2])] = operation[2]
    return report


def _cut(
    life: RuntimeLife, image: bytearray, place: str, least: int, report: Report, *, is_whole: bool
) -> list[Operation]:
    """Start from what a cut left; return what the first reset did to the flash."""
    report.cases += 1
    flash = flash_of(image)
    driver = RuntimeDriver(life, flash)
    try:
        if is_whole:
            driver.run(COST_POWER)
        else:
            driver.step(COST_POWER)
        if driver.first_ran < least:
            raise BrickedError(f"it went back from {least} to {driver.first_ran}")
    except (BrickedError, OSError, AssertionError) as error:
        report.wrong.append(f"{place}: {error!r}")
    return (flash.operations or [])[: driver.first_operations]
