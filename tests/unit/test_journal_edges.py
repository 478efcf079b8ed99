"""The journal where its numbers are large, its sectors just full, or one program fails."""

from binascii import crc32

from kernel.state.journal import Journal
from kernel.state.mending import rebuild
from support.journalled import boot, commit
from support.nor_sectors import PROGRAM, NorSectors
from support.script import raises

UNIT_BYTES = 32
SECTOR_BYTES = 512  # 16 units: one of a header, and 15


def record(slot=0, key=b"k", value=b"v", turn=1, more=0, key_bytes=None, value_bytes=None):  # noqa: PLR0917
    """Return the bytes of a record as SPEC.md has them, its lengths as told."""
    key_bytes = len(key) if key_bytes is None else key_bytes
    value_bytes = len(value) if value_bytes is None else value_bytes
    head = turn.to_bytes(3, "big") + bytes((slot, more | key_bytes))
    data = head + value_bytes.to_bytes(2, "big") + key + value
    data += b"\xff" * (-(len(data) + 4) % UNIT_BYTES)
    crc = crc32(data)
    return data + bytes([crc >> shift & 0xFF for shift in (0, 8, 16, 24)])


def read_at(unit, data, turn=0, sector_bytes=4096):
    """Return how many units of a record a journal reads at a place."""
    flash = NorSectors(4, sector_bytes)
    flash.cells[unit * UNIT_BYTES : unit * UNIT_BYTES + len(data)] = data
    return Journal(flash)._record(unit, turn)


def test_a_record_is_read_within_its_bounds():
    for data, units in (
        (record(), 1),
        (record(slot=59), 1),
        (record(slot=60), 0),
        (record(slot=59 | 0x80), 1),  # carried forward
        (record(key=b""), 0),
        (record(key=b"k" * 36, value=b""), 2),
        (record(key=b"k" * 37, value=b"", key_bytes=37), 0),
        (record(value=b"v" * 1_024), 33),
        (record(value=b"v" * 1_025), 0),
        (record(value=b"v" * 20), 1),
        (record(value=b"v" * 21), 2),
        (record(more=0x80), 1),
        (record(more=0x40, value=b""), 1),
    ):
        assert read_at(3, data) == units


def test_a_record_ends_in_its_sector():
    two = record(value=b"v" * 40)
    assert read_at(13, two, sector_bytes=SECTOR_BYTES) == 2
    assert read_at(14, two, sector_bytes=SECTOR_BYTES) == 2
    assert read_at(15, two, sector_bytes=SECTOR_BYTES) == 0
    assert read_at(15, record(), sector_bytes=SECTOR_BYTES) == 1


def test_a_record_is_of_its_turn_and_whole():
    for turn in (1, 0x0100, 0x010000, 0x89ABCD):
        data = record(turn=turn, value=b"v" * 100)
        assert read_at(3, data, turn) == read_at(3, data) == 4
        assert read_at(3, data, turn + 1) == 0
    for at in range(len(data)):
        rotten = bytearray(data)
        rotten[at] ^= 0x20
        assert read_at(3, rotten) == 0


