"""Flash layout: every image in its partition, and the bootloader admits to the whole flash."""

import itertools
from dataclasses import replace

import pytest

from cma_toolkit.boards.load import Board, list_boards, load_board
from cma_toolkit.host_tools.image import app_image, littlefs, micropython, partition_table
from cma_toolkit.host_tools.image.errors import ImageError
from cma_toolkit.host_tools.image.flash_layout import Region, flash_image, regions_for
from support.images import application, merged

BOARDS = list_boards()


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.id)
def test_a_flash_holds_what_a_bootloader_and_micropython_will_look_for(board: Board) -> None:
    parts = micropython.split(merged(board.chip), board.chip)
    root = littlefs.build({"boot.py": b"import kernel\n"}, board.partition("vfs").size_bytes)
    regions = regions_for(board, parts, {"vfs": root})
    flash = flash_image(regions, board.flash_size_bytes)
    loader, _ = app_image.from_bytes(flash[board.micropython.image_offset :])
    assert loader.flash_size_bytes == board.flash_size_bytes
    assert loader.chip == board.chip
    assert partition_table.from_bytes(flash[0x8000:0x8C00]) == list(board.partitions)
    app = board.partition("factory").offset
    assert flash[app : app + len(parts.app)] == application(board.chip)
    start = board.partition("vfs").offset
    assert littlefs.read(flash[start : start + len(root)]) == {"boot.py": b"import kernel\n"}
    written = sum(len(region.data) for region in regions)
    assert flash.count(0xFF) >= board.flash_size_bytes - written


def test_regions_come_in_the_order_of_flash_without_overlap() -> None:
    board = load_board("esp32-devkitc")
    parts = micropython.split(merged("esp32"), "esp32")
    regions = regions_for(board, parts, {"user": b"u", "nvs": b"n", "romfs": b"r"})
    assert [region.label for region in regions] == [
        "bootloader",
        "partition-table",
        "nvs",
        "factory",
        "romfs",
        "user",
    ]
    for lower, upper in itertools.pairwise(regions):
        assert lower.end <= upper.offset


def test_an_image_larger_than_its_partition_is_refused() -> None:
    board = load_board("esp32-devkitc")
    parts = micropython.split(merged("esp32"), "esp32")
    with pytest.raises(ImageError, match=r'"vfs" has 65537 bytes but the partition 65536'):
        regions_for(board, parts, {"vfs": bytes(0x10001)})
    with pytest.raises(ImageError, match=r'esp32-devkitc has no "swap" partition: add it'):
        regions_for(board, parts, {"swap": b""})


def test_a_bootloader_that_reaches_the_table_is_refused() -> None:
    board = load_board("esp32-devkitc")
    parts = micropython.split(merged("esp32"), "esp32")
    large = app_image.build(0, 0, [app_image.Segment(0, bytes(0x7100))]).to_bytes()
    with pytest.raises(ImageError, match="over the partition table: choose another"):
        regions_for(board, replace(parts, bootloader=large), {})


def test_a_region_beyond_the_flash_is_refused() -> None:
    with pytest.raises(ImageError, match='"late" ends at 0x1001, beyond a flash of 4 KiB'):
        flash_image([Region(0x1000, b"x", "late")], 0x1000)
