"""The key-value table: staged changes, atomic commits, limits, and what a reboot finds."""

from kernel.state.journal import Journal
from kernel.state.table import JournalTable
from support.nor_sectors import NorSectors
from support.script import raises


def boot(flash):
    """Return the table that a start finds on a flash."""
    journal = Journal(flash)
    journal.recover()
    return JournalTable(journal)


def contents(table):
    """Return all that a table holds."""
    keys = table.keys()
    return {key: table.get(key) for key in keys}


def test_an_empty_flash_is_an_empty_table():
    flash = NorSectors(4)
    table = boot(flash)
    assert table.keys() == [] and table.get(b"k") is None and table.wear() == 0
    assert table.get(b"") is None
    assert table.commit() == 0 and sum(flash.erases) == 0


def test_what_is_staged_counts_at_once_and_outlives_only_a_commit():
    flash = NorSectors(4)
    table = boot(flash)
    table.put(b"b", b"2")
    table.put(b"a", b"1")
    assert table.keys() == [b"a", b"b"] and table.get(b"b") == b"2"
    assert boot(flash).keys() == []
    assert table.commit() > 0
    assert contents(boot(flash)) == {b"a": b"1", b"b": b"2"}


def test_a_rollback_forgets_what_is_staged():
    table = boot(NorSectors(4))
    table.put(b"a", b"1")
    table.commit()
    table.put(b"a", b"2")
    table.delete(b"a")
    table.put(b"b", b"3")
    table.rollback()
    assert contents(table) == {b"a": b"1"} and table.commit() == 0


def test_a_deleted_key_stays_deleted():
    flash = NorSectors(4)
    table = boot(flash)
    table.put(b"a", b"1")
    table.put(b"b", b"")
    table.commit()
    table.delete(b"a")
    assert table.get(b"a") is None and table.keys() == [b"b"]
    assert table.commit() == 32
    assert contents(boot(flash)) == {b"b": b""}
    table.delete(b"a")
    assert table.commit() == 0


def test_a_commit_tells_the_bytes_it_programmed():
    flash = NorSectors(4)
    table = boot(flash)
    table.put(b"k", b"v" * 51)
    assert table.commit() == 32 + 64  # the first sector's header, the record
    table.put(b"k", b"w" * 51)
    assert table.commit() == 64
    assert flash.programmed_bytes == 160


def test_keys_and_values_up_to_their_bounds():
    flash = NorSectors(4)
    table = boot(flash)
    table.put(b"k" * 36, bytes(range(256)) * 4)
    table.put(b"k" * 35, b"")
    table.commit()
    found = contents(boot(flash))
    assert found == {b"k" * 36: bytes(range(256)) * 4, b"k" * 35: b""}
    raises(ValueError, table.put, b"k" * 37, b"")
    raises(ValueError, table.put, b"", b"")
    raises(ValueError, table.put, b"k", bytes(1025))


def test_a_full_table_refuses_and_keeps_what_it_has():
    table = boot(NorSectors(4))
    table.put(b"a", bytes(1024))
    table.put(b"b", bytes(1024))
    table.commit()
    before = contents(table)
    table.put(b"c", bytes(1024))
    raises(OSError, table.commit)
    assert contents(table) == before and table.commit() == 0
    table.delete(b"a")
    table.commit()
    table.put(b"c", bytes(1024))
    table.commit()
    assert table.keys() == [b"b", b"c"]


def test_sixty_keys_and_no_more():
    flash = NorSectors(4)
    table = boot(flash)
    for number in range(60):
        table.put(b"key%d" % number, b"%d" % number)
    table.commit()
    table.put(b"one more", b"")
    raises(OSError, table.commit)
    found = boot(flash)
    assert len(found.keys()) == 60 and found.get(b"key59") == b"59"


def test_keys_with_one_hash_are_two_keys():
    # 300 keys share 256 hashes: some must meet.
    table = boot(NorSectors(4))
    for number in range(300):
        if number >= 50:
            table.delete(b"key%d" % (number - 50))
        table.put(b"key%d" % number, b"%d" % number)
        table.commit()
        assert table.get(b"key%d" % number) == b"%d" % number
        assert table.get(b"key%d" % (number + 1)) is None
    assert len(table.keys()) == 50
