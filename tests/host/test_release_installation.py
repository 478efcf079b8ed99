"""Releases that come, stay, go, or are refused, on a board with two slots and real signatures."""

import pytest

from cma_toolkit.host_tools.release import documents
from kernel.release import envelope as envelope_module
from kernel.release import index, layout, papers, record
from kernel.release.installation import RECOVERY, Installation
from kernel.release.refusals import (
    REFUSED_EXPIRED,
    REFUSED_GIVEN_UP,
    REFUSED_MALFORMED,
    REFUSED_ON_TRIAL,
    REFUSED_UNSIGNED,
    REFUSED_VERSION,
)
from kernel.release.region import Region
from kernel.release.slots import CONFIRMED, EMPTY, FILLING, TRIAL, WHOLE
from kernel.release.update import Update
from kernel.state.journal import Journal
from kernel.state.table import JournalTable
from support.release_board import FIRST, RELEASE, ROOT, ROOT_2, THIEF, TIMESTAMP, next_root
from support.release_signers import DAY_S, NOW_S, manifest, role, signed
from support.slot_cuts import ROOT_BYTES, flash_of
from support.slot_lives import (
    KIND,
    PARTITION_SECTORS,
    Release,
    by_hand,
    flashed,
    release,
    timestamp,
)

ONE, TWO, THREE = by_hand(1, 8_448), release(2, 4_096), release(3, 12_000)


class Desk:
    """A board on a desk: started, given things, started again."""

    def __init__(self) -> None:
        self.flash = flash_of(flashed(ONE))
        self.stamps = 0
        self.board = self.boot()

    def boot(self, root: bytes = ROOT_BYTES) -> Installation:
        flash = Region(self.flash, 0, PARTITION_SECTORS)
        start = layout.journal_at(PARTITION_SECTORS)
        journal = Journal(Region(flash, start, layout.JOURNAL_SECTORS))
        journal.recover()
        self.board = Installation(flash, JournalTable(journal), root)
        self.board.boot(0)
        return self.board

    def begin(self, offered: Release) -> int:
        """Say that a release is current, and hand over what vouches for it."""
        self.stamps += 1
        assert self.board.on_timestamp(timestamp(self.stamps, offered), NOW_S) == 0
        return Update(self.board).begin(offered.envelope, offered.index, KIND, NOW_S)

    def fill(self, offered: Release) -> None:
        """Bring every block that is missing."""
        update = Update(self.board)
        for number, is_missing in enumerate(update.missing()):
            start = number * index.BLOCK_BYTES
            if is_missing:
                update.write_block(number, offered.image[start : start + index.BLOCK_BYTES])

    def bring(self, offered: Release) -> None:
        """Bring a release as far as its trial, and start it."""
        assert self.begin(offered) == 0
        self.fill(offered)
        assert Update(self.board).finish() and Update(self.board).start()
        assert self.boot().running == slot_of(self.board, offered)

    def rot(self, sector: int, at: int = 100) -> None:
        self.flash.cells[sector * layout.SECTOR_BYTES + at] ^= 1

    def lose_journal(self) -> None:
        for sector in range(layout.journal_at(PARTITION_SECTORS), PARTITION_SECTORS):
            self.flash.erase(sector)


def slot_of(board: Installation, offered: Release) -> int:
    document = envelope_module.Envelope(offered.envelope).digest()
    return [slot.document for slot in board.slots].index(document)


def states(board: Installation) -> list[int]:
    return [slot.state for slot in board.slots]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def new_release_keys() -> bytes:
    """Return a root in which the keys of releases are others."""
    roles = {"root": role(2, ROOT, ROOT_2), "release": role(1, THIEF)}
    root = next_root(roles={**roles, "timestamp": role(1, TIMESTAMP)})
    return signed(root.to_bytes(), [ROOT, ROOT_2])


def test_what_is_not_all_there_is_not_whole(desk: Desk) -> None:
    assert desk.begin(THREE) == 0
    update = Update(desk.board)
    assert not update.finish() and not update.start()
    desk.fill(THREE)
    desk.rot(layout.slot_at(1, PARTITION_SECTORS) + 1)
    assert not update.finish() and list(update.missing()) == [0, 1, 0]
    desk.fill(THREE)
    assert update.finish() and states(desk.board) == [CONFIRMED, WHOLE]


def test_what_rots_while_it_waits_is_not_tried(desk: Desk) -> None:
    desk.begin(THREE)
    desk.fill(THREE)
    assert Update(desk.board).finish()
    desk.rot(layout.slot_at(1, PARTITION_SECTORS))
    assert not Update(desk.board).start()
    assert states(desk.boot()) == [CONFIRMED, FILLING] and desk.board.running == 0
    desk.fill(THREE)
    assert Update(desk.board).finish() and Update(desk.board).start()


