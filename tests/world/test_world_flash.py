"""The flash of a world keeps the contract of its port."""

from typing import Any

import pytest

from cma_toolkit.sim.world.hardware.flash import NorFlash

SECTOR = NorFlash.sector_bytes


def read(flash: NorFlash, address: int, length: int) -> bytes:
    buffer = bytearray(length)
    flash.read(address, buffer)
    return bytes(buffer)


def test_new_flash_is_erased_to_its_end() -> None:
    flash = NorFlash()
    size = flash.sector_count * SECTOR
    assert read(flash, 0, size) == b"\xff" * size


def test_what_is_programmed_is_read_across_sectors_until_it_is_erased() -> None:
    flash = NorFlash()
    flash.program(SECTOR - 32, bytes(range(64)))
    assert read(flash, SECTOR - 33, 66) == b"\xff" + bytes(range(64)) + b"\xff"
    part = bytearray(10)
    flash.read(SECTOR - 2, memoryview(part)[3:7])
    assert part == bytes(3) + bytes([30, 31, 32, 33]) + bytes(3)
    flash.erase(0)
    assert read(flash, SECTOR - 32, 64) == b"\xff" * 32 + bytes(range(32, 64))
    assert (flash.erases, flash.programmed_bytes) == (1, 64)


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("program", (0, bytes(32))),  # not erased
        ("program", (16, bytes(32))),
        ("program", (64, bytes(33))),
        ("program", (NorFlash.sector_count * SECTOR, bytes(32))),
        ("program", (-32, bytes(32))),
        ("read", (NorFlash.sector_count * SECTOR - 1, bytearray(2))),
        ("erase", (NorFlash.sector_count,)),
        ("erase", (-1,)),
    ],
)
def test_what_nor_cannot_do_is_the_callers_mistake(call: str, arguments: tuple[Any, ...]) -> None:
    flash = NorFlash()
    flash.program(0, b"\x00" + b"\xff" * 31)
    with pytest.raises(AssertionError):
        getattr(flash, call)(*arguments)
