"""The ESP image format: what the ROM loader, the bootloader and esptool accept as code.

Input    bytes that begin with 0xE9: a bootloader or an application, with or without a tail
Bounds   16 segments; sizes are checked against the bytes at hand before anything is read
Source   esptool documentation, "Firmware Image Format"; ESP-IDF `esp_app_format.h`
"""

import functools
import hashlib
import operator
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .chips import chip_name
from .errors import ImageError

MAGIC = 0xE9
HEADER_BYTES = 24
SEGMENTS_MAX = 16
DESCRIPTION_BYTES = 256
_HEADER = struct.Struct("<BBBBIB3sHBHH4sB")
_SEGMENT = struct.Struct("<II")
_DESCRIPTION = struct.Struct("<II8s32s32s16s16s32s32sHHB3s72s")
_DESCRIPTION_MAGIC = 0xABCD5432
_CHECKSUM_SEED = 0xEF
_SHA256_BYTES = 32
_FLASH_SIZE_BYTES = {0: 1 << 20, 1: 2 << 20, 2: 4 << 20, 3: 8 << 20, 4: 16 << 20, 5: 32 << 20}


@dataclass(frozen=True, slots=True)
class Segment:
    """Bytes and the address they are loaded or mapped to."""

    address: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Description:
    """What an application says of itself (`esp_app_desc_t`)."""

    project: str
    version: str
    idf_version: str
    date: str = ""
    time: str = ""

    def to_bytes(self) -> bytes:
        """Return the 256 bytes that open an application's first segment."""
        return _DESCRIPTION.pack(
            _DESCRIPTION_MAGIC,
            0,
            b"",
            self.version.encode()[:31],
            self.project.encode()[:31],
            self.time.encode()[:15],
            self.date.encode()[:15],
            self.idf_version.encode()[:31],
            b"",
            0,
            0xFFFF,
            16,
            b"",
            b"",
        )


@dataclass(frozen=True, slots=True)
class AppImage:
    """One verified image: its checksum is right, and its SHA-256 if it carries one."""

    chip_id: int
    entry: int
    segments: tuple[Segment, ...]
    flash_mode: int = 2
    flash_config: int = 0x2F
    wp_pin: int = 0xEE
    drive: bytes = b"\0\0\0"
    min_revision: int = 0
    min_revision_full: int = 0
    max_revision_full: int = 0xFFFF
    reserved: bytes = b"\0\0\0\0"
    hash_appended: bool = True

    @property
    def chip(self) -> str:
        """Return the name of the chip that the image is for."""
        return chip_name(self.chip_id)

    @property
    def flash_size_bytes(self) -> int | None:
        """Return the flash size that the header claims, if it is one we know."""
        return _FLASH_SIZE_BYTES.get(self.flash_config >> 4)

    @property
    def description(self) -> Description | None:
        """Return what the application says of itself; bootloaders say nothing."""
        return _description(self.segments[0].data)

    def to_bytes(self) -> bytes:
        """Return the image with its checksum, and its SHA-256 if it carries one."""
        header = _HEADER.pack(
            MAGIC,
            len(self.segments),
            self.flash_mode,
            self.flash_config,
            self.entry,
            self.wp_pin,
            self.drive,
            self.chip_id,
            self.min_revision,
            self.min_revision_full,
            self.max_revision_full,
            self.reserved,
            int(self.hash_appended),
        )
        body = b"".join(
            _SEGMENT.pack(segment.address, len(segment.data)) + segment.data
            for segment in self.segments
        )
        image = header + body
        image += bytes(15 - len(image) % 16) + bytes([_checksum(self.segments)])
        return image + hashlib.sha256(image).digest() if self.hash_appended else image


def build(
    chip_id: int,
    entry: int,
    segments: Sequence[Segment],
    *,
    flash_size_bytes: int = 4 << 20,
) -> AppImage:
    """Make an image; each segment's data is padded to a multiple of four bytes.

    Raises: ImageError (the caller) for no or too many segments, or an unknown flash size.
    """
    if not 1 <= len(segments) <= SEGMENTS_MAX:
        raise ImageError(f"An image has 1 to {SEGMENTS_MAX} segments: give as many.")
    padded = tuple(
        Segment(segment.address, segment.data + bytes(-len(segment.data) % 4))
        for segment in segments
    )
    image = AppImage(chip_id, entry, padded)
    return replace(image, flash_config=_flash_config(image.flash_config, flash_size_bytes))