@pytest.mark.parametrize("state", [FILLING, WHOLE, TRIAL])
def test_what_revoked_keys_vouched_for_goes(desk: Desk, state: int) -> None:
    desk.begin(TWO)
    if state != FILLING:
        desk.fill(TWO)
        assert Update(desk.board).finish()
    if state == TRIAL:
        assert Update(desk.board).start() and desk.boot().running == 1
    assert desk.board.slots[1].state == state
    assert desk.board.on_root(new_release_keys()) == 0
    assert states(desk.boot()) == [CONFIRMED, EMPTY] and desk.board.running == 0
    desk.lose_journal()
    assert states(desk.boot()) == [CONFIRMED, EMPTY]


def test_a_release_by_new_keys_takes_the_place_of_the_revoked_one(desk: Desk) -> None:
    desk.bring(TWO)
    assert desk.board.on_root(new_release_keys()) == 0
    desk.stamps = 5
    newer = release(3, 12_000, by=THIEF)
    assert desk.begin(newer) == 0  # in the session that brought the root
    assert states(desk.board) == [CONFIRMED, FILLING]
    assert desk.boot().running == 0
    desk.bring(newer)


def test_what_is_confirmed_outlives_its_keys(desk: Desk) -> None:
    desk.bring(TWO)
    desk.board.confirm()
    assert desk.board.on_root(new_release_keys()) == 0
    assert desk.boot().running == 1
    desk.lose_journal()
    assert desk.boot().running == 1  # its papers say by whom it was vouched for, then


def test_where_nothing_runs_the_last_release_may_come_again_but_none_before_it(desk: Desk) -> None:
    desk.bring(TWO)
    desk.board.confirm()
    desk.bring(THREE)
    desk.board.confirm()
    assert desk.begin(THREE) == REFUSED_VERSION
    for slot in range(2):  # images and papers
        desk.rot(layout.slot_at(slot, PARTITION_SECTORS))
        desk.rot(layout.trailer_at(slot, PARTITION_SECTORS))
    assert desk.boot().running == RECOVERY and states(desk.board) == [EMPTY, EMPTY]
    assert desk.begin(TWO) == REFUSED_VERSION
    assert desk.begin(THREE) == 0
    desk.fill(THREE)
    assert Update(desk.board).finish() and Update(desk.board).start()
    assert desk.boot().running >= 0


def test_what_waits_to_be_tried_is_not_held_up_by_an_older_one_that_lacks_blocks(
    desk: Desk,
) -> None:
    desk.bring(TWO)
    desk.board.confirm()
    desk.bring(THREE)
    desk.board.confirm()
    for slot in range(2):
        desk.rot(layout.slot_at(slot, PARTITION_SECTORS))
    assert states(desk.boot()) == [FILLING, FILLING]
    update = Update(desk.board)
    assert update.filling() == slot_of(desk.board, THREE)
    assert desk.begin(THREE) == 0
    desk.fill(THREE)
    assert update.finish()
    desk.boot()
    update = Update(desk.board)
    assert desk.begin(THREE) == 0 and update.filling() == -1
    assert update.finish() and update.start()


def test_a_given_up_release_is_refused_and_a_newer_one_taken(desk: Desk) -> None:
    desk.bring(TWO)
    desk.board.give_up()
    assert desk.boot().running == 0
    assert desk.begin(TWO) == REFUSED_GIVEN_UP
    desk.bring(THREE)


def test_the_way_back_is_kept_while_a_release_is_tried(desk: Desk) -> None:
    desk.bring(TWO)
    before = bytes(desk.flash.cells[: layout.slot_at(1, PARTITION_SECTORS) * 4096])
    assert desk.begin(THREE) == REFUSED_ON_TRIAL
    assert before == desk.flash.cells[: len(before)]


def test_nothing_comes_over_the_air_unsigned(desk: Desk) -> None:
    four = by_hand(4, 4_096)
    assert desk.begin(four) == REFUSED_UNSIGNED
    desk.boot(b"")
    blank = Desk()
    blank.flash = flash_of(flashed(ONE))
    board = blank.boot(b"")  # nobody handed it a root
    assert board.running == 0 and board.trust is None
    assert Update(board).begin(TWO.envelope, TWO.index, KIND, NOW_S) == REFUSED_UNSIGNED
    assert board.on_root(new_release_keys()) == REFUSED_UNSIGNED
    assert board.on_timestamp(timestamp(1, TWO)) == REFUSED_UNSIGNED


def test_an_index_or_signatures_of_something_else_are_refused(desk: Desk) -> None:
    desk.stamps = 1
    assert desk.board.on_timestamp(timestamp(1, THREE), NOW_S) == 0
    update = Update(desk.board)
    assert update.begin(THREE.envelope, TWO.index, KIND, NOW_S) == REFUSED_MALFORMED
    assert update.begin(THREE.envelope[:-1], THREE.index, KIND, NOW_S) == REFUSED_MALFORMED
    says = bytes(envelope_module.Envelope(THREE.envelope).payload)
    junk = [(bytes([n]) * 8, bytes(4_000)) for n in range(3)]
    long = documents.envelope(says, [RELEASE.sign(says), *junk])
    assert update.begin(long, THREE.index, KIND, NOW_S) == REFUSED_MALFORMED
    assert states(desk.board) == [CONFIRMED, EMPTY]


