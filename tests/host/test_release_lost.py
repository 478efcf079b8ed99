"""What a board takes that lost, all but by its journal, the release that it had confirmed."""

import pytest

from cma_toolkit.firmware.kernel.release import layout
from cma_toolkit.firmware.kernel.release.index import index_of
from cma_toolkit.firmware.kernel.release.installation import RECOVERY, Installation
from cma_toolkit.firmware.kernel.release.manifest import Board as Kind
from cma_toolkit.firmware.kernel.release.manifest import from_bytes, to_bytes
from cma_toolkit.firmware.kernel.release.refusals import REFUSED_VERSION
from cma_toolkit.firmware.kernel.release.region import Region
from cma_toolkit.firmware.kernel.release.slots import COST_POWER
from cma_toolkit.firmware.kernel.release.update import Update
from cma_toolkit.firmware.kernel.state.journal import Journal
from cma_toolkit.firmware.kernel.state.table import JournalTable
from cma_toolkit.host_tools.release import documents
from support.recovery import BOARD, SEQUENCE, Cells, healthy_flash, release
from support.release_board import FIRST, RELEASE, TIMESTAMP
from support.release_signers import DAY_S, MPY, NOW_S, signed


def board_without(*slots: int) -> Installation:
    """Return the slots of a board on which these are erased, papers and all."""
    part = BOARD.partition("romfs")
    flash = Cells(bytearray(healthy_flash()[part.offset : part.end]))
    count = flash.sector_count
    for slot in slots:
        first = layout.slot_at(slot, count)
        for sector in range(first, first + layout.slot_sectors(count)):
            flash.erase(sector)
    journal = Journal(Region(flash, layout.journal_at(count), layout.JOURNAL_SECTORS))
    journal.recover()
    return Installation(flash, JournalTable(journal), FIRST.to_bytes())


def begin(board: Installation, sequence: int) -> int:
    """Offer a release of that number, and say that it is current."""
    part, _ = release()
    manifest = from_bytes(documents.open_envelope(part.envelope)[0])
    manifest.sequence = sequence
    payload = to_bytes(manifest)
    stamp = documents.timestamp(2, NOW_S, NOW_S + DAY_S, [documents.digest_of(payload)])
    assert board.on_timestamp(signed(stamp, [TIMESTAMP])) == 0
    kind = Kind((manifest.class_id,), layout.image_bytes(board.flash.sector_count), MPY)
    return Update(board).begin(signed(payload, [RELEASE]), index_of(part.image), kind)


@pytest.mark.parametrize(("slots", "runs"), [((), 1), ((1,), 0), ((0, 1), RECOVERY)])
def test_a_confirmed_release_comes_again_only_to_who_no_longer_has_it(
    slots: tuple[int, ...], runs: int
) -> None:
    for sequence, is_taken in ((SEQUENCE - 1, False), (SEQUENCE, bool(slots)), (8, True)):
        board = board_without(*slots)
        assert board.boot(COST_POWER) == runs
        assert begin(board, sequence) == (0 if is_taken else REFUSED_VERSION)
