"""What the image tests share: the real MicroPython, and small valid images of every kind."""

import os
import subprocess
import sys
from pathlib import Path

from cma_toolkit.boards.flash_map import TABLE_OFFSET, Partition
from cma_toolkit.host_tools.image import partition_table
from cma_toolkit.host_tools.image.app_image import Description, Segment, build
from cma_toolkit.host_tools.image.chips import BOOTLOADER_OFFSETS, CHIP_IDS

DATA_ADDRESSES = {
    "esp32": 0x3F400020,
    "esp32s3": 0x3C000020,
    "esp32c3": 0x3C000020,
    "esp32c6": 0x42000020,
}
CODE_ADDRESSES = {
    "esp32": 0x40080000,
    "esp32s3": 0x40374000,
    "esp32c3": 0x40380000,
    "esp32c6": 0x40800000,
}
TABLE = (
    Partition("nvs", 1, 2, 0x9000, 0x6000),
    Partition("phy_init", 1, 1, 0xF000, 0x1000),
    Partition("factory", 0, 0, 0x10000, 0x1F0000),
)


def run_micropython(program: str, *arguments: str) -> str:
    """Run a program in the real MicroPython and return what it printed.

    A program that fails raises, with MicroPython's own traceback.
    """
    interpreter = os.environ.get("CMA_MICROPYTHON") or str(
        Path(sys.executable).with_name("micropython")
    )
    done = subprocess.run(
        [interpreter, "-c", program, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode:
        raise AssertionError(done.stdout + done.stderr)
    return done.stdout


def bootloader(chip: str) -> bytes:
    """Return a small image that says nothing of itself, as bootloaders do."""
    code = Segment(CODE_ADDRESSES[chip], bytes(range(256)) * 4)
    return build(CHIP_IDS[chip], CODE_ADDRESSES[chip], [code]).to_bytes()


def application(chip: str, version: str = "1.28.0", project: str = "micropython") -> bytes:
    """Return a small application that calls itself MicroPython in the words of the real one."""
    description = Description(project, "v" + version, "v5.5.1", "Apr  6 2026", "12:00:00")
    banner = f"MicroPython v{version} on 2026-04-06\0Generic module with {chip.upper()}\0".encode()
    text = b"" if project != "micropython" else banner
    segments = [
        Segment(DATA_ADDRESSES[chip], description.to_bytes() + text + bytes(3000)),
        Segment(CODE_ADDRESSES[chip], b"\x36\x41\x00" * 700),
    ]
    return build(CHIP_IDS[chip], CODE_ADDRESSES[chip], segments).to_bytes()


def merged(chip: str, app: bytes | None = None) -> bytes:
    """Return a full image laid out as the files of micropython.org."""
    start = BOOTLOADER_OFFSETS[chip]
    flash = bytearray(b"\xff") * TABLE[-1].offset
    first = bootloader(chip)
    flash[start : start + len(first)] = first
    table = partition_table.to_bytes(TABLE)
    flash[TABLE_OFFSET : TABLE_OFFSET + len(table)] = table
    return bytes(flash[start:]) + (application(chip) if app is None else app)
