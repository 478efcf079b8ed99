"""The image that stands in for MicroPython passes every check that the official ones pass."""

import subprocess
import sys
from pathlib import Path

import pytest
from esptool.bin_image import LoadFirmwareImage

from cma_toolkit.boards.flash_map import implicit_vfs
from cma_toolkit.host_tools.image import partition_table
from cma_toolkit.sim.virtual_board.boot.firmware_image import (
    APP_OFFSET,
    STOCK_PARTITIONS,
    make_app,
    make_bootloader,
    make_micropython,
)
from cma_toolkit.sim.virtual_board.rom.chips import CHIPS, ChipModel

each_chip = pytest.mark.parametrize("chip", CHIPS.values(), ids=CHIPS)


def image_info(image: bytes, folder: Path) -> str:
    """Return what esptool, as a program, says of an image."""
    file = folder / "image.bin"
    file.write_bytes(image)
    command = [sys.executable, "-m", "esptool", "image-info", str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@each_chip
def test_esptool_reads_the_app_as_micropython(chip: ChipModel, tmp_path: Path) -> None:
    shown = image_info(make_app(chip, "1.27.3"), tmp_path)
    assert f"Detected image type: {chip.title}" in shown
    assert f"Chip ID: {chip.image_chip_id} ({chip.title})" in shown
    assert "Project name: micropython\nApp version: v1.27.3\n" in shown
    assert "ESP-IDF: v5" in shown
    assert shown.count("(valid)") == 2


@each_chip
def test_esptool_reads_the_bootloader_as_one(chip: ChipModel, tmp_path: Path) -> None:
    shown = image_info(make_micropython(chip), tmp_path)
    assert "Bootloader version: 1" in shown
    assert shown.count("(valid)") == 2


@each_chip
def test_the_merged_image_has_the_official_layout(chip: ChipModel) -> None:
    merged = make_micropython(chip, "1.28.0")
    at = {offset: merged[offset - chip.bootloader_offset :] for offset in (0x8000, APP_OFFSET)}
    assert merged.startswith(make_bootloader(chip))
    assert partition_table.from_bytes(at[0x8000]) == list(STOCK_PARTITIONS)
    assert at[APP_OFFSET] == make_app(chip, "1.28.0")
    assert LoadFirmwareImage(chip.name, at[APP_OFFSET]).chip_id == chip.image_chip_id


def test_an_image_is_the_same_each_time_and_differs_by_version() -> None:
    assert make_micropython("esp32c3") == make_micropython(CHIPS["esp32c3"])
    assert make_micropython("esp32c3") != make_micropython("esp32c3", "1.28.0")


def test_the_stock_table_leaves_room_for_an_implicit_vfs() -> None:
    vfs = implicit_vfs(STOCK_PARTITIONS, 4 << 20)
    assert vfs is not None
    assert (vfs.offset, vfs.size_bytes) == (0x200000, 0x200000)
