"""A board with places for MicroPython: its otadata, its bootloader, and the kernel's own count.

One flash has all of it, so that a cut in any of its operations can be looked at. The bootloader is
that of virtual boards, and so is what a board does with otadata.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cma_toolkit.boards.flash_map import Partition
from cma_toolkit.firmware.kernel.release import layout
from cma_toolkit.firmware.kernel.release.installation import Installation
from cma_toolkit.firmware.kernel.release.manifest import Board
from cma_toolkit.firmware.kernel.release.region import Region
from cma_toolkit.firmware.kernel.release.runtime import Runtime
from cma_toolkit.firmware.kernel.state.journal import Journal
from cma_toolkit.firmware.kernel.state.table import JournalTable
from cma_toolkit.host_tools.release import artefact, documents, runtime_image
from cma_toolkit.host_tools.release.artefact import Part
from cma_toolkit.sim.virtual_board.boot.slots import boot_order, read_entries, write_entries
from cma_toolkit.sim.virtual_board.shims.vb import otadata
from support.nor_sectors import NorSectors
from support.release_board import FIRST, RELEASE, TIMESTAMP
from support.release_signers import DAY_S, MPY, NOW_S, Signer, signed

BUILD = "ESP32_GENERIC_S3"
CLASS_ID = runtime_image.class_id(artefact.CLASSES, BUILD)
SECTOR_BYTES = layout.SECTOR_BYTES
PLACE_SECTORS = 3
ROMFS_SECTORS = layout.LOADER_SECTORS + 2 * (layout.TRAILER_SECTORS + 1) + layout.JOURNAL_SECTORS
OTADATA_AT = ROMFS_SECTORS * SECTOR_BYTES
FACTORY_AT = OTADATA_AT + 2 * SECTOR_BYTES
PLACES_AT = tuple(FACTORY_AT + number * PLACE_SECTORS * SECTOR_BYTES for number in (1, 2))
SECTORS = ROMFS_SECTORS + 2 + 3 * PLACE_SECTORS
PARTITIONS = (
    Partition("otadata", 1, 0, OTADATA_AT, 2 * SECTOR_BYTES),
    Partition("factory", 0, 0, FACTORY_AT, PLACE_SECTORS * SECTOR_BYTES),
    *(
        Partition(f"ota_{number}", 0, 0x10 + number, at, PLACE_SECTORS * SECTOR_BYTES)
        for number, at in enumerate(PLACES_AT)
    ),
)
ROOT_BYTES = FIRST.to_bytes()


@dataclass(frozen=True)
class MicroPython:
    """A release of it; a bad one crashes whenever it runs, a mute one is heard by nobody."""

    part: Part
    is_good: bool = True
    is_mute: bool = False

    @property
    def sequence(self) -> int:
        """Return its number."""
        return self.part.manifest.sequence

    @property
    def image(self) -> bytes:
        """Return its bytes."""
        return self.part.image


def micropython(
    sequence: int,
    size_bytes: int = 5_000,
    *,
    by: Signer = RELEASE,
    is_good: bool = True,
    is_mute: bool = False,
    **others: int,
) -> MicroPython:
    """Return a signed release of that size."""
    image = bytes([(sequence * 41 + at * 7 + (at >> 8)) & 0xFF for at in range(size_bytes)])
    numbers = artefact.Numbers(sequence, others.pop("security_counter", 0))
    part = artefact.make_runtime(BUILD, image, "6.3", numbers)
    manifest = part.manifest
    for name, value in others.items():
        setattr(manifest, name, value)
    from cma_toolkit.firmware.kernel.release.manifest import to_bytes

    return MicroPython(Part(BUILD, signed(to_bytes(manifest), [by]), image), is_good, is_mute)


def stamp(version: int, *releases: MicroPython) -> bytes:
    """Return word that these are current."""
    digests = [each.part.digest for each in releases]
    said = documents.timestamp(version, NOW_S, NOW_S + 7 * DAY_S, digests)
    return signed(said, [TIMESTAMP])


class _Chip:
    """The flash as the bootloader and `otadata` have it."""

    def __init__(self, flash: NorSectors, offset: int = 0, size_bytes: int = 0) -> None:
        self._flash, self._offset = flash, offset
        self.size_bytes = size_bytes

    def read(self, at: int, what: "int | bytearray") -> bytes:
        """Return so many bytes, or fill a buffer."""
        data = bytearray(what) if isinstance(what, int) else what
        self._flash.read(self._offset + at, data)
        return bytes(data)

    def program(self, at: int, data: bytes) -> None:
        """Clear bits."""
        self._flash.program(self._offset + at, data)

    def erase(self, at: int, size_bytes: int) -> None:
        """Set bits."""
        for sector in range(size_bytes // SECTOR_BYTES):
            self._flash.erase((self._offset + at) // SECTOR_BYTES + sector)


class Places:
    """The places of MicroPython of a board on which one of them runs."""

    def __init__(self, flash: NorSectors, running_at: int) -> None:
        self._flash = flash
        self.running_at = running_at
        self.spare_at = PLACES_AT[1 if running_at == PLACES_AT[0] else 0]
        self.spare = Region(flash, self.spare_at // SECTOR_BYTES, PLACE_SECTORS)
        self.running = Region(flash, running_at // SECTOR_BYTES, PLACE_SECTORS)
        self._otadata = _Chip(flash, OTADATA_AT)

    def set_boot(self, at: int) -> None:
        """Have another place start at the next reset."""
        if at in PLACES_AT:
            otadata.choose(self._otadata, PLACES_AT.index(at), len(PLACES_AT))
        else:
            otadata.choose_factory(self._otadata)

    def mark_valid(self) -> None:
        """Have what runs stay."""
        otadata.mark_valid(self._otadata)


class RuntimeBoard:
    """What of a board is about MicroPython; it forgets everything but its flash at a reset."""

    def __init__(self, flash: NorSectors, images: Sequence[bytes]) -> None:
        self.flash = flash
        self._images = images  # what the bootloader finds whole
        self.kind = Board((CLASS_ID,), PLACE_SECTORS * SECTOR_BYTES, MPY)
        self._slept = 0

    def reset(self) -> int:
        """Let the bootloader start something; return where it stands, 0 if nothing starts."""
        chip = _Chip(self.flash)
        order, writes = boot_order(PARTITIONS, read_entries(chip, PARTITIONS))
        for place in order:
            if self.image_at(place.offset) is not None:
                write_entries(chip, writes)
                self._open(place.offset)
                return place.offset
        return 0

    def image_at(self, at: int) -> bytes | None:
        """Return the whole image in a place, None if there is none."""
        for image in self._images:
            if self.flash.cells[at : at + len(image)] == image:
                return image
        return None

    def _open(self, at: int) -> None:
        romfs = Region(self.flash, 0, ROMFS_SECTORS)
        place = layout.journal_at(ROMFS_SECTORS)
        journal = Journal(Region(romfs, place, layout.JOURNAL_SECTORS))
        journal.recover()
        self.installation = Installation(romfs, JournalTable(journal), ROOT_BYTES)
        self.places = Places(self.flash, at)
        self.runtime = Runtime(self.installation, self.places, CLASS_ID, MPY)

    def fetch(self, release: MicroPython) -> int:
        """Take a release, bring what is lacking of it, and have it tried; return why not."""
        reason = self.runtime.begin(release.part.envelope, self.kind, NOW_S)
        if reason:
            return reason
        self.fill(release.image)
        assert self.runtime.start()
        return 0

    def fill(self, image: bytes) -> None:
        """Write the blocks that are not there."""
        spare = self.places.spare
        for number, block in enumerate(runtime_image.blocks(image)):
            data = block + b"\xff" * (-len(block) % 32)
            held = bytearray(len(data))
            spare.read(number * SECTOR_BYTES, held)
            if held != data:
                spare.erase(number)
                spare.program(number * SECTOR_BYTES, data)


def new_flash(factory: bytes) -> NorSectors:
    """Return the flash of a board that a cable gave a MicroPython."""
    flash = NorSectors(SECTORS, SECTOR_BYTES)
    flash.cells[FACTORY_AT : FACTORY_AT + len(factory)] = factory
    return flash
