"""The flash of a new board is laid out as `cma flash` would lay it out."""

from dataclasses import replace
from pathlib import Path

import pytest

from cma_toolkit.boards.load import load_board
from cma_toolkit.host_tools.image import app_image, partition_table
from cma_toolkit.host_tools.image.errors import ImageError
from cma_toolkit.sim.virtual_board.boot.factory_flash import write_flash


def test_a_mapped_flash_holds_our_table_and_a_bootloader_that_knows_its_size(
    tmp_path: Path,
) -> None:
    board = load_board("esp32-s3-devkitc-1")
    write_flash(tmp_path / "flash.bin", board, "mapped")
    flash = (tmp_path / "flash.bin").read_bytes()
    assert len(flash) == board.flash_size_bytes
    bootloader, _ = app_image.from_bytes(flash[board.micropython.image_offset :], "it")
    claimed, _ = app_image.from_bytes(
        app_image.with_flash_size(bootloader.to_bytes(), board.flash_size_bytes), "it"
    )
    assert bootloader.flash_config == claimed.flash_config
    table = partition_table.to_bytes(board.partitions)
    at = partition_table.TABLE_OFFSET
    assert flash[at : at + len(table)] == table


def test_a_map_without_room_for_micropython_is_refused(tmp_path: Path) -> None:
    board = load_board("esp32-devkitc")
    bare = tuple(part for part in board.partitions if part.label != "factory")
    with pytest.raises(ImageError, match='no "factory" partition'):
        write_flash(tmp_path / "flash.bin", replace(board, partitions=bare), "mapped")