def test_turns_take_three_bytes():
    for before in (0xFE, 0xFFFE, 0x0102FE, 0xABCDEE):
        flash = NorSectors(4, SECTOR_BYTES)
        journal, table = boot(flash)
        journal._turn = before
        commit(table, a=b"0")
        assert flash.cells[:4] == (before + 1).to_bytes(3, "big") + b"\x00"
        assert flash.cells[32:36] == (before + 1).to_bytes(3, "big") + b"\x00"
        for number in range(60):
            commit(table, a=b"%d" % number)
            found, again = boot(NorSectors(4, SECTOR_BYTES, flash.cells))
            assert again.get(b"a") == b"%d" % number
            if journal._at < SECTOR_BYTES // UNIT_BYTES:  # else a start opens the next sector
                assert found.position() == journal.position() == journal._turn << 8 | journal._at
        assert journal._turn == before + 5
        assert journal.wear() == -(-journal._turn // 4)


def test_a_commit_that_just_fits_opens_no_sector():
    for value_bytes, erases in ((4 * 32 - 12, 1), (4 * 32 - 11, 2)):
        flash = NorSectors(8, SECTOR_BYTES)
        table = boot(flash)[1]
        commit(table, a=b"1")
        commit(table, b=b"x" * (10 * 32 - 12))
        commit(table, b=b"x" * value_bytes)  # the 15th unit, or one beyond
        assert sum(flash.erases) == erases
        assert boot(flash)[1].get(b"b") == b"x" * value_bytes


def carried(flash):
    """Return the keys of the records that were copied forward, each time that one was."""
    return [
        data[7 : 7 + (data[4] & 0x3F)]
        for kind, _, data in flash.operations
        if kind == PROGRAM and len(data) == UNIT_BYTES and data[3] & 0x80 and data[4] & 0x3F
    ]


def test_what_half_a_lap_has_passed_is_carried_by_one_commit_and_a_start_carries_five():
    for is_start, per_step in ((False, 10), (True, 5)):
        flash = NorSectors(16, SECTOR_BYTES)
        table = boot(flash)[1]
        for number in range(10):
            commit(table, **{"cold%d" % number: b"%d" % number})
        steps = []
        for number in range(400):
            flash.operations = []
            if is_start:
                journal = boot(flash, is_after_sleep=False)[0]
            else:
                commit(table, hot=b"%d" % number)
            if carried(flash):
                steps.append(len(carried(flash)))
        assert max(steps) == per_step, (is_start, steps)
        found, again = boot(flash)
        assert [again.get(b"cold%d" % number) for number in range(10)] == [
            b"%d" % number for number in range(10)
        ]
        assert found.damaged == 0
        if is_start:
            assert journal._turn > 16


class FailsOnce(NorSectors):
    """Fail in one program, the n-th."""

    left = -1

    def program(self, address, data):
        """Program, or fail."""
        self.left -= 1
        if self.left == 0:
            raise OSError(5)
        NorSectors.program(self, address, data)


def test_one_program_that_fails_anywhere_loses_nothing():
    for failing in range(1, 80):
        flash = FailsOnce(8, SECTOR_BYTES)
        journal, table = boot(flash)
        flash.left = failing
        commit(table, cold=b"stays", cool=b"too")
        for number in range(70):
            commit(table, hot=b"%d" % number)
        assert journal.bad_sectors == 1 and flash.left < 0
        for found in (table, boot(NorSectors(8, SECTOR_BYTES, flash.cells))[1]):
            assert found.get(b"cold") == b"stays" and found.get(b"cool") == b"too"
            assert found.get(b"hot") == b"69" and len(found.keys()) == 3
        for sector in range(8):  # each begins with a header, or was never opened
            first = bytes(flash.cells[sector * SECTOR_BYTES : sector * SECTOR_BYTES + UNIT_BYTES])
            is_blank = first == b"\xff" * UNIT_BYTES
            assert is_blank or crc32(first, 1) == 0x2144DF1C or sector == journal_bad(journal)


def journal_bad(journal):
    """Return the sector that failed."""
    return next(sector for sector in range(8) if journal._bad >> sector & 1)


def test_how_full_it_is_waits_for_a_flash_that_can_be_read():
    class Unreadable(NorSectors):
        is_out = True

        def read(self, address, buffer):
            """Read, or fail."""
            if self.is_out:
                raise OSError(5)
            NorSectors.read(self, address, buffer)

    flash = Unreadable(4, SECTOR_BYTES)
    journal, table = boot(flash)
    for ask in (journal.usage, journal.keys, table.keys, table.commit):
        raises(OSError, ask)
    flash.is_out = False
    assert journal.usage() == (0, 0, 11)
    commit(table, a=b"1", b=b"x" * 100)
    assert journal.usage() == (2, 1 + 4, 11)


def test_the_live_records_have_eleven_sixteenths_of_a_sector():
    for value_bytes, is_full in ((11 * 32 - 12, False), (11 * 32 - 11, True)):
        table = boot(NorSectors(4, SECTOR_BYTES))[1]
        table.put(b"a", b"x" * value_bytes)
        if is_full:
            raises(OSError, table.commit)
        else:
            assert table.commit() and table.get(b"a") == b"x" * value_bytes
    table = boot(NorSectors(4, SECTOR_BYTES))[1]
    commit(table, a=b"x" * (6 * 32 - 12))
    table.put(b"a", b"y" * (6 * 32 - 12))  # the old one makes room for the new one
    assert table.commit() and table.get(b"a")[:1] == b"y"


def test_of_a_key_that_was_deleted_the_slot_is_used_again():
    flash = NorSectors(4, SECTOR_BYTES)
    table = boot(flash)[1]
    commit(table, a=b"1", b=b"2", c=b"3")
    commit(table, b=None)
    commit(table, d=b"4", e=b"5")
    found = boot(flash)[0]
    assert len(found._index) == 2 * 4 and found.keys() == [b"a", b"c", b"d", b"e"]
    assert found.usage()[:2] == (4, 4)


def test_what_just_fits_is_carried():
    flash = NorSectors(16, SECTOR_BYTES)
    table = boot(flash)[1]
    for number in range(7):
        commit(table, **{"cold%d" % number: b"%d" % number})
    commit(table, hot=b"x" * (4 * 32 - 14))
    flash.operations = []
    while not carried(flash):  # a start: it leaves two of seven, and six units
        flash.operations = []
        journal, table = boot(flash, is_after_sleep=False)
    assert len(carried(flash)) == 5 and journal._at == 1 + 5 + 4
    flash.operations = []
    commit(table, hot=b"y" * (4 * 32 - 14))
    assert len(carried(flash)) == 2 and journal._at == 16


def test_a_sector_with_a_live_record_is_opened_by_nobody():
    flash = NorSectors(8, SECTOR_BYTES)
    table = boot(flash)[1]
    commit(table, hot=b"0")
    commit(table, cold=b"stays")  # in the last slot
    for sector in range(3, 8):
        flash.bad[sector] = "erase error"
    for number in range(150):  # three sectors are no lap of eight: nothing is carried in time
        commit(table, hot=b"%d" % number)
        assert table.get(b"cold") == b"stays"
        assert boot(NorSectors(8, SECTOR_BYTES, flash.cells))[1].get(b"cold") == b"stays"


def test_of_a_sector_without_header_the_last_record_counts_too():
    flash = NorSectors(4, SECTOR_BYTES)
    table = boot(flash)[1]
    for number in range(15):
        commit(table, a=b"%d" % number)
    for unit in range(15):
        flash.cells[unit * UNIT_BYTES + 9] ^= 0x10
    journal = Journal(flash)
    journal.recover(True)
    rebuild(journal)
    assert journal.keys() == [b"a"] and journal.read(b"a") == b"14" and journal._turn == 1


class Fading(NorSectors):
    """Read one bit right the first time only."""

    at = -1

    def read(self, address, buffer):
        """Read, and let it fade."""
        NorSectors.read(self, address, buffer)
        if address <= self.at < address + len(buffer):
            self.cells[self.at] ^= 4
            self.at = -1


def test_what_reads_now_so_now_so_never_was_and_the_rest_is_there_at_once():
    flash = Fading(4, SECTOR_BYTES)
    table = boot(flash)[1]
    commit(table, a=b"old")
    commit(table, a=b"new")
    flash.at = 2 * UNIT_BYTES + 9
    journal = Journal(flash)
    assert journal.recover() == 2 * UNIT_BYTES  # a header, and a copy of what is whole
    assert journal._at == 2 and journal.read(b"a") == b"old" and journal.damaged == 1
