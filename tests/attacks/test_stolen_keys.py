"""Attack 14 on a board that runs what a stolen key signed: once its keys are others, it is gone."""

from attacks.attack import attack, check, stopped
from attacks.places import INSTALLATION
from attacks.slots import KIND, ONE, SIZE, Box, release, timestamp

from cma_toolkit.host_tools.release.documents import RootDocument
from kernel.release import layout
from kernel.release.slots import COST_POWER, COST_UNCLEAN
from kernel.release.update import Update
from support.release_board import ROOT, ROOT_2, TIMESTAMP, next_root
from support.release_signers import Signer, role, signed
from support.slot_cuts import PARTITION_SECTORS, torn_images

STOLEN_SEQUENCE, NEXT = 200, 6
KEY = Signer(77)
STOLEN = release(STOLEN_SEQUENCE, SIZE)
MENDED = release(NEXT, SIZE, by=KEY)


def rotated() -> RootDocument:
    roles = {"root": role(2, ROOT, ROOT_2), "release": role(1, KEY)}
    return next_root(roles={**roles, "timestamp": role(1, TIMESTAMP)}, sequence=NEXT - 1)


def on_trial(cells: bytes = b"") -> Box:
    """Return a board that runs the thief's release, confirmed, and is to try the next good one."""
    box = Box(cells)
    if cells:
        box.boot(COST_POWER)
        return box
    box.boot()
    box.bring(STOLEN)
    box.boot()
    box.board.confirm()
    assert box.runs(ONE, STOLEN, MENDED) == STOLEN_SEQUENCE
    assert box.board.on_root(signed(rotated().to_bytes(), [ROOT, ROOT_2])) == 0
    assert box.board.on_timestamp(timestamp(2, MENDED), 0) == 0
    assert Update(box.board).begin(MENDED.envelope, MENDED.index, KIND) == 0
    update = box.fill(MENDED)
    assert update.finish() and update.start(box.state())
    box.boot()
    return box


def lose_journal(box: Box) -> None:
    start = layout.journal_at(PARTITION_SECTORS) * layout.SECTOR_BYTES
    size = layout.JOURNAL_SECTORS * layout.SECTOR_BYTES
    box.flash.cells[start : start + size] = b"\xff" * size


@attack(
    check(
        "what counts further than the keys of today is given up",
        INSTALLATION,
        "            other.follow(LOST)\n",
        "            pass\n",
    )
)
def test_attack_14_release_of_a_stolen_key_comes_back() -> None:
    box = on_trial()
    box.board.confirm()
    for cost in (COST_POWER, COST_UNCLEAN):
        box.boot(cost)
        stopped(box.runs(ONE, STOLEN, MENDED) == NEXT, "the thief's release runs again")


@attack(
    check(
        "the papers of what is given up are erased",
        INSTALLATION,
        "        if is_void:\n            self._erase_papers(1 - at)\n",
        "",
    )
)
def test_attack_14_release_of_a_stolen_key_comes_back_with_a_lost_journal() -> None:
    box = on_trial()
    box.board.confirm()
    lose_journal(box)
    for cost in (COST_POWER, COST_UNCLEAN):
        box.boot(cost)
        stopped(box.runs(ONE, STOLEN, MENDED) == NEXT, "the thief's release proves itself")


def test_a_power_cut_in_its_end_lets_it_not_come_back() -> None:
    box = on_trial()
    cells, before = bytearray(box.flash.cells), len(box.flash.operations or [])
    box.board.confirm()
    operations = (box.flash.operations or [])[before:]
    assert len(operations) >= 3  # the journal, and the papers
    for number, operation in enumerate(operations):
        for mode, image in torn_images(bytearray(cells), operation, number):
            after = on_trial(bytes(image))
            assert after.runs(ONE, STOLEN, MENDED) == NEXT, mode
            after.board.confirm()
            for _ in range(2):
                after.boot(COST_UNCLEAN)
                assert after.runs(ONE, STOLEN, MENDED) == NEXT, mode
        _, address, data = operation
        cells[address : address + len(data)] = data
