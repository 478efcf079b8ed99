"""The journal: its bytes, its ring of sectors, bad sectors, rot, and torn commits."""

from binascii import crc32

from kernel.state.journal import Journal
from kernel.state.table import JournalTable
from support.journalled import boot, commit
from support.nor_sectors import BAD_BLOCKS, TEAR_MODES, NorSectors
from support.script import raises


def sealed(data):
    """Return bytes and their CRC-32 as a record ends."""
    crc = crc32(data)
    return data + bytes((crc & 0xFF, crc >> 8 & 0xFF, crc >> 16 & 0xFF, crc >> 24))


def test_the_bytes_of_a_record_and_of_a_header():
    flash = NorSectors(4, 512)
    table = boot(flash)[1]
    commit(table, a=b"xyz")
    header = b"\x00\x00\x01\x00" + b"\xff" * 24
    crc = crc32(header, 1)
    assert flash.cells[:28] == header
    assert flash.cells[28:32] == bytes((crc & 0xFF, crc >> 8 & 0xFF, crc >> 16 & 0xFF, crc >> 24))
    record = b"\x00\x00\x01\x00\x01\x00\x03axyz"
    assert flash.cells[32:64] == sealed(record + b"\xff" * (28 - len(record)))
    commit(table, a=None, b=b"")
    deleted = b"\x00\x00\x01\x00\xc1\x00\x00a"
    assert flash.cells[64:96] == sealed(deleted + b"\xff" * (28 - len(deleted)))
    empty = b"\x00\x00\x01\x01\x01\x00\x00b"
    assert flash.cells[96:128] == sealed(empty + b"\xff" * (28 - len(empty)))


def test_sectors_wear_evenly_and_what_never_changes_goes_along():
    flash = NorSectors(8, 512)
    table = boot(flash)[1]
    commit(table, cold=b"stays")
    for number in range(600):
        commit(table, hot=b"%d" % number)
    assert table.get(b"cold") == b"stays" and table.get(b"hot") == b"599"
    assert max(flash.erases) - min(flash.erases) <= 1
    assert table.wear() == max(flash.erases)
    journal, table = boot(flash)
    assert table.get(b"cold") == b"stays" and table.get(b"hot") == b"599"
    assert (journal.damaged, journal.torn, journal.bad_sectors) == (0, 0, 0)


def test_a_start_copies_the_last_commit():
    flash = NorSectors(4, 512)
    commit(boot(flash)[1], a=b"1", b=b"2")
    journal = Journal(flash)
    assert journal.recover() == 64
    assert JournalTable(journal).keys() == [b"a", b"b"]
    assert Journal(flash).recover(True) == 0


