"""What comes to a board of two slots in tests: releases, what is current, its first image."""

from dataclasses import dataclass, field

from cma_toolkit.host_tools.release import documents
from kernel.release import index, layout, papers
from kernel.release.envelope import Envelope
from kernel.release.manifest import Board
from support.release_board import RELEASE, TIMESTAMP
from support.release_signers import CLASS_ID, DAY_S, MPY, NOW_S, Signer, manifest, signed

IMAGE_SECTORS = 3
STATE_SECTORS = 3
SLOT_SECTORS = IMAGE_SECTORS + layout.TRAILER_SECTORS
PARTITION_SECTORS = layout.LOADER_SECTORS + 2 * SLOT_SECTORS + layout.JOURNAL_SECTORS
SECTORS = PARTITION_SECTORS + STATE_SECTORS
BLANK = b"\xff" * (SECTORS * layout.SECTOR_BYTES)
KIND = Board((CLASS_ID,), layout.image_bytes(PARTITION_SECTORS), MPY)


@dataclass(frozen=True)
class Release:
    """One release of the application; a bad one crashes whenever it runs."""

    sequence: int
    image: bytes
    envelope: bytes
    is_good: bool = True

    @property
    def index(self) -> bytes:
        """Return the digests of its blocks."""
        return index.index_of(self.image)


def release(
    sequence: int, size_bytes: int, *, is_good: bool = True, by: Signer = RELEASE
) -> Release:
    """Return a signed release of that size."""
    image = bytes([(sequence * 37 + at * 11 + (at >> 8)) & 0xFF for at in range(size_bytes)])
    says = manifest(sequence, digest=index.image_digest(image), size_bytes=size_bytes)
    return Release(sequence, image, signed(says, [by]), is_good)


def by_hand(sequence: int, size_bytes: int) -> Release:
    """Return a release that nobody signed, as somebody flashes it."""
    made = release(sequence, size_bytes)
    payload = bytes(Envelope(made.envelope).payload)
    return Release(sequence, made.image, documents.envelope(payload, []), True)


def timestamp(version: int, *releases: Release) -> bytes:
    """Return word that these releases are current."""
    digests = [Envelope(each.envelope).digest() for each in releases]
    said = documents.timestamp(version, NOW_S, NOW_S + 7 * DAY_S, digests)
    return signed(said, [TIMESTAMP])


@dataclass
class Life:
    """What comes to a board: where it starts, and what it is handed on the way."""

    name: str
    cells: bytes
    releases: list[Release]  # those that it may run
    offers: list[Release]  # in this order, each until it is confirmed or given up
    timestamps: list[bytes]
    may_recover: bool = False  # there are times when nothing can run
    is_slow: bool = False  # what is on trial has not proved itself when the next one comes
    roots: list[bytes] = field(default_factory=list)
    # What a board goes on to the end from, by cells and boot: known from an earlier case.
    known: set[int] = field(default_factory=set)


def flashed(first: Release) -> bytearray:
    """Return a board's flash as `cma flash` leaves it: one release by hand, and no journal."""
    cells = bytearray(BLANK)
    start = layout.slot_at(0, PARTITION_SECTORS) * layout.SECTOR_BYTES
    cells[start : start + len(first.image)] = first.image
    start = layout.trailer_at(0, PARTITION_SECTORS) * layout.SECTOR_BYTES
    data = papers.to_bytes(first.envelope, first.index)
    cells[start : start + len(data)] = data
    return cells
