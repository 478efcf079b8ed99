"""A release in one of the slots, whole or in part, as it is handed on to others.

Input    Holding(flash, slot, papers, have), coded(part, base), read(address, buffer)
Effects  flash, where something is kept
Bounds   one part of a release at a time
"""

from .envelope import Envelope
from .index import BLOCK_BYTES, DIGEST_BYTES, block_bytes, block_count
from .kept import Kept
from .layout import ROOM_SECTORS, slot_at, trailer_at
from .manifest import from_bytes
from .refusals import RefusedError
from .region import Region
from .talk import FORM_DEFLATED, FORM_PLAIN, PART_ENVELOPE, PART_INDEX, tag_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..ports import Flash
    from .installation import Installation
    from .papers import Papers


class Holding:
    """What a slot holds of a release: `have` is 1 for each block that is there.

    Shape: `tag` names the release on the air, `base` its image as the source of deltas.
    Raises: RefusedError for papers that hold no manifest (flash).
    """

    def __init__(self, flash: "Flash", slot: int, papers: "Papers", have: bytearray) -> None:
        envelope = Envelope(papers.envelope)
        self.digest = envelope.digest()
        self.manifest = from_bytes(envelope.payload)
        self.tag = tag_of(self.digest)
        self.base = tag_of(self.manifest.digest)
        self.have = have
        self._papers = papers
        start = slot_at(slot, flash.sector_count)
        end = trailer_at(slot, flash.sector_count) - ROOM_SECTORS
        first = start + block_count(self.manifest.size_bytes)
        self._image = Region(flash, start, first - start)
        self.kept = Kept(Region(flash, first, max(0, end - first)), self.tag)
        self.kept.load()

    @property
    def bases(self) -> "list[int]":
        """The tags of the images for which deltas are kept."""
        return [form for form in self.kept.forms() if form > FORM_DEFLATED]

    @property
    def is_whole(self) -> bool:
        """Whether every block is there."""
        return sum(self.have) == len(self.have)

    def read(self, address: int, buffer: memoryview) -> None:
        """Fill a buffer from the image.

        Raises: OSError when the medium fails.
        """
        self._image.read(address, buffer)

    def coded(self, part: int, base: int) -> "tuple[int, bytes] | None":
        """Return a part's form and bytes, for who has an image of that tag; None without it.

        Raises: OSError when the medium fails.
        """
        if part == PART_INDEX:
            return FORM_PLAIN, self._papers.index
        if part == PART_ENVELOPE:
            return FORM_PLAIN, self._papers.envelope
        if part >= len(self.have):
            data = self.kept.get(part, FORM_PLAIN)
            return None if data is None else (FORM_PLAIN, data)
        form = base or FORM_DEFLATED
        data = self.kept.get(part, form)
        if data is not None:
            return form, data
        if base or not self.have[part]:
            return None
        block = bytearray(block_bytes(self.manifest.size_bytes, part))
        self._image.read(part * BLOCK_BYTES, block)
        return FORM_PLAIN, bytes(block)


def running_of(installation: "Installation") -> "Holding | None":
    """Return the release that runs, None if none does or its papers cannot be read."""
    at = installation.running
    try:
        papers = installation.read_papers(at) if at >= 0 else None
        if papers is None:
            return None
        have = bytearray(b"\x01" * (len(papers.index) // DIGEST_BYTES))
        return Holding(installation.flash, at, papers, have)
    except (OSError, RefusedError):
        return None  # it is still what runs; nothing is handed on of it
