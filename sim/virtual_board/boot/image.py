"""An ESP image in flash, read as the ROM and the second-stage bootloader read it.

Input    the flash, the offset of an image and the end of its room
Bounds   16 segments; nothing is read behind the end of the room
Source   ESP-IDF Programming Guide, "App Image Format"; `esp_image_load`
"""

import hashlib
import struct
from dataclasses import dataclass

from cma_toolkit.sim.virtual_board.rom.nor_flash import NorFlash

IMAGE_MAGIC = 0xE9
SEGMENTS_MAX = 16
HEADER_BYTES = 24
SEGMENT_HEADER_BYTES = 8
CHECKSUM_SEED = 0xEF
DIGEST_BYTES = 32
_HEADER = struct.Struct("<BBBBI4sH")


class BadImageError(Exception):
    """Say in the bootloader's words why an image will not run."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Where one piece of an image goes in memory."""

    address: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class BootImage:
    """A whole image whose checksum and digest are right."""

    chip_id: int
    entry: int
    segments: tuple[Segment, ...]
    size_bytes: int


def checksum(data: bytes, seed: int = CHECKSUM_SEED) -> int:
    """Return the exclusive-or of all bytes, as images and the serial protocol use it."""
    folded = int.from_bytes(data, "little")
    size_bytes = 1 << max(len(data) - 1, 0).bit_length()
    while size_bytes > 1:
        # Folding halves onto each other does in 20 steps what a loop does in a million.
        size_bytes //= 2
        folded = folded >> 8 * size_bytes ^ folded & ((1 << 8 * size_bytes) - 1)
    return seed ^ folded


def read_image(flash: NorFlash, offset: int, end: int) -> BootImage:
    """Read the image at an offset.

    Raises: BadImageError (whatever lies in flash).
    """
    end = min(end, flash.size_bytes)
    header = _read(flash, offset, HEADER_BYTES, end)
    magic, segment_count, _, _, entry, _, chip_id = _HEADER.unpack_from(header)
    if magic != IMAGE_MAGIC:
        hint = " (nothing flashed here?)" if magic == 0xFF else ""
        raise BadImageError(f"image at {offset:#x} has invalid magic byte{hint}")
    if not 0 < segment_count <= SEGMENTS_MAX:
        raise BadImageError(f"image at {offset:#x} has segment count {segment_count}, max 16")
    segments: list[Segment] = []
    value = CHECKSUM_SEED
    at = offset + HEADER_BYTES
    for index in range(segment_count):
        address, size_bytes = struct.unpack("<II", _read(flash, at, SEGMENT_HEADER_BYTES, end))
        at += SEGMENT_HEADER_BYTES
        if size_bytes % 4 or size_bytes > end - at:
            raise BadImageError(f"Segment {index} length {size_bytes:#x} invalid")
        value = checksum(flash.read(at, size_bytes), value)
        segments.append(Segment(address, size_bytes))
        at += size_bytes
    at = offset + ((at - offset) | 0xF) + 1
    stored = _read(flash, at - 1, 1, end)[0]
    if stored != value:
        raise BadImageError(f"Checksum failed. Calculated {value:#x} read {stored:#x}")
    if header[-1] == 1:
        at = _check_digest(flash, offset, at, end)
    return BootImage(chip_id, entry, tuple(segments), at - offset)


def _check_digest(flash: NorFlash, offset: int, at: int, end: int) -> int:
    stored = _read(flash, at, DIGEST_BYTES, end)
    if hashlib.sha256(flash.read(offset, at - offset)).digest() != stored:
        raise BadImageError("Image hash failed - image is corrupt")
    return at + DIGEST_BYTES


def _read(flash: NorFlash, offset: int, size_bytes: int, end: int) -> bytes:
    if offset + size_bytes > end:
        raise BadImageError(f"image at {offset:#x} is cut off")
    return flash.read(offset, size_bytes)
