"""The mark of an unfinished run, and whose table a board has."""

import pytest

from cma_toolkit.boards.flash_map import SECTOR_BYTES, Partition
from cma_toolkit.host_tools.flash.table_state import (
    FLASHING,
    MARK_OFFSET,
    Table,
    TableState,
    finished_sector,
    judge,
    unfinished_sector,
)
from cma_toolkit.host_tools.image import partition_table

OURS = partition_table.to_bytes(
    [Partition("nvs", 1, 2, 0x9000, 0x6000), Partition("factory", 0, 0, 0x10000, 0x1E0000)]
)
STOCK = partition_table.to_bytes([Partition("factory", 0, 0, 0x10000, 0x1F0000)])
ADOPT = "adopt 0123456789abcdef"


def torn(sector: bytes, written: int) -> bytes:
    return sector[:written].ljust(SECTOR_BYTES, b"\xff")


def test_a_blank_sector_is_blank() -> None:
    assert judge(b"\xff" * SECTOR_BYTES, OURS) == TableState(Table.BLANK)


def test_our_table_is_ours_and_another_is_foreign() -> None:
    assert judge(finished_sector(OURS), OURS) == TableState(Table.OURS)
    assert judge(finished_sector(STOCK), OURS) == TableState(Table.FOREIGN)


def test_a_mark_says_unfinished_and_what_was_done() -> None:
    state = judge(unfinished_sector(ADOPT), OURS)
    assert state == TableState(Table.UNFINISHED, ADOPT)
    assert state.adopting
    assert not judge(unfinished_sector(FLASHING), OURS).adopting


def test_a_board_at_work_has_no_table_to_start_from() -> None:
    assert unfinished_sector(FLASHING)[:MARK_OFFSET] == b"\xff" * MARK_OFFSET


@pytest.mark.parametrize("written", range(MARK_OFFSET, MARK_OFFSET + 64, 5))
def test_a_torn_mark_is_blank_or_unfinished(written: int) -> None:
    expected = Table.BLANK if written == MARK_OFFSET else Table.UNFINISHED
    assert judge(torn(unfinished_sector(ADOPT), written), OURS).table is expected


@pytest.mark.parametrize("written", range(97))
def test_a_torn_table_is_never_taken_for_a_whole_one(written: int) -> None:
    state = judge(torn(finished_sector(OURS), written), OURS)
    whole = len(OURS.rstrip(b"\xff"))
    expected = Table.BLANK if not written else Table.UNFINISHED
    assert state.table is (Table.OURS if written >= whole else expected)


def test_a_damaged_foreign_table_is_not_taken_for_a_torn_one_of_ours() -> None:
    assert judge(torn(finished_sector(STOCK), 60), OURS).table is Table.FOREIGN


def test_a_table_whose_head_is_erased_leads_to_nothing() -> None:
    erased = b"\xff" * 100 + finished_sector(STOCK)[100:]
    half = b"\xff" * 20 + finished_sector(STOCK)[20:]
    assert judge(erased, OURS).table is Table.BLANK
    assert judge(half, OURS) == TableState(Table.UNFINISHED, FLASHING)


def test_a_mark_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="longer"):
        unfinished_sector("adopt " + "0" * 64)
