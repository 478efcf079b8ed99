"""Telling NVS pages from leftovers."""

import struct
import subprocess
import sys
import zlib
from pathlib import Path

from cma_toolkit.host_tools.image.nvs import PAGE_BYTES, are_sound

BLANK = b"\xff" * PAGE_BYTES


def page(state: int) -> bytes:
    head = struct.pack("<IIB19s", state, 0, 0xFE, b"\xff" * 19)
    return (head + struct.pack("<I", zlib.crc32(head[4:], 0xFFFFFFFF))).ljust(PAGE_BYTES, b"\xff")


def test_blank_pages_and_nvs_pages_are_sound() -> None:
    assert are_sound(BLANK * 6)
    assert are_sound(page(0xFFFFFFFE) + page(0xFFFFFFFC) + BLANK)


def test_a_page_of_the_generator_is_sound(tmp_path: Path) -> None:

    (tmp_path / "n.csv").write_text(
        "key,type,encoding,value\ncma,namespace,,\nname,data,string,a\n"
    )
    command = [sys.executable, "-m", "esp_idf_nvs_partition_gen", "generate"]
    arguments = [str(tmp_path / "n.csv"), str(tmp_path / "n.bin"), "0x6000"]
    subprocess.run(command + arguments, check=True, capture_output=True)
    assert are_sound((tmp_path / "n.bin").read_bytes())


def test_leftovers_and_torn_headers_are_not() -> None:
    assert not are_sound(BLANK + b"\xe9\x05\x02\x20" * 1024)
    torn = bytearray(page(0xFFFFFFFE))
    torn[10] ^= 1
    assert not are_sound(bytes(torn))
