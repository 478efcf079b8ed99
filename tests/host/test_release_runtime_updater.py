"""Boards that fetch MicroPython before the release that needs it: from an edge and each other."""

from pathlib import Path

import pycddl
import pytest

from cma_toolkit.firmware.kernel.prng import Prng
from cma_toolkit.firmware.kernel.release import refusals, talk
from cma_toolkit.firmware.kernel.release.manifest import Manifest, from_bytes, to_bytes
from cma_toolkit.firmware.kernel.release.runtime import Runtime
from cma_toolkit.firmware.kernel.release.runtime_index import PAGE_BLOCKS, PART_BLOCK, PART_PAGE
from cma_toolkit.firmware.kernel.release.runtime_updater import RuntimeUpdater
from cma_toolkit.firmware.kernel.release.updater import DONE_REFUSED, DONE_WHOLE
from cma_toolkit.firmware.kernel.ticks import ticks_diff
from cma_toolkit.host_tools.release import artefact, documents, runtime_image
from cma_toolkit.host_tools.release.artefact import Part
from cma_toolkit.host_tools.release.edge import Offered
from cma_toolkit.host_tools.release.published import Published, PublishedRuntime, inflate
from cma_toolkit.sim.world.hardware.flash import NorFlash
from support.release_board import FIRST, RELEASE, TIMESTAMP
from support.release_signers import LATER_S, MPY, NOW_S, signed
from support.updating import Air, EdgeStation, UpdatingBoard, image, part_of

CDDL = (Path(__file__).parents[2] / "firmware" / "protocol.cddl").read_text()
BUILD = "ESP32_GENERIC_S3"
OLD, NEW = image(1), image(2)
MICROPYTHON = image(3, 140 * 4096 - 1_000)  # on two pages
SEQUENCE, RELEASE_NUMBER = 5, 7
LIMIT_MS = 200_000
AT = 0x2C0000


class PlaceFlash(NorFlash):
    """One place for MicroPython."""

    sector_count = 160

    def __init__(self) -> None:
        super().__init__()
        self.erased: list[int] = []

    def erase(self, sector: int) -> None:
        """Erase a sector, and note which."""
        self.erased.append(sector)
        super().erase(sector)


class Places:
    """Places of which one can be written."""

    running_at, spare_at = 0x10000, AT

    def __init__(self) -> None:
        self.spare, self.running = PlaceFlash(), PlaceFlash()
        self.chosen = 0

    def set_boot(self, at: int) -> None:
        """Note what is to start."""
        self.chosen = at

    def mark_valid(self) -> None:
        """Nothing is on trial here."""


class RuntimeBoard(UpdatingBoard):
    """A board that gets MicroPython over the air."""

    def __init__(self, node: int) -> None:
        super().__init__(node, OLD)
        self.places = Places()

    def boot_both(self) -> None:
        """Begin a session for the release; it is to find that MicroPython is lacking."""
        self.boot()
        kind = runtime_image.class_id(artefact.CLASSES, BUILD)
        self.runtime = Runtime(self.installation, self.places, kind, MPY)
        self.kind.runtime = self.runtime.runs
        self.started_at_ms = 0

    def go_on(self, air: Air) -> None:
        """Begin the session for MicroPython."""
        rng = Prng(self.session_seed + 1)
        self.machine = RuntimeUpdater(self.machine, rng, self.runtime, inflate)
        self.outcome = 0
        air.start(self.node)

    def micropython(self) -> bytes:
        """Return what the place holds."""
        data = bytearray(len(MICROPYTHON))
        self.places.spare.read(0, data)
        return bytes(data)


def edge_of(*, is_listed: bool = True, micropython: bytes = MICROPYTHON) -> EdgeStation:
    """Return an edge with a release and the MicroPython that it needs."""
    part = part_of(NEW, RELEASE_NUMBER, runtime=SEQUENCE)
    made = artefact.make_runtime(BUILD, MICROPYTHON, "6.3", artefact.Numbers(SEQUENCE))
    envelope = signed(to_bytes(made.manifest), [RELEASE])
    runtime = Part(BUILD, envelope, micropython)
    digests = [part.digest] + ([runtime.digest] if is_listed else [])
    said = signed(documents.timestamp(1, NOW_S, LATER_S, digests), [TIMESTAMP])
    roots = {1: documents.envelope(FIRST.to_bytes())}
    offers = [
        Offered(Published(part, said, roots)),
        Offered(PublishedRuntime(runtime, said, roots)),
    ]
    edge = EdgeStation()
    edge.machine.offer(1, offers)
    return edge


