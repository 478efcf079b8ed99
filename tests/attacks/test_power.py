"""Attacks 53 to 58: the power goes in every operation of an update, and again after that."""

import random

from attacks.attack import attack, check, survived
from attacks.places import BOOT, INSTALLATION, UPDATE
from attacks.slots import (
    APPLY,
    BAD,
    CONFIRM,
    DOWNLOAD,
    REVERT,
    TWO,
    Box,
    cut_everywhere,
    life,
    operations,
    survives,
)

from kernel.release.slots import COST_POWER
from support.slot_cuts import torn_images

READ_FROM_FLASH = check(
    "progress that is read from flash",
    UPDATE,
    "found[number] = sha256(part).digest() != digest",
    'found[number] = bytes(part) == b"\\xff" * len(part)',
)
TRIES = "slot.left = max(0, slot.left - cost)"


ONE_TRY = check("more tries than one", BOOT, TRIES, "slot.left = 0 if cost else slot.left")


@attack(READ_FROM_FLASH)
def test_attack_53_cut_at_every_operation_of_the_download() -> None:
    assert cut_everywhere(DOWNLOAD, TWO) > 50


@attack(
    check(
        "papers that belong to the release",
        BOOT,
        "return held is not None and Envelope(held.envelope).digest() == board.slots[at].document",
        "return True",
    )
)
def test_attack_53_cut_before_the_papers_are_there() -> None:
    assert cut_everywhere(DOWNLOAD, TWO) > 50


@attack(ONE_TRY)
def test_attack_54_cut_at_every_operation_of_applying() -> None:
    assert cut_everywhere(APPLY, TWO) > 9


@attack(ONE_TRY)
def test_attack_55_cut_at_every_operation_of_confirming() -> None:
    assert cut_everywhere(CONFIRM, TWO) > 9


@attack(
    check(
        "bringing state back before forgetting it",
        INSTALLATION,
        "        saved.restore(self.table, state)\n"
        "        saved.forget(self.table)\n"
        "        self.record.has_to_restore = False\n"
        "        self.commit()",
        "        data = [(key, self.table.get(key)) for key in saved._KEYS]\n"
        "        saved.forget(self.table)\n"
        "        self.record.has_to_restore = False\n"
        "        self.commit(); self.table.get = dict(data).get; saved.restore(self.table, state)",
    )
)
def test_attack_56_cut_at_every_operation_of_going_back() -> None:
    few = {"before", "half", "random mask", "after"}
    assert cut_everywhere(REVERT, BAD, few.__contains__) > 9


def cut_often(cuts: int, seeds: int = 40) -> None:
    """Cut a board so often, in what its start writes or after it, and let it go on to the end."""
    lived, places = life(TWO), operations(APPLY, TWO)
    for seed in range(seeds):
        draw = random.Random(seed)
        cells, operation = draw.choice(places)
        images = dict(torn_images(bytearray(cells), operation, seed))
        cells = bytes(images[draw.choice(list(images))])
        for _ in range(cuts - 1):
            cells = cut_start(cells, draw)
        survives(lived, cells)


def cut_start(cells: bytes, draw: random.Random) -> bytes:
    """Return what a cut in a board's start leaves, or one a moment after it."""
    box = Box(cells)
    survived(lambda: box.boot(COST_POWER))
    done = box.flash.operations or []
    at = draw.randrange(2 * len(done) + 1)
    if at >= len(done):
        return bytes(box.flash.cells)
    before = bytearray(cells)
    for _, address, data in done[:at]:
        before[address : address + len(data)] = data
    images = dict(torn_images(before, done[at], at))
    return bytes(images[draw.choice(list(images))])


@attack(check("more tries than two", BOOT, TRIES, "slot.left = max(0, slot.left - 6 * cost)"))
def test_attack_57_second_cut_in_the_recovery() -> None:
    cut_often(2)


@attack(check("more tries than five", BOOT, TRIES, "slot.left = max(0, slot.left - 3 * cost)"))
def test_attack_58_five_cuts() -> None:
    cut_often(5)
