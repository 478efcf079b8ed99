"""Where in the partition `romfs` what lies: the loader, two slots, the journal of releases.

    loader    at offset 0, where MicroPython itself mounts it at /rom; never written over the air
    slot A, B of one size: an image from the first byte, its trailer in the last sectors; between
              them what is kept of the release, and in front of the trailer the documents of one
              that is not believed yet, where the image leaves room for them
    journal   what the board believes and which slot it starts, in the last sectors

Input    the partition's sectors
Bounds   one image, `image_bytes` of it
"""

SECTOR_BYTES = 4096
LOADER_SECTORS = 16
JOURNAL_SECTORS = 4
TRAILER_SECTORS = 3  # the hashes of an image's blocks, and the envelope that vouches for it
ROOM_SECTORS = 4  # pieces of all documents of a release
SLOTS = 2
SLOT_NAMES = "AB"

PARTITION_BYTES = 512 * 1024  # on every board that we know
LOADER_BYTES = LOADER_SECTORS * SECTOR_BYTES


def slot_sectors(sector_count: int) -> int:
    """Return how many sectors a slot has, its trailer among them."""
    return (sector_count - LOADER_SECTORS - JOURNAL_SECTORS) // SLOTS


def slot_at(slot: int, sector_count: int) -> int:
    """Return the first sector of a slot."""
    return LOADER_SECTORS + slot * slot_sectors(sector_count)


def trailer_at(slot: int, sector_count: int) -> int:
    """Return the first sector of a slot's trailer."""
    return slot_at(slot, sector_count) + slot_sectors(sector_count) - TRAILER_SECTORS


def journal_at(sector_count: int) -> int:
    """Return the first sector of the journal."""
    return sector_count - JOURNAL_SECTORS


def image_bytes(sector_count: int) -> int:
    """Return how large an image may be."""
    return (slot_sectors(sector_count) - TRAILER_SECTORS) * SECTOR_BYTES
