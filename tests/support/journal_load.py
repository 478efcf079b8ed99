"""What the figures of the journal measure it with: small puts, each a commit of its own.

A put of 52 B is a key and a value of 52 B together: what the user gave, and no more.
"""

from cma_toolkit.firmware.kernel.state.journal import Journal
from cma_toolkit.firmware.kernel.state.table import JournalTable
from support.nor_sectors import NorSectors

PUT_BYTES = 52


class Load:
    """A table in which some keys change in turn and the others never do."""

    def __init__(self, keys: int, changing: int, put_bytes: int = PUT_BYTES) -> None:
        self.flash = NorSectors()
        journal = Journal(self.flash)
        journal.recover()
        self._table = JournalTable(journal)
        self._changing = changing
        self._put_bytes = put_bytes
        self._puts = 0
        for number in range(keys):
            self._put(number)

    def put(self) -> None:
        """Change the next key."""
        self._put(self._puts % self._changing)
        self._puts += 1

    def _put(self, number: int) -> None:
        key = b"ssensor%02d" % number
        self._table.put(key, bytes([self._puts & 0xFF]) * (self._put_bytes - len(key)))
        self._table.commit()


def run(keys: int, changing: int, puts: int) -> tuple[float, float, int]:
    """Return bytes programmed per byte put, erases per put, and the spread of wear, over a run."""
    load = Load(keys, changing)
    flash = load.flash
    programmed, erases = flash.programmed_bytes, sum(flash.erases)
    for _ in range(puts):
        load.put()
    amplification = (flash.programmed_bytes - programmed) / (puts * PUT_BYTES)
    spread = max(flash.erases) - min(flash.erases)
    return amplification, (sum(flash.erases) - erases) / puts, spread
