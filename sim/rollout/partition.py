"""The partition `romfs` of a board that updates: two slots and the journal of releases."""

import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from cma_toolkit.firmware.kernel.config import STATE_NAMES
from cma_toolkit.firmware.kernel.release import layout, papers
from cma_toolkit.firmware.kernel.release.budget import Budget
from cma_toolkit.firmware.kernel.release.installation import RECOVERY, Installation
from cma_toolkit.firmware.kernel.release.manifest import Board
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


def budget_of(
    installation: Installation, currents_ua: Mapping[str, int], clock_ms: int
) -> Budget | None:
    """Return what a session may take, by a clock that began with the power; None for nothing."""
    table = [currents_ua.get(name, 0) for name in STATE_NAMES]
    budget = Budget(installation.table, table)
    return budget if budget.begin(clock_ms // 1000, installation.running != RECOVERY) else None


def kind_of(conditions: "Conditions", battery_mv: int) -> Board:
    """Return what boards say of themselves to a release."""
    kind = Board((conditions.class_id,), layout.image_bytes(SECTORS), conditions.mpy)
    kind.battery_mv = battery_mv
    return kind


def inflate(data: bytes, size: int) -> bytes:
    """Return what raw DEFLATE with a window of 4 KiB unpacks to, at most so many bytes.

    Raises: ValueError for what is none (peer).
    """
    try:
        return zlib.decompressobj(-_WINDOW_BITS).decompress(data, size)
    except zlib.error as error:
        raise ValueError(str(error)) from error
