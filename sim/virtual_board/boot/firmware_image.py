"""An image that stands in for an official MicroPython `.bin` on virtual boards.

It has the layout of the official ones (bootloader, partition table, app; it begins at the
bootloader's offset) and passes the same checks, but its code is a description of itself: a
virtual board runs the unix port whatever the image says.

Source   ESP-IDF Programming Guide, "App Image Format"; `esp_app_desc_t`, `esp_bootloader_desc_t`
"""

import hashlib
import struct

from cma_toolkit.boards.flash_map import TABLE_OFFSET, Partition
from cma_toolkit.host_tools.image import partition_table
from cma_toolkit.sim.virtual_board.boot.image import HEADER_BYTES, IMAGE_MAGIC, checksum
from cma_toolkit.sim.virtual_board.rom.chips import ChipModel, find_chip

APP_OFFSET = 0x10000
IDF_VERSION = "v5.5.1"
PROJECT = "micropython"
STOCK_PARTITIONS = (
    Partition("nvs", 0x01, 0x02, 0x9000, 0x6000),
    Partition("phy_init", 0x01, 0x01, 0xF000, 0x1000),
    Partition("factory", 0x00, 0x00, APP_OFFSET, 0x1F0000),
)
_DATE = "Jan  1 2026"
_TIME = "00:00:00"
_MODE_DIO = 2
_SIZE_4MB_FREQUENCY_40M = 0x20
_SIZE_4MB_FREQUENCY_80M = 0x2F
_WP_PIN_DISABLED = 0xEE
_APP_DESCRIPTION_MAGIC = 0xABCD5432
_BOOTLOADER_DESCRIPTION_MAGIC = 0x50
_ANY_REVISION = 0xFFFF


def make_micropython(chip: ChipModel | str, version: str = "1.29.0") -> bytes:
    """Return the merged image of a version for a chip or its name; the same bytes each time."""
    if isinstance(chip, str):
        chip = find_chip(chip)
    parts = {
        chip.bootloader_offset: make_bootloader(chip),
        TABLE_OFFSET: partition_table.to_bytes(STOCK_PARTITIONS),
        APP_OFFSET: make_app(chip, version),
    }
    merged = bytearray(b"\xff" * (APP_OFFSET + len(parts[APP_OFFSET])))
    for offset, part in parts.items():
        merged[offset : offset + len(part)] = part
    return bytes(merged[chip.bootloader_offset :])


def make_bootloader(chip: ChipModel) -> bytes:
    """Return a second-stage bootloader image."""
    description = struct.pack(
        "<B2xBI32s24s16x",
        _BOOTLOADER_DESCRIPTION_MAGIC,
        0,
        1,
        IDF_VERSION.encode(),
        f"{_DATE} {_TIME}".encode(),
    )
    # One segment: where instructions and data share memory, as on the C6, esptool looks for the
    # description in the last one.
    code = _filler(f"{chip.name} bootloader", 0x800)
    return make_image(chip, [(chip.ram_address, description + code)])


def make_app(chip: ChipModel, version: str) -> bytes:
    """Return an app image whose description says MicroPython."""
    code = _filler(f"{chip.name} {PROJECT} {version}", 0x1000)
    description = struct.pack(
        "<II8x32s32s16s16s32s32sHHB3x72x",
        _APP_DESCRIPTION_MAGIC,
        0,
        f"v{version}".encode(),
        PROJECT.encode(),
        _TIME.encode(),
        _DATE.encode(),
        IDF_VERSION.encode(),
        hashlib.sha256(code).digest(),
        0,
        _ANY_REVISION,
        16,
    )
    banner = f"MicroPython v{version} on 2026-01-01; virtual {chip.title} board\0".encode()
    return make_image(
        chip,
        [
            (chip.drom_address, description + banner.ljust(-(-len(banner) // 4) * 4, b"\0")),
            (chip.iram_address, code),
        ],
    )


def make_image(chip: ChipModel, segments: list[tuple[int, bytes]]) -> bytes:
    """Return an image of these segments, with its checksum and its SHA-256."""
    esp32 = chip.bootloader_offset != 0
    header = struct.pack(
        "<BBBBIBBBBHBHHBBBBB",
        IMAGE_MAGIC,
        len(segments),
        _MODE_DIO,
        _SIZE_4MB_FREQUENCY_40M if esp32 else _SIZE_4MB_FREQUENCY_80M,
        chip.iram_address,
        _WP_PIN_DISABLED,
        *(0, 0, 0),
        chip.image_chip_id,
        *(0, 0, _ANY_REVISION),
        *(0, 0, 0, 0),
        1,
    )
    assert len(header) == HEADER_BYTES
    body = b"".join(struct.pack("<II", address, len(data)) + data for address, data in segments)
    value = checksum(b"".join(data for _, data in segments))
    image = header + body
    image = image.ljust(len(image) | 0xF, b"\0") + bytes([value])
    return image + hashlib.sha256(image).digest()


def _filler(seed: str, size_bytes: int) -> bytes:
    """Return bytes that no compressor shortens and that are the same each time."""
    blocks = (
        hashlib.sha256(f"{seed}/{index}".encode()).digest() for index in range(size_bytes // 32)
    )
    return b"".join(blocks)
