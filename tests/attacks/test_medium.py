"""Attacks 59 to 64, 66 and 67: the flash and the power are bad."""

import random

from attacks.attack import attack, check, stopped, survived
from attacks.places import BOOT, PROOFS, UPDATE
from attacks.slots import ONE, THREE, TWO, Box, life, survives
from attacks.test_power import READ_FROM_FLASH

from kernel.release import layout
from kernel.release.slots import COST_POWER, COST_UNCLEAN, TRIAL
from kernel.release.update import Update
from support.nor_sectors import BAD_BLOCKS, ERASE, TEAR_MODES
from support.slot_cuts import PARTITION_SECTORS, torn_images

READ_BACK = check(
    "reading an image back", PROOFS, "return index.digest() == digest", "return True"
)
RENEWED_BYTES = 512  # of a lap of 16,384: a sector is erased at each 36th start
TORN = [mode for mode in TEAR_MODES if mode not in {"before", "after"}]


def cut_kind(kind: str) -> None:
    """Cut each program or each erasure of a download, in each torn way."""
    for mode in TORN:
        lived = life(TWO)
        box = Box()
        box.boot()
        cells = bytearray(box.flash.cells)
        before = len(box.flash.operations)
        assert box.offer(TWO) == 0 and box.fill(TWO).finish()
        for number, operation in enumerate(box.flash.operations[before:]):
            if operation[0] == kind:
                images = dict(torn_images(cells, operation, number))
                survives(lived, images[mode])
            _, address, data = operation
            cells[address : address + len(data)] = data


@attack(READ_FROM_FLASH)
def test_attack_59_torn_programming() -> None:
    cut_kind("program")


@attack(
    check(
        "erasing whatever a sector looks like",
        UPDATE,
        "        self._flash.erase(sector)\n",
        "        probe = bytearray(32); self._flash.read(sector * BLOCK_BYTES, probe); "
        'probe == b"\\xff" * 32 or self._flash.erase(sector)\n',
    )
)
def test_attack_60_torn_erasing() -> None:
    full = Box()
    full.boot()
    full.bring(TWO)
    full.boot()
    full.board.confirm()
    lived = life(THREE, cells=bytes(full.flash.cells))
    lived.releases.append(TWO)
    box = Box(lived.cells)
    box.boot()
    assert box.offer(THREE, version=2) == 0 and box.fill(THREE).finish()
    cells = bytearray(lived.cells)
    for number, operation in enumerate(box.flash.operations):
        if operation[0] == ERASE:
            for mode, image in torn_images(cells, operation, number):
                if mode in TORN:
                    survives(lived, image)
        _, address, data = operation
        cells[address : address + len(data)] = data


def sectors_of_slot_b() -> range:
    """Return the sectors of the slot that does not run, its papers included."""
    start = layout.slot_at(1, PARTITION_SECTORS)
    return range(start, start + layout.slot_sectors(PARTITION_SECTORS))


def update_on(box: Box) -> bool:
    """Try an update as far as its first start; tell whether it got there."""
    try:
        if box.offer(TWO) or not box.fill(TWO).finish():
            return False
        return Update(box.board).start(box.state())
    except OSError:
        return False


@attack(READ_BACK)
def test_attack_61_bad_blocks_of_every_kind() -> None:
    for kind in BAD_BLOCKS:
        for sector in sectors_of_slot_b():
            box = Box()
            box.flash.cells[sector * 4096 : sector * 4096 + 4096] = bytes(4096)  # of older use
            box.boot()
            box.flash.bad = {sector: kind}
            is_tried = survived(lambda box=box: update_on(box))
            box.boot()
            assert box.runs(ONE, TWO) in ({1, 2} if is_tried else {1})
            box.flash.bad = {}  # mended, or the next block takes its place
            box.boot()
            if box.runs(ONE, TWO) == 1:
                stopped(survived(lambda box=box: update_on(box)), "the next update fails")
                box.boot()
            stopped(box.runs(TWO) == 2)


@attack(READ_BACK)
def test_attack_62_bit_rot_in_either_slot_and_in_the_journal() -> None:
    draw = random.Random(62)
    whole = Box()
    whole.boot()
    whole.bring(TWO)
    whole.boot()
    whole.board.confirm()
    cells = bytes(whole.flash.cells)
    journal = layout.journal_at(PARTITION_SECTORS) * 4096
    places = {
        "slot A": [(whole.start_of(0), len(ONE.image))],
        "slot B": [(whole.start_of(1), len(TWO.image))],
        "the journal": [(journal, layout.JOURNAL_SECTORS * 4096)],
        "the journal and slot B": [
            (journal, layout.JOURNAL_SECTORS * 4096),
            (whole.start_of(1), len(TWO.image)),
        ],
    }
    for what, spans in places.items():
        for _ in range(12):
            box = Box(cells)
            for start, size in spans:
                for _ in range(12):
                    at = start + draw.randrange(size)
                    box.flash.cells[at] ^= 1 << draw.randrange(8)
            survived(lambda box=box: box.boot(COST_POWER))
            stopped(box.runs(ONE, TWO) == (1 if "slot B" in what else 2), what)


