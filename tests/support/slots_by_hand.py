"""A board with two slots in memory, and images that somebody put there by hand. Both runtimes."""

from hashlib import sha256

from kernel.codec.cbor import encode
from kernel.release import layout, papers
from kernel.release.index import image_digest, index_of
from kernel.release.installation import Installation
from kernel.release.manifest import CLASS_BYTES, Manifest, to_bytes
from kernel.release.region import Region
from kernel.release.slots import TRIAL, TRIAL_UNITS
from kernel.state.journal import Journal
from kernel.state.table import JournalTable
from support.nor_sectors import NorSectors

IMAGE_SECTORS = 2
SECTORS = layout.LOADER_SECTORS + layout.JOURNAL_SECTORS + 2 * (
    IMAGE_SECTORS + layout.TRAILER_SECTORS
)  # fmt: skip
JOURNAL = range(layout.journal_at(SECTORS), SECTORS)


def image(sequence, size_bytes=5_000):
    """Return an image that no other number has."""
    return bytes([sequence * 37 + at * 11 & 0xFF for at in range(size_bytes)])


def manifest(sequence, counter=0, size_bytes=5_000):
    """Return what is said of that image."""
    content = image(sequence, size_bytes)
    made = Manifest(sequence, bytes(CLASS_BYTES), image_digest(content), size_bytes)
    made.security_counter = counter
    return made


def envelope(made):
    """Return a manifest in its envelope, without a signature."""
    payload = encode(to_bytes(made))
    digest = encode([-16, sha256(payload).digest()])
    return b"\xd8\x6b\xa2\x02" + encode(encode([digest])) + b"\x03" + payload


class Chip:
    """A flash, and the board that starts from it."""

    def __init__(self):
        self.flash = NorSectors(SECTORS)

    def table(self):
        """Return the journal of releases."""
        start = layout.journal_at(SECTORS)
        journal = Journal(Region(self.flash, start, layout.JOURNAL_SECTORS))
        journal.recover()
        return JournalTable(journal)

    def open(self, root=b""):
        """Return the installation of a board that has just started."""
        return Installation(self.flash, self.table(), root)

    def put(self, slot, sequence, counter=0):
        """Put an image and its papers into a slot."""
        made = manifest(sequence, counter)
        content = image(sequence)
        start = layout.slot_at(slot, SECTORS) * layout.SECTOR_BYTES
        self.flash.cells[start : start + len(content)] = content
        data = papers.to_bytes(envelope(made), index_of(content))
        papers.write(self.flash, layout.trailer_at(slot, SECTORS), data)

    def rot(self, slot, at=100):
        """Flip a bit of an image."""
        self.flash.cells[layout.slot_at(slot, SECTORS) * layout.SECTOR_BYTES + at] ^= 1

    def rot_papers(self, slot):
        """Flip a bit of a slot's papers."""
        self.flash.cells[layout.trailer_at(slot, SECTORS) * layout.SECTOR_BYTES + 70] ^= 1

    def lose_journal(self):
        """Erase the journal."""
        for sector in JOURNAL:
            self.flash.erase(sector)

    def on_trial(self, counters=(0, 0)):
        """Return a board that runs release 1 in A and is to try release 2 in B."""
        self.put(0, 1, counters[0])
        board = self.open()
        assert board.boot(0) == 0
        self.put(1, 2, counters[1])
        made = manifest(2, counters[1])
        slot = board.slots[1]
        slot.hold(sha256(encode(to_bytes(made))).digest(), made)
        slot.state, slot.left = TRIAL, TRIAL_UNITS
        board.commit()
        return self.open()
