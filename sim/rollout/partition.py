"""The partition `romfs` of a board that updates: two slots and the journal of releases."""

import zlib
from typing import TYPE_CHECKING

from cma_toolkit.firmware.kernel.release import layout, papers
from cma_toolkit.firmware.kernel.release.installation import Installation
from cma_toolkit.firmware.kernel.release.region import Region
from cma_toolkit.firmware.kernel.state.journal import Journal
from cma_toolkit.firmware.kernel.state.table import JournalTable
from cma_toolkit.sim.world.hardware.flash import NorFlash

if TYPE_CHECKING:
    from cma_toolkit.sim.rollout.world import Conditions

SECTORS = layout.PARTITION_BYTES // layout.SECTOR_BYTES
_WINDOW_BITS = 12


class RomfsFlash(NorFlash):
    """The partition on emulated flash."""

    sector_count = SECTORS


def install(flash: NorFlash, conditions: "Conditions") -> None:
    """Write what `cma flash` writes: an image into slot A, and its papers."""
    size = layout.SECTOR_BYTES
    image = conditions.image + b"\xff" * (-len(conditions.image) % size)
    at = layout.slot_at(0, SECTORS) * size
    for start in range(0, len(image), size):
        flash.program(at + start, image[start : start + size])
    papers.write(flash, layout.trailer_at(0, SECTORS), conditions.papers)


def open_installation(flash: NorFlash, root: bytes) -> Installation:
    """Return the slots of a board that was handed a root; `boot` was not called yet."""
    journal = Journal(Region(flash, layout.journal_at(SECTORS), layout.JOURNAL_SECTORS))
    journal.recover()
    return Installation(flash, JournalTable(journal), root)


def inflate(data: bytes, size: int) -> bytes:
    """Return what raw DEFLATE with a window of 4 KiB unpacks to, at most so many bytes.

    Raises: ValueError for what is none (peer).
    """
    try:
        return zlib.decompressobj(-_WINDOW_BITS).decompress(data, size)
    except zlib.error as error:
        raise ValueError(str(error)) from error
