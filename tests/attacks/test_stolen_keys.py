"""Attack 14 on a board that runs what a stolen key signed: with other keys, it goes for good."""

from attacks.attack import attack, check, stopped
from attacks.places import INSTALLATION, OFFERING
from attacks.slots import KIND, ONE, SIZE, Box, release, timestamp

from cma_toolkit.firmware.kernel.release.manifest import NUMBER_MAX
from cma_toolkit.firmware.kernel.release.updater import DONE_WHOLE
from cma_toolkit.host_tools.release import documents
from cma_toolkit.host_tools.release.artefact import Part
from cma_toolkit.host_tools.release.documents import RootDocument
from cma_toolkit.host_tools.release.published import Published
from kernel.release import layout
from kernel.release.slots import COST_POWER, COST_UNCLEAN
from kernel.release.update import Update
from support.release_board import FIRST, ROOT, ROOT_2, TIMESTAMP, next_root
from support.release_signers import LATER_S, NOW_S, Signer, role, signed
from support.slot_cuts import PARTITION_SECTORS, torn_images
from support.updating import Air, EdgeStation, UpdatingBoard, image, part_of

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
        "        if is_void:\n            self.tidy()\n",
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


def session(board: UpdatingBoard, span_ms: int) -> None:
    """Let an edge offer the release after the rotation."""
    data = image(2)
    payload, _ = documents.open_envelope(part_of(data, NEXT).envelope)
    part = Part("", signed(payload, [KEY]), data)
    said = documents.timestamp(2, NOW_S, LATER_S, [part.digest])
    first = documents.envelope(FIRST.to_bytes())
    roots = {1: first, 2: signed(rotated().to_bytes(), [ROOT, ROOT_2])}
    edge = EdgeStation()
    edge.offer(Published(part, signed(said, [TIMESTAMP]), roots))
    board.boot(span_ms)
    air = Air([edge, board])
    air.start()
    air.run(60_000)


@attack(
    check(
        "keys to come may have ended what runs",
        OFFERING,
        "    if trust and trust.root.version < fields[ROOT]:\n        return 0\n",
        "",
    )
)
def test_attack_14_release_of_a_stolen_key_hides_all_others() -> None:
    board = UpdatingBoard(1, image(1), sequence=NUMBER_MAX)
    session(board, 60_000)
    stopped(board.outcome == DONE_WHOLE, "it never hears of the other keys")


@attack(
    check(
        "numbers of revoked keys are void",
        OFFERING,
        "return min(runs, trust.sequence)",
        "return runs",
    )
)
def test_attack_14_release_of_a_stolen_key_hides_the_rest_of_one() -> None:
    board = UpdatingBoard(1, image(1), sequence=NUMBER_MAX)
    session(board, 700)  # as long as the root takes
    assert board.installation.trust.root.version == 2 and board.outcome != DONE_WHOLE
    session(board, 60_000)
    stopped(board.outcome == DONE_WHOLE, "it hears of the other keys and of no release by them")


def test_a_power_cut_in_its_end_lets_it_not_come_back() -> None:
    box = on_trial()
    cells, before = bytearray(box.flash.cells), len(box.flash.operations or [])
    box.board.confirm()
    operations = (box.flash.operations or [])[before:]
    assert len(operations) >= 3  # the journal, and the papers
    for number, operation in enumerate(operations):
        for mode, torn in torn_images(bytearray(cells), operation, number):
            after = on_trial(bytes(torn))
            assert after.runs(ONE, STOLEN, MENDED) == NEXT, mode
            after.board.confirm()
            for _ in range(2):
                after.boot(COST_UNCLEAN)
                assert after.runs(ONE, STOLEN, MENDED) == NEXT, mode
        _, address, data = operation
        cells[address : address + len(data)] = data
