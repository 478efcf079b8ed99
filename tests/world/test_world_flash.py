"""The flash and the quick table of a world keep the contracts of their ports."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cma_toolkit.sim.world.flash import MemoryFlash, MemoryTable

SECTOR = MemoryFlash.sector_bytes


def read(flash: MemoryFlash, address: int, length: int) -> bytes:
    buffer = bytearray(length)
    flash.read(address, buffer)
    return bytes(buffer)


def test_new_flash_is_erased_to_its_end() -> None:
    flash = MemoryFlash()
    size = flash.sector_count * SECTOR
    assert read(flash, 0, size) == b"\xff" * size


def test_what_is_programmed_is_read_across_sectors_until_it_is_erased() -> None:
    flash = MemoryFlash()
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
        ("program", (MemoryFlash.sector_count * SECTOR, bytes(32))),
        ("program", (-32, bytes(32))),
        ("read", (MemoryFlash.sector_count * SECTOR - 1, bytearray(2))),
        ("erase", (MemoryFlash.sector_count,)),
        ("erase", (-1,)),
    ],
)
def test_what_nor_cannot_do_is_the_callers_mistake(call: str, arguments: tuple[Any, ...]) -> None:
    flash = MemoryFlash()
    flash.program(0, b"\x00" + b"\xff" * 31)
    with pytest.raises(AssertionError):
        getattr(flash, call)(*arguments)


KEYS = st.sampled_from([b"a", b"b", b"c"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), KEYS, st.binary(max_size=3)),
        st.tuples(st.just("delete"), KEYS),
        st.tuples(st.just("commit")),
        st.tuples(st.just("rollback")),
    ),
    max_size=20,
)


@given(STEPS)
def test_a_table_is_a_dict_with_a_staging_area(steps: list[Any]) -> None:
    table = MemoryTable()
    kept: dict[bytes, bytes] = {}
    staged = dict(kept)
    for name, *arguments in steps:
        result = getattr(table, name)(*arguments)
        if name == "put":
            staged[arguments[0]] = arguments[1]
        elif name == "delete":
            staged.pop(arguments[0], None)
        elif name == "commit":
            assert (result == 0) == (staged == kept) or staged == kept
            kept = dict(staged)
        else:
            staged = dict(kept)
        assert table.keys() == sorted(staged)
        assert [table.get(key) for key in (b"a", b"b", b"c")] == [
            staged.get(key) for key in (b"a", b"b", b"c")
        ]
    assert table.commit() >= 0 and table.commit() == 0