def test_a_journal_that_is_lost_believes_only_signed_papers(desk: Desk) -> None:
    """A slot of an image by a thief: whole, with papers that are whole, too."""
    says = manifest(9, digest=index.image_digest(THREE.image), size_bytes=len(THREE.image))
    for signers in ([THIEF], [TIMESTAMP], [ROOT, ROOT_2]):
        desk.bring(TWO)
        desk.board.give_up()
        facts = record.join_facts(desk.board.record.origin, desk.board.record.facts)
        data = papers.to_bytes(signed(says, signers), THREE.index, ROOT_BYTES, facts)
        start = layout.slot_at(1, PARTITION_SECTORS) * layout.SECTOR_BYTES
        desk.flash.cells[start : start + len(THREE.image)] = THREE.image
        papers.write(desk.flash, layout.trailer_at(1, PARTITION_SECTORS), data)
        desk.lose_journal()
        assert desk.boot().running == 0 and states(desk.board) == [CONFIRMED, EMPTY]
        desk = Desk()


def test_half_a_journal_is_none(desk: Desk) -> None:
    desk.bring(TWO)
    desk.board.confirm()
    desk.board.table.delete(record.ROOT_KEY)
    desk.board.table.commit()
    board = desk.boot()
    assert board.running == 1 and board.trust and board.trust.timestamp_version == 1
    board.confirm()
    desk.bring(THREE)


def test_what_runs_is_not_fetched_again_because_others_sign_it(desk: Desk) -> None:
    desk.bring(TWO)
    desk.board.confirm()
    assert desk.board.on_root(new_release_keys()) == 0
    desk.stamps = 5
    assert desk.begin(release(2, 4_096, by=THIEF)) == REFUSED_VERSION
    assert states(desk.board) == [CONFIRMED, CONFIRMED]


def test_another_root_by_hand_starts_trust_anew(desk: Desk) -> None:
    desk.begin(TWO)
    root = next_root(FIRST, roles={
        "root": role(1, THIEF), "release": role(1, THIEF), "timestamp": role(1, THIEF),
    }).to_bytes()  # fmt: skip
    board = desk.boot(root)
    assert board.running == 0 and states(board) == [CONFIRMED, EMPTY]
    assert board.trust and board.trust.timestamp_version == 0
    assert board.on_timestamp(timestamp(9, TWO), NOW_S) == REFUSED_UNSIGNED
    assert board.trust.root.version == 2 and desk.boot(root).trust


def test_what_a_board_believes_outlives_its_journal(desk: Desk) -> None:
    desk.bring(TWO)
    desk.board.confirm()
    desk.bring(THREE)
    desk.board.confirm()
    desk.lose_journal()
    board = desk.boot()
    assert board.trust and board.trust.timestamp_version == 2
    assert board.on_timestamp(timestamp(1, TWO), NOW_S) == REFUSED_VERSION
    assert board.trust.sequence == 2 and board.slots[board.running].state == TRIAL
    board.confirm()
    assert desk.boot().trust.sequence == 3


def test_the_way_back_in_the_other_slot_is_kept_as_well(desk: Desk) -> None:
    desk.bring(TWO)
    desk.board.confirm()
    desk.bring(THREE)
    assert desk.board.running == 0 and states(desk.board) == [TRIAL, CONFIRMED]
    assert desk.begin(release(4, 4_096)) == REFUSED_ON_TRIAL


@pytest.mark.parametrize("releases", [(TWO,), (TWO, THREE)])
def test_where_nothing_runs_the_newest_is_the_last_to_be_written_over(
    desk: Desk, releases: tuple[Release, ...]
) -> None:
    for each in releases:
        desk.bring(each)
        desk.board.confirm()
    for slot in range(2):
        desk.rot(layout.slot_at(slot, PARTITION_SECTORS))
    assert states(desk.boot()) == [FILLING, FILLING]
    assert Update(desk.board).target() == 1 - slot_of(desk.board, releases[-1])


def test_an_image_is_out_of_every_cache_before_the_journal_calls_it_whole(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.begin(TWO)
    desk.fill(TWO)
    at_sync: list[bytes] = []
    monkeypatch.setattr(desk.flash, "sync", lambda: at_sync.append(bytes(desk.flash.cells)))
    assert Update(desk.board).finish()
    earlier = Desk()
    earlier.flash.cells[:] = at_sync[0]
    assert states(earlier.boot()) == [CONFIRMED, FILLING]


@pytest.mark.parametrize(("late_s", "reason"), [(-1, 0), (1, REFUSED_EXPIRED)])
def test_a_board_that_knows_how_late_it_is_needs_nobody_to_tell(
    desk: Desk, late_s: int, reason: int
) -> None:
    assert desk.board.on_timestamp(timestamp(1, TWO), NOW_S) == 0
    desk.board.now_s = NOW_S + 7 * DAY_S + late_s
    assert Update(desk.board).begin(TWO.envelope, TWO.index, KIND) == reason