def from_bytes(data: bytes, what: str = "The image") -> tuple[AppImage, int]:
    """Read and verify the image that the bytes begin with.

    Returns  the image and its length, so that what follows it can be found
    Raises   ImageError (a file, a download, a board's flash): no image, truncated or damaged
    """
    if len(data) < HEADER_BYTES:
        raise ImageError(f"{what} is truncated after {len(data)} bytes: download it again.")
    fields = _HEADER.unpack_from(data)
    magic, segment_count, mode, config, entry, wp_pin, drive, chip_id = fields[:8]
    if magic != MAGIC or not 1 <= segment_count <= SEGMENTS_MAX:
        raise ImageError(
            f"{what} is no ESP32 image (it begins with {data[:4].hex(' ')}): choose another file."
        )
    segments, end = _segments(data, segment_count, what)
    image = AppImage(
        chip_id=chip_id,
        entry=entry,
        segments=segments,
        flash_mode=mode,
        flash_config=config,
        wp_pin=wp_pin,
        drive=drive,
        min_revision=fields[8],
        min_revision_full=fields[9],
        max_revision_full=fields[10],
        reserved=fields[11],
        hash_appended=bool(fields[12]),
    )
    end = _verify(data, image, end, what)
    return image, end


def check_chip(image: AppImage, chip: str, what: str = "The image") -> None:
    """Refuse an image for another chip.

    Raises: ImageError (a person who chose the wrong file).
    """
    if image.chip != chip:
        raise ImageError(
            f"{what} is for another chip: it is made for {image.chip}, the board has {chip}. "
            f"Choose the file for {chip}."
        )


def with_flash_size(data: bytes, flash_size_bytes: int) -> bytes:
    """Return an image whose header claims this flash size; its SHA-256 follows.

    A bootloader refuses partitions that end beyond the size in its own header, and official
    images claim 4 MiB on boards that have more.

    Raises: ImageError (no image, or a size that the header cannot say).
    """
    image, length = from_bytes(data, "The bootloader")
    config = _flash_config(image.flash_config, flash_size_bytes)
    if config == image.flash_config:
        return data
    return replace(image, flash_config=config).to_bytes() + data[length:]


def _flash_config(config: int, flash_size_bytes: int) -> int:
    for code, size_bytes in _FLASH_SIZE_BYTES.items():
        if size_bytes == flash_size_bytes:
            return code << 4 | config & 0x0F
    raise ImageError(f"An image cannot name a flash of {flash_size_bytes} bytes: use 1 to 32 MiB.")


def _segments(data: bytes, count: int, what: str) -> tuple[tuple[Segment, ...], int]:
    """Cut the segments out; one that reaches beyond the bytes shows in the offset returned."""
    segments: list[Segment] = []
    offset = HEADER_BYTES
    for _ in range(count):
        if offset + _SEGMENT.size > len(data):
            raise _truncated(data, what)
        address, size_bytes = _SEGMENT.unpack_from(data, offset)
        offset += _SEGMENT.size
        segments.append(Segment(address, bytes(data[offset : offset + size_bytes])))
        offset += size_bytes
    return tuple(segments), offset


def _verify(data: bytes, image: AppImage, end: int, what: str) -> int:
    """Check the checksum and the hash; return where the image ends."""
    end += 16 - end % 16
    if end > len(data):
        raise _truncated(data, what)
    if data[end - 1] != _checksum(image.segments):
        raise ImageError(f"{what} is damaged: its checksum is wrong. Download it again.")
    if not image.hash_appended:
        return end
    if end + _SHA256_BYTES > len(data):
        raise _truncated(data, what)
    if hashlib.sha256(data[:end]).digest() != data[end : end + _SHA256_BYTES]:
        raise ImageError(f"{what} is damaged: its SHA-256 is wrong. Download it again.")
    return end + _SHA256_BYTES


def _truncated(data: bytes, what: str) -> ImageError:
    return ImageError(f"{what} is truncated after {len(data)} bytes: download it again.")


def _checksum(segments: Sequence[Segment]) -> int:
    """Return the exclusive or of all segment bytes, folded by big integers for speed."""
    folded = _CHECKSUM_SEED
    for segment in segments:
        words = memoryview(segment.data)[: len(segment.data) & ~7].cast("Q")
        word = functools.reduce(operator.xor, words, 0)
        rest = segment.data[len(words) * 8 :]
        folded = functools.reduce(operator.xor, word.to_bytes(8, "little") + rest, folded)
    return folded


def _description(data: bytes) -> Description | None:
    if len(data) < DESCRIPTION_BYTES:
        return None
    magic, _, _, version, project, time, date, idf_version, *_ = _DESCRIPTION.unpack_from(data)
    if magic != _DESCRIPTION_MAGIC:
        return None
    texts = (project, version, idf_version, date, time)
    return Description(*(text.split(b"\0")[0].decode("utf-8", "replace") for text in texts))
