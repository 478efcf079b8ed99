"""Reading what a partition holds, with few bytes over the cable and none written."""

import pytest
from littlefs import LittleFS

from cma_toolkit.host_tools.errors import CmaError, no_device
from cma_toolkit.host_tools.flash.files_on_board import Holdings, Kind, read_files, survey

SIZE = 128 * 4096
OFFSET = 0x200000


def volume(files: dict[str, bytes]) -> bytes:
    image = LittleFS(
        block_size=4096, block_count=128, read_size=32, prog_size=32, cache_size=128,
        lookahead_size=32,
    )  # fmt: skip
    for path, data in files.items():
        folder = path.rpartition("/")[0]
        if folder:
            image.makedirs(folder, exist_ok=True)
        with image.open(path, "wb") as file:
            file.write(data)
    return bytes(image.context.buffer)


class Flash:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.bytes_read = 0

    def read(self, offset: int, size: int) -> bytes:
        self.bytes_read += size
        return self.data[offset - OFFSET : offset - OFFSET + size]


def test_a_littlefs_is_listed_without_reading_all_of_it() -> None:
    flash = Flash(volume({"main.py": b"x" * 50_000, "lib/deep/a.py": b"y" * 10}))
    found = survey(flash.read, "vfs", OFFSET, SIZE)
    assert found == Holdings("vfs", Kind.LITTLEFS, {"lib/deep/a.py": 10, "main.py": 50_000})
    assert flash.bytes_read < 40_000


def test_files_come_back_as_they_were() -> None:
    files = {"boot.py": b"", "main.py": bytes(range(256)) * 99, "lib/deep/a.py": b"import b\n"}
    assert read_files(Flash(volume(files)).read, OFFSET, SIZE) == files


def test_a_blank_partition_is_blank_as_micropython_sees_it() -> None:
    leftovers = b"\xff" * 8192 + b"old bytes further on" * 1000
    assert survey(Flash(leftovers).read, "vfs", OFFSET, SIZE).kind is Kind.BLANK


def test_a_fat_volume_is_told_from_noise() -> None:
    fat = b"\xeb\xfe\x90MSDOS5.0".ljust(510, b"\0") + b"\x55\xaa"
    assert survey(Flash(fat.ljust(SIZE, b"\0")).read, "ffat", OFFSET, SIZE).kind is Kind.FAT
    noise = bytes(range(256)) * (SIZE // 256)
    assert survey(Flash(noise).read, "x", OFFSET, SIZE).kind is Kind.UNKNOWN


def test_a_littlefs_that_reaches_beyond_the_partition_does_not_crash() -> None:
    flash = Flash(volume({"main.py": b"x" * 9000}))
    assert survey(flash.read, "vfs", OFFSET, 8192).kind in (Kind.UNKNOWN, Kind.LITTLEFS)


def test_a_board_that_goes_away_is_an_error_and_not_an_empty_file_system() -> None:
    flash = Flash(volume({"main.py": b"x" * 9000}))

    def read(offset: int, size: int) -> bytes:
        if flash.bytes_read > 8192:
            raise no_device("gone")
        return flash.read(offset, size)

    with pytest.raises(CmaError, match="gone"):
        survey(read, "vfs", OFFSET, SIZE)
