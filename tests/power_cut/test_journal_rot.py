"""Bits that rot and blocks that go bad under a journal: noticed, and the last good copy used."""

import pytest

from kernel.state.journal import Journal
from kernel.state.table import JournalTable
from support.journal_cuts import Report, contents
from support.journal_rot import KINDS, flip_header, flip_records, histories, spoil_blocks
from support.nor_sectors import NorSectors


@pytest.mark.parametrize("which", [0, 1])
def test_every_bit_of_every_live_record(which: int) -> None:
    report = Report()
    flip_records(report, list(histories())[which])
    assert report.wrong == []
    assert report.cases == 2 * 5 * 64 * 8  # before a start and in use, five records of 64 B


@pytest.mark.parametrize("which", [0, 1])
def test_every_bit_of_the_newest_header(which: int) -> None:
    report = Report()
    flip_header(report, list(histories())[which])
    assert report.wrong == []
    assert report.cases == 32 * 8


@pytest.mark.parametrize("kind", KINDS)
def test_a_bad_block_loses_nothing_that_stands_elsewhere(kind: str) -> None:
    report = Report()
    spoil_blocks(report, kind)
    assert report.wrong == []
    assert report.cases > 300


def test_where_every_block_is_bad_a_commit_fails_and_what_stands_can_be_read() -> None:
    for kind in KINDS:
        flash = NorSectors(4, 512)
        journal = Journal(flash)
        journal.recover()
        table = JournalTable(journal)
        table.put(b"k", b"old")
        table.commit()
        flash.bad = dict.fromkeys(range(4), kind)
        failed = 0
        for number in range(120):
            table.put(b"k", b"%d" % number)
            try:
                table.commit()
            except OSError:
                failed += 1
        if kind == "read error":
            assert failed == 120
            continue
        assert failed > 0
        flash.bad = {}
        assert contents(table).keys() == {b"k"}
        good = table.get(b"k")
        again = Journal(flash)
        again.recover()
        assert JournalTable(again).get(b"k") == good
