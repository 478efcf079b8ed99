"""Parts of which some pieces came before the power went, or the session ended: put away, found.

Blocks are put away behind the image that is being filled. Documents, until they are believed, have
a room in front of the trailer of the slot that is to be filled: there nothing lies that somebody
signed, so that nobody can take away what could run.

Input    begin(installation, at, digest), keep(log, held, index),
         restore(log, gathering, part, may_be)
Effects  flash
Bounds   ROOM_SECTORS for documents, of as many releases in a session; the free sectors of a slot
         for blocks
"""

from .index import block_count
from .kept import Kept
from .layout import ROOM_SECTORS, slot_at, trailer_at
from .region import Region
from .talk import piece_count, piece_of, tag_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .gathering import Gathering, Part
    from .installation import Installation


class Resuming:
    """What earlier sessions left of one release: `room` is where its documents are put away."""

    def __init__(self) -> None:
        self.room: "Kept | None" = None
        self._seen: "list[int]" = []  # the parts that were looked for
        self._begun = 0  # how many releases in this session

    def begin(self, installation: "Installation", at: int, digest: bytes) -> None:
        """Look at what is there of a release whose documents are not here; `at` is its slot."""
        self.room = None
        self._begun += 1
        if self._begun > ROOM_SECTORS:  # each erases what the one before has left
            return
        flash = installation.flash
        first = trailer_at(at, flash.sector_count) - ROOM_SECTORS
        end_of_image = block_count(installation.slots[at].size_bytes)
        if slot_at(at, flash.sector_count) + end_of_image <= first:
            self.room = Kept(Region(flash, first, ROOM_SECTORS), tag_of(digest))
            self.room.load()

    def forget(self) -> None:
        """Look for all parts anew."""
        self._seen = []

    def keep(self, log: Kept, held: "Part", index: int) -> None:
        """Put a piece of a part away, or all that are here if there is no place for it yet."""
        part, size = held.part, len(held.data)
        if log.is_started(part, held.form, size):
            log.add(part, index, piece_of(held.data, index))
        elif log.begin(part, held.form, size):
            for each in range(piece_count(size)):
                if not held.missing >> each & 1:
                    log.add(part, each, piece_of(held.data, each))

    def restore(
        self,
        log: Kept,
        gathering: "Gathering",
        part: int,
        may_be: "Callable[[int, int, int], bool]",
    ) -> "Part | None":
        """Go on with a part as it was left, once; None if nothing was, or there is no room."""
        if part in self._seen or part in gathering.parts:
            return None
        found = log.started(part)
        if found is None or not may_be(found[0], part, len(found[1])):
            return None
        held = gathering.restore(part, *found)
        if held is not None:
            self._seen.append(part)
        return held
