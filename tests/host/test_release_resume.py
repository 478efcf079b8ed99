"""What a board took of a release it takes once, wherever the power goes or a session ends."""

from collections import Counter
from hashlib import sha256
from typing import Any

import pytest

from cma_toolkit.firmware.kernel.codec.frame import BROADCAST, KIND_OFFER, KIND_PIECE
from cma_toolkit.firmware.kernel.identity import Identity
from cma_toolkit.firmware.kernel.release import talk
from cma_toolkit.firmware.kernel.release.layout import ROOM_SECTORS, trailer_at
from cma_toolkit.firmware.kernel.release.updater import DONE_WHOLE
from cma_toolkit.host_tools.release.published import Published
from cma_toolkit.sim.world.hardware.flash import PowerCut
from cma_toolkit.sim.world.hardware.tearing import TEAR_MODES
from support.updating import (
    NETWORK,
    SECTORS,
    Air,
    EdgeStation,
    UpdatingBoard,
    changed,
    image,
    part_of,
    published,
)

SIZE = 9_000  # three blocks, the last one short
OLD = image(1, SIZE)
NEW = changed(OLD)[:SIZE]
FULL = published(part_of(NEW, 2))
DELTA = published(part_of(NEW, 2), [OLD])
LIMIT_MS = 20_000
LIAR = 66


class Fetch:
    """A board that fetches from an edge and is started anew whenever its power goes."""

    def __init__(self, release: Published, loss: float = 0.0) -> None:
        self.board, edge = UpdatingBoard(1, OLD), EdgeStation()
        edge.offer(release)
        self.air = Air([edge, self.board], loss)
        self.taken: Counter[tuple[int, ...]] = Counter()  # by part and index
        self.cuts = 0

    def run(self, pieces: int = 1_000) -> None:
        """Run a session until it ends, or the power goes once it took so many pieces more."""
        last = self.taken.total() + pieces
        try:
            self._listen(self.board.boot().fetching)
            self.air.start(self.board.node)
            self.air.run(self.air.now_ms + LIMIT_MS, lambda: self.taken.total() >= last)
        except PowerCut:
            self.cuts += 1
            self.board.flash.power_on()

    def _listen(self, fetching: Any) -> None:
        take = fetching.on_piece

        def on_piece(now_ms: int, source: int, fields: list[Any]) -> bool:
            is_of_use: bool = take(now_ms, source, fields)
            self.taken[fields[2], fields[4]] += is_of_use
            return is_of_use

        fetching.on_piece = on_piece

    @property
    def is_done(self) -> bool:
        """Tell whether all of it is here."""
        return self.board.outcome == DONE_WHOLE and self.board.image(SIZE) == NEW

    @property
    def twice(self) -> int:
        """How many pieces were taken once more."""
        return self.taken.total() - len(self.taken)


@pytest.mark.parametrize("each_time", [1, 2, 3, 5, 8, 13, 29])
@pytest.mark.parametrize("loss", [0.0, 0.2])
@pytest.mark.parametrize("release", [FULL, DELTA], ids=["full", "delta"])
def test_however_few_pieces_come_before_the_power_goes_none_is_taken_again(
    release: Published, loss: float, each_time: int
) -> None:
    fetch = Fetch(release, loss)
    for _ in range(100):
        fetch.run(each_time)
        if fetch.is_done:
            break
    assert fetch.is_done and fetch.twice == 0


@pytest.mark.parametrize("release", [FULL, DELTA], ids=["full", "delta"])
def test_at_whichever_operation_of_the_flash_the_power_goes_one_piece_is_lost(
    release: Published,
) -> None:
    for operation in range(1, 200):
        fetch = Fetch(release)
        fetch.board.flash.cut_in(operation, operation % len(TEAR_MODES), operation, 0)
        fetch.run()
        if not fetch.cuts:
            break
        fetch.run()
        assert fetch.is_done and fetch.twice <= 1, operation
    assert 80 < operation < 199  # all of them


def test_what_an_earlier_session_left_of_a_liar_keeps_nothing_from_coming() -> None:
    fetch = Fetch(FULL)
    fetch.run(40)  # in the middle of the first block
    kept = fetch.board.machine.intake.holding.kept  # type: ignore[union-attr]
    form, data, missing = kept.started(0) or (0, b"", 0)
    assert missing not in {0, (1 << 17) - 1}
    kept.begin(0, form, len(data))  # as it was, but for what a liar said
    kept.add(0, 0, bytes(205))
    fetch.run()
    assert fetch.is_done


def test_a_medium_that_takes_no_pieces_takes_the_release_all_the_same() -> None:
    fetch = Fetch(DELTA)
    end = trailer_at(1, SECTORS)
    room = range(end - ROOM_SECTORS, end)
    fetch.board.flash.bad = {sector: "program error" for sector in room}
    fetch.run(20)
    fetch.run()
    assert fetch.is_done and fetch.twice == 20


def test_forged_offers_do_not_wear_the_flash_out() -> None:
    board = UpdatingBoard(1, OLD)
    machine, erased = board.boot(), Counter[int]()
    air = Air([board])
    air.start()
    erase = board.flash.erase

    def counted(sector: int) -> None:
        erased[sector] += 1
        erase(sector)

    board.flash.erase = counted  # type: ignore[method-assign]
    liar, size = Identity("liar", LIAR, NETWORK, ""), 30 * talk.PIECE_BYTES
    for number in range(200):
        digest = sha256(b"%d" % number).digest()[: talk.DIGEST_BYTES]
        offer = [number + 1, 9, digest, FULL.class_tag, 1, [], []]
        piece = [talk.tag_of(digest), 0, talk.PART_ENVELOPE, size, 0, bytes(talk.PIECE_BYTES)]
        for kind, fields in ((KIND_OFFER, offer), (KIND_PIECE, piece)):
            frame = talk.write(liar, kind, fields, number, BROADCAST)
            machine.on_frame(air.now_ms, 0, frame, len(frame), -50, board)  # type: ignore[arg-type]
        air.run(air.now_ms + 70)
    assert not board.outcome and erased
    assert max(erased.values()) <= ROOM_SECTORS