def test_a_torn_commit_is_old_or_new_and_nothing_follows_it_in_its_sector():
    flash = NorSectors(4, 512)
    table = boot(flash)[1]
    commit(table, a=b"old", b=b"old")
    before = bytes(flash.cells)
    flash.operations = []
    commit(table, a=b"new", b=b"new")
    after = bytes(flash.cells)
    for at in range(len(flash.operations)):
        _, start, data = flash.operations[at]
        for mode in TEAR_MODES:
            cells = bytearray(before)
            for _, address, done in flash.operations[:at]:
                cells[address : address + len(done)] = done
            end = start + len(data)
            cells[start:end] = TEAR_MODES[mode](bytes(cells[start:end]), data, at)
            is_torn = cells not in (before, after)
            torn = NorSectors(4, 512, cells)
            journal, table = boot(torn)
            assert table.get(b"a") == table.get(b"b")
            assert table.get(b"a") == (b"new" if cells == after else b"old")
            assert (journal.torn, journal.damaged) == (1 if is_torn else 0, 0)
            torn.operations = []
            commit(table, a=b"next")
            assert (torn.operations[-1][1] // 512 != start // 512) == is_torn
            assert boot(torn)[1].get(b"a") == b"next"


def test_rot_is_noticed_and_the_last_good_copy_is_used():
    flash = NorSectors(4, 512)
    table = boot(flash)[1]
    commit(table, a=b"first")
    commit(table, a=b"second")
    commit(table, b=b"other")
    flash.cells[64 + 9] ^= 4
    for is_running in (True, False):
        if not is_running:
            journal, table = boot(flash)
            assert journal.damaged == 1
        assert table.get(b"a") == b"first" and table.get(b"b") == b"other"
    commit(table, b=b"more")
    journal, table = boot(flash)
    assert journal.damaged == 0 and table.get(b"a") == b"first" and table.get(b"b") == b"more"


def test_a_key_without_a_good_copy_is_gone():
    flash = NorSectors(4, 512)
    table = boot(flash)[1]
    commit(table, a=b"only")
    commit(table, b=b"other")
    flash.cells[32 + 9] ^= 1
    journal, table = boot(flash)
    assert journal.damaged == 1 and table.keys() == [b"b"]


def test_bad_blocks_are_left_alone():
    for kind in BAD_BLOCKS:
        flash = NorSectors(6, 512)
        journal, table = boot(flash)
        commit(table, a=b"0")
        flash.bad = {1: kind, 3: kind}
        for number in range(120):
            commit(table, a=b"%d" % number)
        assert journal.bad_sectors == 2
        assert table.get(b"a") == b"119" and boot(flash)[1].get(b"a") == b"119"
        assert table.wear() >= max(flash.erases)


def test_a_dead_flash_fails_and_what_it_holds_is_still_there():
    flash = NorSectors(4, 512)
    journal, table = boot(flash)
    commit(table, a=b"kept")
    flash.bad = dict([(sector, "program no-op") for sector in range(4)])
    table.put(b"a", b"lost")
    raises(OSError, table.commit)
    assert table.get(b"a") == b"kept" and journal.bad_sectors == 4
    assert boot(flash)[1].get(b"a") == b"kept"


def test_a_large_value_takes_several_programs_and_stays_whole():
    flash = NorSectors(4)
    table = boot(flash)[1]
    value = bytes([number & 0xFF for number in range(1024)])
    flash.operations = []
    commit(table, large=value)
    assert len(flash.operations) > 5
    flash.cells[1000] ^= 1
    assert table.get(b"large") is None
    flash.cells[1000] ^= 1
    assert boot(flash)[1].get(b"large") == value


def test_a_flash_full_of_noise_is_an_empty_table():
    cells = bytes([number * 37 >> 3 & 0xFF for number in range(4 * 512)])
    flash = NorSectors(4, 512, cells)
    journal, table = boot(flash)
    assert table.keys() == [] and journal.bad_sectors == 0
    commit(table, a=b"1")
    assert boot(flash)[1].get(b"a") == b"1"


def test_a_record_carried_forward_is_a_commit_by_itself():
    flash = NorSectors(6, 512)
    table = boot(flash)[1]
    commit(table, cold=b"1", hot=b"2")  # cold is followed by hot: their commit's first record
    assert flash.cells[32 + 4] & 0x80
    for number in range(100):
        commit(table, hot=b"%d" % number)
    carried = [
        at
        for at in range(32, len(flash.cells), 32)
        if flash.cells[at + 3] & 0x80 and flash.cells[at + 7 : at + 11] == b"cold"
    ]
    assert carried
    for at in carried:
        assert flash.cells[at + 4] == 4  # the key's length, and no record of the commit to come


def test_what_a_failed_erase_left_behind_does_not_come_back():
    flash = NorSectors(6, 512)
    table = boot(flash)[1]
    commit(table, gone=b"1")
    flash.bad = {0: "erase no-op"}
    for number in range(115):
        if number == 15:  # in another sector, which the ring comes round to
            commit(table, gone=None)
        commit(table, hot=b"%d" % (number - 15))
    assert flash.cells[39:43] == b"gone"
    place = bytes(flash.cells).find(b"hot99")
    flash.cells[place] ^= 1
    assert table.get(b"hot") == b"98" and table.keys() == [b"hot"]  # all sectors were read again


def turn_of(flash, address):
    """Return the turn of the record at an address in units."""
    return int.from_bytes(flash.cells[32 * address : 32 * address + 3], "big")


def test_what_starts_alone_pass_by_is_carried_too():
    # Commits of two units, and starts that copy them: who opens a sector is always a start.
    flash = NorSectors(16, 512)
    table = boot(flash)[1]
    for number in range(3):
        commit(table, **{"cold%d" % number: b"%d" % number})
    for starts in range(250):
        journal, table = boot(flash, is_after_sleep=False)
        if starts < 150:
            commit(table, hot=b"%029d" % starts)
        for slot in range(len(journal._index) // 2):
            address = journal._index[2 * slot]
            assert journal._turn - turn_of(flash, address) < 16
        rotten = NorSectors(16, 512, flash.cells)
        rotten.cells[journal._sector * 512] ^= 1
        assert len(boot(rotten)[1].keys()) == 4
    assert journal._turn > 16