@attack(
    check(
        "papers that belong to the release",
        BOOT,
        "return held is not None and Envelope(held.envelope).digest() == board.slots[at].document",
        "return held is not None",
    )
)
def test_attack_63_leftovers_of_an_older_update() -> None:
    """The power goes after the order to fill a slot, before its older papers are gone."""
    box = Box()
    box.boot()
    assert box.offer(TWO) == 0
    box.fill(TWO)
    before = bytes(box.flash.cells)
    at = layout.trailer_at(1, PARTITION_SECTORS) * 4096
    assert box.offer(THREE, version=2) == 0
    size = layout.TRAILER_SECTORS * 4096
    box.flash.cells[at : at + size] = before[at : at + size]
    lived = life(THREE)
    lived.releases.append(TWO)
    survives(lived, box.flash.cells)


class FullError(OSError):
    """No room is left."""

    def __init__(self) -> None:
        super().__init__(28, "no space")


@attack(
    check(
        "starting a trial only if that is kept",
        BOOT,
        "        if found >= 0 and board.slots[found].state == TRIAL:",
        "        if False:",
    )
)
def test_attack_64_full_flash_at_every_point() -> None:
    """Writing fails from some point on, in an update and in all the starts after it."""
    count = 1
    for limit in range(100):
        box = Box()
        box.boot()
        fail_after(box, limit)
        survived(lambda box=box: update_on(box))
        for _ in range(8):  # each would cost a trial one of its tries
            survived(lambda box=box: box.boot(COST_UNCLEAN))
        if box.board.running >= 0 and box.board.slots[box.board.running].state == TRIAL:
            stopped(False, "a release that crashes at each start is tried for ever")
        box.runs(ONE, TWO)
        count += 1
        if fail_after(box, -1):
            break
    assert count > 20


def fail_after(box: Box, operations: int) -> bool:
    """Let each write after so many fail, negative: none any more; tell whether none had to."""
    flash, state = box.flash, {"left": operations}
    cls = type(flash)

    def guarded(write: object) -> object:
        def act(*arguments: object) -> object:
            if not state["left"]:
                state["failed"] = 1
                raise FullError
            state["left"] -= 1
            return write(flash, *arguments)  # type: ignore[operator]

        return act

    had_to = getattr(flash, "_fails", {}).get("failed")
    flash._fails = state  # type: ignore[attr-defined]
    flash.program, flash.erase = guarded(cls.program), guarded(cls.erase)
    return not had_to


@attack(READ_FROM_FLASH)
def test_attack_66_slow_erase_and_the_watchdog() -> None:
    """A watchdog ends each erasure half-way, again and again; once the medium is quick enough."""
    box = Box()
    box.flash.cells[:] = with_older_use(box.flash.cells)
    for number in range(20):
        box.boot(COST_UNCLEAN)
        stopped(box.runs(ONE, TWO) == 1)
        cells, before = bytearray(box.flash.cells), len(box.flash.operations)
        assert box.offer(TWO) == 0
        box.fill(TWO)
        for at, operation in enumerate(box.flash.operations[before:]):
            if operation[0] == ERASE and at >= number % 7:
                box.flash.cells[:] = dict(torn_images(cells, operation, number))["half"]
                break
            _, address, data = operation
            cells[address : address + len(data)] = data
    survives(life(TWO), box.flash.cells)


def with_older_use(cells: bytearray) -> bytearray:
    """Return the cells with something in the slot that does not run."""
    used = bytearray(cells)
    for sector in sectors_of_slot_b():
        used[sector * 4096 : sector * 4096 + 4096] = bytes(range(256)) * 16
    return used


@attack(
    check(
        "a start that changes nothing writes nothing",
        BOOT,
        "    if board.record.to_bytes() == before and _is_stored(board):",
        "    if False:",
    )
)
def test_attack_67_brown_out_loop() -> None:
    """The supply breaks down in each start, sooner or later in it; the flash must not wear out.

    A start copies the last commit, which may be a weak one, and makes none of its own.
    """
    for is_tried in (False, True):
        for cut_after in range(4):
            box = Box()
            box.boot()
            if is_tried:
                box.bring(TWO)
            for number in range(40):
                cells, before = bytearray(box.flash.cells), len(box.flash.operations)
                box.boot(COST_POWER)
                done = box.flash.operations[before:]
                written = sum(len(data) for kind, _, data in done if kind != ERASE)
                stopped(is_tried or written <= RENEWED_BYTES, "each start commits")
                if cut_after < len(done):
                    for _, address, data in done[:cut_after]:
                        cells[address : address + len(data)] = data
                    images = dict(torn_images(cells, done[cut_after], number))
                    box.flash.cells[:] = images[TORN[number % len(TORN)]]
            survives(life(TWO), box.flash.cells)
