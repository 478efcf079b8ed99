"""A flash file behaves as the chip does: ones only by erasing, and torn where the power went."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cma_toolkit.sim.virtual_board.rom.nor_flash import (
    SECTOR_BYTES,
    Cut,
    FlashRangeError,
    NorFlash,
    PowerCut,
)
from support.cut_at import CutAt

SIZE_BYTES = 4 * SECTOR_BYTES
MANY = st.lists(
    st.tuples(st.booleans(), st.integers(0, SIZE_BYTES - 1), st.binary(min_size=1, max_size=40)),
    max_size=20,
)


@pytest.fixture
def flash(tmp_path: Path) -> Iterator[NorFlash]:
    chip = NorFlash(tmp_path / "flash.bin", SIZE_BYTES)
    yield chip
    chip.close()


def test_a_new_flash_is_erased(flash: NorFlash) -> None:
    assert flash.read(0, SIZE_BYTES) == b"\xff" * SIZE_BYTES


def test_programming_clears_bits_and_sets_none(flash: NorFlash) -> None:
    flash.program(10, b"\x0f\xff")
    flash.program(10, b"\xf1\x3c")
    assert flash.read(9, 4) == b"\xff\x01\x3c\xff"
    assert flash.programmed_byte_count == 4


def test_erasing_takes_every_sector_that_is_touched(flash: NorFlash) -> None:
    flash.program(0, b"\0" * SIZE_BYTES)
    flash.erase(SECTOR_BYTES + 1, SECTOR_BYTES)
    assert flash.read(0, SIZE_BYTES) == (
        b"\0" * SECTOR_BYTES + b"\xff" * 2 * SECTOR_BYTES + b"\0" * SECTOR_BYTES
    )
    assert flash.erased_sector_count == 2


def test_the_file_is_the_flash(tmp_path: Path, flash: NorFlash) -> None:
    flash.program(5, b"hello")
    assert (tmp_path / "flash.bin").read_bytes()[5:10] == b"hello"
    flash.close()
    again = NorFlash(tmp_path / "flash.bin", SIZE_BYTES)
    assert again.read(5, 5) == b"hello"
    again.close()


def test_a_file_that_is_too_short_gets_an_erased_rest(tmp_path: Path) -> None:
    (tmp_path / "short.bin").write_bytes(b"abc")
    flash = NorFlash(tmp_path / "short.bin", SIZE_BYTES)
    assert flash.read(0, 5) == b"abc\xff\xff"
    flash.close()


def test_a_file_larger_than_the_chip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "long.bin").write_bytes(bytes(SIZE_BYTES + 1))
    with pytest.raises(ValueError, match="larger"):
        NorFlash(tmp_path / "long.bin", SIZE_BYTES)


@pytest.mark.parametrize(("offset", "size_bytes"), [(-1, 1), (SIZE_BYTES, 1), (0, SIZE_BYTES + 1)])
def test_nothing_reaches_beyond_the_chip(flash: NorFlash, offset: int, size_bytes: int) -> None:
    for operation in (
        lambda: flash.read(offset, size_bytes),
        lambda: flash.program(offset, bytes(size_bytes)),
        lambda: flash.erase(offset, size_bytes),
    ):
        with pytest.raises(FlashRangeError):
            operation()
    assert flash.operation_count == 0


def test_a_torn_program_writes_a_prefix_and_some_bits(tmp_path: Path) -> None:
    flash = NorFlash(tmp_path / "torn.bin", SIZE_BYTES, CutAt(2, torn_bytes=2, bits=0x0F))
    flash.program(100, b"\0")
    with pytest.raises(PowerCut):
        flash.program(0, b"\x11\x22\x33\x44")
    assert flash.read(0, 4) == b"\x11\x22\xf3\xff"
    flash.close()


def test_a_torn_erase_erases_a_prefix(tmp_path: Path) -> None:
    flash = NorFlash(tmp_path / "torn.bin", SIZE_BYTES)
    flash.program(0, bytes(SIZE_BYTES))
    flash.fault = CutAt(1, torn_bytes=7, bits=0xFF)
    with pytest.raises(PowerCut):
        flash.erase(SECTOR_BYTES, SECTOR_BYTES)
    assert flash.read(SECTOR_BYTES - 1, 9) == b"\0" + b"\xff" * 7 + b"\0"
    flash.close()


def test_a_cut_without_torn_bytes_leaves_the_flash_as_it_was(tmp_path: Path) -> None:
    flash = NorFlash(tmp_path / "torn.bin", SIZE_BYTES, CutAt(1))
    with pytest.raises(PowerCut):
        flash.program(0, b"\0\0")
    assert flash.read(0, 2) == b"\xff\xff"
    flash.close()


def test_a_fault_sees_each_operation_in_its_turn(tmp_path: Path) -> None:
    seen: list[tuple[int, str, int, int]] = []

    class Watch:
        def before(self, index: int, kind: str, offset: int, size_bytes: int) -> Cut | None:
            seen.append((index, kind, offset, size_bytes))
            return None

    flash = NorFlash(tmp_path / "watched.bin", SIZE_BYTES, Watch())
    flash.program(3, b"ab")
    flash.erase(5, 1)
    assert seen == [(0, "program", 3, 2), (1, "erase", 0, SECTOR_BYTES)]
    flash.close()


@given(MANY)
def test_flash_equals_a_byte_by_byte_model(
    tmp_path_factory: pytest.TempPathFactory, operations: list[tuple[bool, int, bytes]]
) -> None:
    flash = NorFlash(tmp_path_factory.mktemp("flash") / "flash.bin", SIZE_BYTES)
    model = bytearray(b"\xff" * SIZE_BYTES)
    for erases, offset, wanted in operations:
        data = wanted[: SIZE_BYTES - offset]
        if erases:
            flash.erase(offset, len(data))
            for sector in range(
                offset // SECTOR_BYTES, (offset + len(data) - 1) // SECTOR_BYTES + 1
            ):
                model[sector * SECTOR_BYTES : (sector + 1) * SECTOR_BYTES] = b"\xff" * SECTOR_BYTES
        else:
            flash.program(offset, data)
            for index, byte in enumerate(data):
                model[offset + index] &= byte
    assert flash.read(0, SIZE_BYTES) == model
    flash.close()