def lacking(air: Air, boards: list[RuntimeBoard]) -> None:
    """Let boards find out what they lack, and begin to fetch it."""
    for board in boards:
        board.boot_both()
        board.started_at_ms = air.now_ms
    air.start()
    air.run(air.now_ms + LIMIT_MS)
    for board in boards:
        assert board.outcome == DONE_REFUSED
        assert board.machine.reason == refusals.REFUSED_MICROPYTHON
        board.go_on(air)


def reports_of(edge: EdgeStation, node: int) -> list[tuple[int, int, int, int]]:
    return [
        (each.sequence, each.stage, each.target, each.reason)
        for each in edge.reports
        if each.node == node
    ]


def test_micropython_comes_before_the_release_that_needs_it() -> None:
    board, edge = RuntimeBoard(1), edge_of()
    air = Air([board, edge])
    lacking(air, [board])
    air.run(air.now_ms + LIMIT_MS)
    assert board.outcome == DONE_WHOLE and board.micropython() == MICROPYTHON
    assert board.runtime.start() and board.places.chosen == AT
    told = reports_of(edge, 1)
    # To a roll-out it is a board that fetches the release; of that nothing was refused.
    assert {one[0] for one in told} == {1} and {one[2] for one in told} <= {0, RELEASE_NUMBER}
    assert talk.STAGE_REJECTED not in {one[1] for one in told}
    assert told[-1][1:3] == (talk.STAGE_FETCHING, RELEASE_NUMBER)
    # What it takes from then on is the release itself.
    board.places.running_at, board.places.spare_at = AT, 0x10000
    assert board.runtime.runs == SEQUENCE
    board.boot_both()
    air.start(1)
    air.run(air.now_ms + LIMIT_MS)
    assert board.outcome == DONE_WHOLE and board.image(len(NEW)) == NEW


def test_it_goes_on_over_many_sessions_and_fetches_no_block_twice() -> None:
    board, edge = RuntimeBoard(1), edge_of()
    air = Air([board, edge], loss=0.1)
    for _ in range(12):
        lacking(air, [board])
        board.machine.budget.span_ms = ticks_diff(air.now_ms, board.started_at_ms) + 5_000
        air.run(air.now_ms + LIMIT_MS)
        if board.outcome == DONE_WHOLE:
            break
    assert board.outcome == DONE_WHOLE and board.micropython() == MICROPYTHON
    assert board._sessions > 3
    assert sorted(board.places.spare.erased) == list(range(140))


def test_boards_hand_it_on_to_each_other() -> None:
    boards, edge = [RuntimeBoard(1), RuntimeBoard(2)], edge_of()
    air = Air([*boards, edge], loss=0.05)
    lacking(air, boards)
    air.run(air.now_ms + LIMIT_MS)
    assert [board.micropython() == MICROPYTHON for board in boards] == [True, True]
    alone = RuntimeBoard(1)
    air_alone = Air([alone, edge_of()], loss=0.05)
    lacking(air_alone, [alone])
    air_alone.run(air_alone.now_ms + LIMIT_MS)
    assert len(air.sent) < 0.8 * 2 * len(air_alone.sent), "what is sent is sent for both"
    # A board that the edge does not reach gets it from one that has it.
    late = RuntimeBoard(3)
    near = {frozenset((1, 3)), frozenset((1, 99))}
    air = Air([boards[0], late, edge], reach=lambda one, other: frozenset((one, other)) in near)
    late.boot_both()
    late.machine.intake.reason = 0
    boards[0].boot_both()
    air.start()
    air.run(air.now_ms + 4_000)
    assert boards[0].machine.reason == refusals.REFUSED_MICROPYTHON
    assert late.installation.trust is not None and boards[0].installation.trust is not None
    late.installation.on_timestamp(edge.machine._sources[0]._documents[talk.PART_TIMESTAMP])
    late.machine.offering.sequence = RELEASE_NUMBER
    boards[0].go_on(air)
    late.go_on(air)
    air.run(air.now_ms + 60_000)
    assert late.micropython() == MICROPYTHON


