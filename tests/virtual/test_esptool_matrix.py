"""The real esptool, as a program, over RFC 2217: every verb on each of the four chips.

pyserial's RFC 2217 client sleeps through nearly all of the 15 to 20 seconds that each run takes,
so the runs of all chips go on at once, each of them a short story on a blank board of its own.
They belong to one worker: `xdist_group`.
"""

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from cma_toolkit.host_tools.image import partition_table
from cma_toolkit.sim.virtual_board.boot.firmware_image import (
    APP_OFFSET,
    STOCK_PARTITIONS,
    make_app,
    make_bootloader,
    make_micropython,
)
from cma_toolkit.sim.virtual_board.rom.chips import CHIPS, ChipModel
from cma_toolkit.sim.virtual_board.supervisor.registry import BoardInfo
from support.tools import esptool, run_tool
from support.virtual import VirtualBoards

pytestmark = pytest.mark.xdist_group("esptool-matrix")

BOARD_IDS = {
    "esp32": "esp32-devkitc",
    "esp32s3": "esp32-s3-devkitc-1",
    "esp32c3": "esp32-c3-devkitm-1",
    "esp32c6": "esp32-c6-devkitc-1",
}
# One more run at a time costs 50 MB and hardly any processor time.
RUNS_AT_ONCE = 36
BOOT_TIMEOUT_S = 30.0
FATAL = 2
TEXT = b"What a file on a board may look like.\n" * 100
NOISE = make_app(CHIPS["esp32"], "0.0.1")[:0x1100]


class Bench:
    """One blank board of a chip, and a folder with the files for it."""

    def __init__(self, boards: VirtualBoards, chip: ChipModel, folder: Path, story: str) -> None:
        self.boards = boards
        self.chip = chip
        self.folder = folder / f"{chip.name}-{story}"
        self.folder.mkdir()
        self.board: BoardInfo = boards.make(
            BOARD_IDS[chip.name], flashed=False, name=f"{chip.name}-{story}"
        )

    @property
    def offset(self) -> str:
        return hex(self.chip.bootloader_offset)

    def run(self, *arguments: str, code: int = 0) -> str:
        return esptool(self.board.url, *arguments, code=code, folder=self.folder)

    def file(self, name: str, data: bytes) -> str:
        (self.folder / name).write_bytes(data)
        return name

    def flash(self, offset: int, size_bytes: int) -> bytes:
        with open(self.board.image, "rb") as file:
            file.seek(offset)
            return file.read(size_bytes)

    def fill_flash(self) -> None:
        with open(self.board.image, "r+b") as file:
            file.write(bytes(self.board.flash_size_bytes))


def tell_of_a_merged_image(bench: Bench) -> None:
    """Merge three parts, find and flash the chip with the stub, and see it boot."""
    parts = {
        bench.offset: bench.file("bootloader.bin", make_bootloader(bench.chip)),
        "0x8000": bench.file("table.bin", partition_table.to_bytes(STOCK_PARTITIONS)),
        hex(APP_OFFSET): bench.file("app.bin", make_app(bench.chip, "1.29.0")),
    }
    arguments = [word for pair in parts.items() for word in pair]
    run_tool(
        *("esptool", "--chip", bench.chip.name, "merge-bin", "-o", "merged.bin"),
        *("--target-offset", bench.offset, *arguments),
        folder=bench.folder,
    )
    merged = (bench.folder / "merged.bin").read_bytes()
    assert merged == make_micropython(bench.chip)
    said = bench.run("write-flash", bench.offset, "merged.bin")
    assert f"Connected to {bench.chip.title} on" in said
    assert bench.board.mac in said
    assert "Stub flasher running." in said
    assert "compressed) at" in said
    assert "Hash of data verified." in said
    assert bench.flash(bench.chip.bootloader_offset, len(merged)) == merged
    bench.boards.client.wait_for(bench.board.name, "prompt", BOOT_TIMEOUT_S, since=0)
    assert "digest matched" in bench.run("verify-flash", bench.offset, "merged.bin")


def tell_of_four_files(bench: Bench) -> None:
    """Write four files plainly with the stub, having erased all, then read one back."""
    bench.fill_flash()
    files = {
        bench.chip.bootloader_offset: make_bootloader(bench.chip),
        0x8000: partition_table.to_bytes(STOCK_PARTITIONS),
        APP_OFFSET: make_app(bench.chip, "1.29.0"),
        0x200000: NOISE,
    }
    arguments = [
        word for at, data in files.items() for word in (hex(at), bench.file(hex(at), data))
    ]
    said = bench.run("write-flash", "--erase-all", "--no-compress", *arguments)
    assert said.count("Hash of data verified.") == len(files)
    assert " compressed) at" not in said
    for at, data in files.items():
        assert bench.flash(at, len(data)) == data
    assert bench.flash(0x300000, 0x1000) == b"\xff" * 0x1000
    bench.run("read-flash", "0x200000", "0x1100", "read.bin")
    assert (bench.folder / "read.bin").read_bytes() == NOISE


