"""The journal while something fails: a flash that forgets or flickers, a full heap."""

from support.journalled import boot, commit
from support.nor_sectors import NorSectors
from support.script import raises


class Forgetful(NorSectors):
    """Forget the first program of a sector after its erase."""

    is_forgetful = False

    def program(self, address, data):
        """Program, or say so."""
        if self.is_forgetful and address % self.sector_bytes == 0:
            self.is_forgetful = False
            return
        NorSectors.program(self, address, data)


def test_a_header_is_read_back():
    flash = Forgetful(6, 512)
    table = boot(flash)[1]
    commit(table, a=b"0")
    flash.is_forgetful = True
    for number in range(20):
        commit(table, a=b"%d" % number)
        assert boot(NorSectors(6, 512, flash.cells))[1].get(b"a") == b"%d" % number
    assert not flash.is_forgetful


class Flickering(NorSectors):
    """Fail as told: to read, or to be written."""

    def __init__(self, sector_count, sector_bytes, cells=None):
        NorSectors.__init__(self, sector_count, sector_bytes, cells)
        self.reads_left = -1  # until they fail; -1: they never do
        self.is_weak = False
        self.tries = 0

    def read(self, address, buffer):
        """Read, or fail."""
        if self.reads_left == 0:
            raise OSError(5)
        self.reads_left -= self.reads_left > 0
        NorSectors.read(self, address, buffer)

    def program(self, address, data):
        """Program, or fail."""
        if self.is_weak:
            raise OSError(5)
        NorSectors.program(self, address, data)

    def erase(self, sector):
        """Erase, or fail."""
        self.tries += 1
        if self.is_weak:
            raise OSError(5)
        NorSectors.erase(self, sector)


def test_a_flash_that_is_well_again_is_written_again():
    flash = Flickering(6, 512)
    journal, table = boot(flash)
    commit(table, a=b"old", b=b"kept")
    flash.is_weak = True
    for _ in range(3):
        flash.tries = 0
        table.put(b"a", b"lost")
        raises(OSError, table.commit)
        assert journal.bad_sectors > 0 and flash.tries <= 6, "each sector is tried once"
        assert table.get(b"a") == b"old"
    flash.is_weak = False
    assert commit(table, a=b"new") and journal.bad_sectors == 0
    for found in (table, boot(flash)[1]):
        assert found.get(b"a") == b"new" and found.get(b"b") == b"kept"


def fail_all(table):
    """Make sure that a table fails, and does not look empty."""
    raises(OSError, table.get, b"a")
    raises(OSError, table.keys)
    table.put(b"a", b"written over")
    raises(OSError, table.commit)


def test_a_flash_that_cannot_be_read_is_not_empty():
    cells = NorSectors(6, 512).cells
    flash = NorSectors(6, 512, cells)
    for number in range(30):
        commit(boot(flash)[1], a=b"%d" % number, b=b"other")
    for is_after_sleep in (True, False):
        reads = 0
        is_over = False
        while not is_over:  # the flash fails after each number of reads
            failing = Flickering(6, 512, flash.cells)
            failing.reads_left = reads
            table = boot(failing, is_after_sleep)[1]
            is_over = failing.reads_left > 0
            if failing.reads_left == 0:
                fail_all(table)
                fail_all(table)
            failing.reads_left = -1
            assert table.get(b"a") == b"29" and table.get(b"b") == b"other"
            commit(table, c=b"next")
            assert boot(failing)[1].keys() == [b"a", b"b", b"c"]
            reads += 1
        assert reads > 20


def test_a_flash_that_can_be_read_no_more_does_not_forget():
    flash = Flickering(6, 512)
    table = boot(flash)[1]
    commit(table, a=b"1")
    flash.reads_left = 0
    fail_all(table)
    flash.reads_left = -1
    assert table.get(b"a") == b"1"
    commit(table, b=b"2")
    assert boot(flash)[1].keys() == [b"a", b"b"]


class Crowded(NorSectors):
    """Find no heap once, before or behind the operation whose turn it is."""

    left = -1  # operations until then; none if below 0
    is_before = True

    def _turn(self, is_before):
        if is_before == self.is_before:
            self.left -= 1
            if self.left == -1:
                raise MemoryError

    def read(self, address, buffer):
        """Read."""
        self._turn(True)
        super().read(address, buffer)
        self._turn(False)

    def program(self, address, data):
        """Program."""
        self._turn(True)
        super().program(address, data)
        self._turn(False)

    def erase(self, sector):
        """Erase."""
        self._turn(True)
        super().erase(sector)
        self._turn(False)


def test_a_heap_that_is_full_in_mid_commit_leaves_old_or_new_and_the_next_one_holds():
    for is_before in (True, False):
        first = 0
        failures = 1
        while failures:
            failures = 0
            flash = Crowded(4, 512)
            flash.is_before = is_before
            table = boot(flash)[1]
            commit(table, a=b"0", b=b"0", cold=b"stays")
            flash.left = first
            stored = b"0"  # or later
            for number in range(1, 20):  # over several sectors
                new = b"%d" % number
                try:
                    commit(table, a=new, b=new)
                    stored = new
                except MemoryError:
                    failures += 1
                    for found in (table, boot(flash)[1]):
                        assert found.get(b"a") == found.get(b"b")
                        assert found.get(b"a") in (stored, new)
                        assert found.get(b"cold") == b"stays"
            flash.left = -1
            commit(table, a=b"20", b=b"20")
            for found in (table, boot(flash)[1]):
                assert found.get(b"a") == found.get(b"b") == b"20"
                assert found.get(b"cold") == b"stays"
            assert failures <= 1
            first += 1
        assert first > 100