def test_what_the_edge_changed_is_never_written() -> None:
    wrong = bytearray(MICROPYTHON)
    wrong[50_000] ^= 1
    board, edge = RuntimeBoard(1), edge_of()
    source = edge.machine._sources[1]
    source._blocks = runtime_image.blocks(bytes(wrong))
    air = Air([board, edge])
    lacking(air, [board])
    air.run(air.now_ms + LIMIT_MS)
    assert board.outcome != DONE_WHOLE and not board.runtime.is_whole()
    assert max(board.places.spare.erased) < 128, "nothing behind the page with that block"
    held = bytearray(4096)
    board.places.spare.read(50_000 // 4096 * 4096, held)
    assert held == b"\xff" * 4096


def test_micropython_that_is_not_current_is_refused() -> None:
    board, edge = RuntimeBoard(1), edge_of(is_listed=False)
    air = Air([board, edge])
    lacking(air, [board])
    air.run(air.now_ms + LIMIT_MS)
    assert (board.outcome, board.machine.reason) == (DONE_REFUSED, refusals.REFUSED_UNLISTED)
    assert reports_of(edge, 1)[-1] == (
        1,
        talk.STAGE_FETCHING,  # of the release that waits for it, which nobody rejected
        RELEASE_NUMBER,
        refusals.REFUSED_UNLISTED,
    )


def test_a_board_that_gets_none_over_the_air_takes_the_release() -> None:
    board, edge = UpdatingBoard(1, OLD), edge_of()
    board.boot()
    air = Air([board, edge])
    air.start()
    air.run(LIMIT_MS)
    assert board.outcome == DONE_WHOLE and board.image(len(NEW)) == NEW


def test_a_manifest_that_needs_micropython_is_still_small_and_has_one_form() -> None:
    made = Manifest((1 << 30) - 1, bytes(16), bytes(32), 200_000)
    made.security_counter = made.after = made.runtime = (1 << 30) - 1
    made.battery_mv, made.mpy = 5_000, MPY
    assert len(to_bytes(made)) <= 128
    pycddl.Schema(f"start = manifest\n{CDDL}").validate_cbor(to_bytes(made))
    assert from_bytes(to_bytes(made)).runtime == made.runtime
    made.runtime = 0
    assert from_bytes(to_bytes(made)).runtime == 0
    made.runtime = 1
    data = to_bytes(made)
    assert data.count(b"\x24\x01") == 1 and from_bytes(data).runtime == 1
    with pytest.raises(refusals.RefusedError):  # what needs none does not say so
        from_bytes(data.replace(b"\x24\x01", b"\x24\x00"))
    assert PART_PAGE < PART_BLOCK and PART_PAGE > talk.PART_TIMESTAMP


def test_a_page_is_handed_on_once_its_blocks_are_here_and_nothing_is_kept_twice() -> None:
    board, edge = RuntimeBoard(1), edge_of()
    air = Air([board, edge])
    lacking(air, [board])
    intake = board.machine.intake
    while intake.holding is None or not any(intake.holding.have):
        air.run(air.now_ms + 100)
    assert not all(intake.holding.have[:PAGE_BLOCKS])
    assert intake.holding.coded(PART_PAGE, -1) is None
    assert not {talk.PART_ENVELOPE, talk.PART_INDEX} & set(intake.gathering.parts)
    air.run(air.now_ms + LIMIT_MS)
    assert board.outcome == DONE_WHOLE and intake.wanted() == []
    pages = runtime_image.pages(MICROPYTHON)
    for number, page in enumerate(pages):
        assert intake.holding.coded(PART_PAGE + number, -1) == (talk.FORM_PLAIN, page)
    assert intake.holding.coded(PART_PAGE + len(pages), -1) is None


def test_a_page_that_was_not_signed_is_taken_from_nobody() -> None:
    board, edge = RuntimeBoard(1), edge_of()
    documents_of = edge.machine._sources[1]._documents
    documents_of[PART_PAGE] = bytes(len(documents_of[PART_PAGE]))
    air = Air([board, edge])
    lacking(air, [board])
    air.run(air.now_ms + LIMIT_MS)
    assert board.outcome != DONE_WHOLE and not board.places.spare.erased
    assert board.machine.intake.wanted() == [PART_PAGE]
