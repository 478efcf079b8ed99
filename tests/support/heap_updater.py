"""A session of an updater on MicroPython, over memory that is mapped by the host.

Runs within the heap that is measured. Behind the image the mapped memory holds the partition
`romfs`, then what is heard: each time an instant (4 bytes), a length (2) and so many bytes of a
frame; without any the updater's time is served. A length of 65,535 is the start, an instant of
all ones the end.
"""

import gc
import io
import struct

import deflate
import uctypes

from kernel.identity import Identity
from kernel.ports import Flash
from kernel.prng import Prng
from kernel.release.budget import COLLECT_BYTES, Budget
from kernel.release.installation import Installation
from kernel.release.layout import (
    JOURNAL_SECTORS,
    PARTITION_BYTES,
    SECTOR_BYTES,
    image_bytes,
    journal_at,
)
from kernel.release.manifest import Board
from kernel.release.region import Region
from kernel.release.updater import Updater
from kernel.state.journal import Journal
from kernel.state.table import JournalTable

_PAGE_BYTES = 256
_END, _START = 0xFFFFFFFF, 0xFFFF


class Mapped(Flash):
    """The partition, in memory."""

    sector_bytes = SECTOR_BYTES
    sector_count = PARTITION_BYTES // SECTOR_BYTES

    def __init__(self, address):
        self._at = address

    def read(self, address, buffer):
        """Fill a buffer."""
        memoryview(buffer)[:] = uctypes.bytearray_at(self._at + address, len(buffer))

    def program(self, address, data):
        """Program bytes."""
        uctypes.bytearray_at(self._at + address, len(data))[:] = data

    def erase(self, sector):
        """Erase a sector, a page at a time."""
        page = b"\xff" * _PAGE_BYTES
        for start in range(0, SECTOR_BYTES, _PAGE_BYTES):
            self.program(sector * SECTOR_BYTES + start, page)

    def sync(self):
        """Wait for nothing."""


class Deeds:
    """What the updater does."""

    outcome = 0

    def send(self, link, buffer, length):
        """Let it go."""

    def done(self, outcome):
        """Note the end."""
        self.outcome = outcome


def _inflate(data, size):
    return deflate.DeflateIO(io.BytesIO(data), deflate.RAW, 12).read(size)


def run(address, root, class_id, mpy, node, network, seed):  # noqa: PLR0917 - a board
    """Hear it all, and say how it ended."""
    gc.threshold(COLLECT_BYTES)  # as the loader does
    flash = Mapped(address)
    region = Region(flash, journal_at(flash.sector_count), JOURNAL_SECTORS)
    journal = Journal(region)
    journal.recover()
    installation = Installation(flash, JournalTable(journal), root)
    installation.boot(0)
    kind = Board((class_id,), image_bytes(flash.sector_count), mpy)
    identity = Identity("heap", node, network, "")
    budget = Budget(installation.table)
    machine = Updater(identity, Prng(seed), installation, kind, _inflate, budget)
    deeds, at = Deeds(), address + PARTITION_BYTES
    frame = bytearray(251)
    while True:
        at_ms, length = struct.unpack(">IH", uctypes.bytearray_at(at, 6))
        at += 6
        if at_ms == _END:
            break
        if length == _START:
            machine.start(at_ms, deeds)
        elif length:
            memoryview(frame)[:length] = uctypes.bytearray_at(at, length)
            at += length
            machine.on_frame(at_ms, 0, frame, length, -50, deeds)
        else:
            machine.on_time(at_ms, deeds)
    print("outcome", deeds.outcome)