def tell_of_the_rom_alone(bench: Bench) -> None:
    """Write deflated and read without any stub."""
    bench.file("text", TEXT)
    said = bench.run("--no-stub", "write-flash", "--compress", "0x11000", "text")
    assert "Stub" not in said
    assert " compressed) at" in said
    assert "Hash of data verified." in said
    assert bench.flash(0x11000, len(TEXT)) == TEXT
    bench.run("--no-stub", "read-flash", "0x11002", "0x81", "read.bin")
    assert (bench.folder / "read.bin").read_bytes() == TEXT[2:0x83]


def tell_of_the_rom_written_plainly(bench: Bench) -> None:
    """Write plainly and verify without any stub."""
    bench.file("text", TEXT)
    said = bench.run("--no-stub", "write-flash", "0x11000", "text")
    assert " compressed) at" not in said
    assert bench.flash(0x11000, len(TEXT)) == TEXT
    assert "digest matched" in bench.run("--no-stub", "verify-flash", "0x11000", "text")


def tell_of_erasing(bench: Bench) -> None:
    """Erase a region, then everything."""
    bench.fill_flash()
    bench.run("erase-region", "0x20000", "0x2000")
    assert bench.flash(0x1F000, 0x4000) == bytes(0x1000) + b"\xff" * 0x2000 + bytes(0x1000)
    bench.run("erase-flash")
    assert set(bench.flash(0, bench.board.flash_size_bytes)) == {0xFF}


def tell_of_the_chip(bench: Bench) -> None:
    """Name the chip, its flash and its MAC, and say what its ROM knows of security."""
    megabytes = bench.board.flash_size_bytes >> 20
    said = bench.run("flash-id")
    assert f"Detected flash size: {megabytes}MB" in said
    assert "Crystal frequency:  40MHz" in said
    assert bench.board.mac in bench.run("--no-stub", "read-mac")
    if bench.chip.answers_security_info:
        said = bench.run("--no-stub", "get-security-info")
        assert f"Chip ID: {bench.chip.image_chip_id}" in said
    else:
        said = bench.run("--no-stub", "get-security-info", code=FATAL)
        assert "Failed to get security info" in said


def tell_of_what_differs(bench: Bench) -> None:
    """Verify what is not there, then write it, and not a second time."""
    bench.file("text", TEXT)
    said = bench.run("verify-flash", "0x11000", "text", code=FATAL)
    assert "Verification failed" in said
    bench.run("write-flash", "0x11000", "text")
    said = bench.run("write-flash", "--skip-flashed", "0x11000", "text")
    assert "already in flash, skipping write" in said


def tell_of_refusals(bench: Bench) -> None:
    """Refuse an image for another chip and a file beyond the flash, with nothing written."""
    other = CHIPS["esp32c3" if bench.chip.name != "esp32c3" else "esp32c6"]
    bench.file("other.bin", make_micropython(other))
    said = bench.run("write-flash", bench.offset, "other.bin", code=FATAL)
    assert f"not an {bench.chip.title} image" in said or "Unexpected chip ID" in said
    bench.file("text", TEXT)
    end = hex(bench.board.flash_size_bytes - 0x100)
    assert "will not fit" in bench.run("write-flash", end, "text", code=FATAL)
    assert set(bench.flash(0, bench.board.flash_size_bytes)) == {0xFF}


def tell_of_a_power_cut(bench: Bench) -> None:
    """Lose the power in mid-write, boot into a loop, and heal it by running esptool again."""
    client, name = bench.boards.client, bench.board.name
    image = make_micropython(bench.chip)
    bench.file("micropython.bin", image)
    client.cut_power(name, after_flash_writes=20, torn_bytes=100)
    bench.run("write-flash", bench.offset, "micropython.bin", code=FATAL)
    client.wait_for(name, "no-power", BOOT_TIMEOUT_S)
    written = bench.flash(bench.chip.bootloader_offset, len(image))
    assert written.startswith(image[:0x1000])
    assert written != image
    client.restore_power(name)
    client.wait_for(name, "boot-loop", BOOT_TIMEOUT_S)
    bench.run("write-flash", bench.offset, "micropython.bin")
    client.wait_for(name, "prompt", BOOT_TIMEOUT_S, since=0)


STORIES: dict[str, Callable[[Bench], None]] = {
    "merged-image": tell_of_a_merged_image,
    "four-files": tell_of_four_files,
    "rom-deflated": tell_of_the_rom_alone,
    "rom-plain": tell_of_the_rom_written_plainly,
    "erase": tell_of_erasing,
    "identity": tell_of_the_chip,
    "differences": tell_of_what_differs,
    "refusals": tell_of_refusals,
    "power-cut": tell_of_a_power_cut,
}
Told = dict[tuple[str, str], Future[None]]


@pytest.fixture(scope="module")
def told(
    request: pytest.FixtureRequest,
    shared_boards: VirtualBoards,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Told]:
    """Begin every story that was asked for; a test waits for its own."""
    folder = tmp_path_factory.mktemp("esptool")
    asked = {item.name for item in request.session.items}
    with ThreadPoolExecutor(RUNS_AT_ONCE) as pool:
        yield {
            (story, chip): pool.submit(
                STORIES[story], Bench(shared_boards, CHIPS[chip], folder, story)
            )
            for story, chip in itertools.product(STORIES, CHIPS)
            if f"test_esptool[{story}-{chip}]" in asked
        }


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("story", STORIES)
def test_esptool(told: Told, story: str, chip: str) -> None:
    told[story, chip].result()
