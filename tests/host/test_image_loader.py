"""The loader's image: what is in it, and what it and others must agree on."""

import sys
from typing import Any

import pytest
from loader import mark, no_floats

from cma_toolkit.firmware.kernel.codec import cbor
from cma_toolkit.firmware.kernel.release import layout
from cma_toolkit.firmware.kernel.release.trust import (
    NUMBER_MAX,
    ROLE_KEYS_MAX,
    ROLES,
    TIME_MAX_S,
    Root,
)
from cma_toolkit.host_tools.flash.contents import FIRMWARE
from cma_toolkit.host_tools.image import loader, romfs
from cma_toolkit.host_tools.image.errors import ImageError
from cma_toolkit.host_tools.ports import session
from cma_toolkit.host_tools.release.documents import Role, RootDocument

SECTORS = layout.PARTITION_BYTES // layout.SECTOR_BYTES


def test_the_loader_is_the_same_each_time_and_has_no_agent_in_it() -> None:
    built = loader.build_loader(FIRMWARE)
    assert built == loader.build_loader(FIRMWARE)
    files = romfs.read(built)
    assert {"loader/start.mpy", "lib/kernel/release/layout.mpy", "loader.json"} <= files.keys()
    assert {path.split("/")[0] for path in files} == {"loader", "lib", "loader.json"}
    assert not [path for path in files if path.endswith(("agent.mpy", "device/loop.mpy"))]


def test_a_loader_that_is_larger_than_its_place_is_refused() -> None:
    small = romfs.pack({"loader/start.mpy": b"M" * 500})
    with pytest.raises(ImageError, match="its place 65536"):
        loader.for_board(small, bytes(layout.LOADER_BYTES), ())


@pytest.mark.parametrize("sector_count", [SECTORS, 64, 27])
def test_loader_slots_and_journal_fill_the_partition_and_do_not_overlap(
    sector_count: int,
) -> None:
    slot = layout.slot_sectors(sector_count)
    spans = [(0, layout.LOADER_SECTORS)]
    for at in range(layout.SLOTS):
        begin = layout.slot_at(at, sector_count)
        spans.append((begin, begin + slot))
        image_end = begin + layout.image_bytes(sector_count) // layout.SECTOR_BYTES
        assert image_end == layout.trailer_at(at, sector_count)
        assert layout.trailer_at(at, sector_count) + layout.TRAILER_SECTORS == begin + slot
    assert [begin for begin, _ in spans[1:]] == [end for _, end in spans[:-1]]
    assert spans[-1][1] <= layout.journal_at(sector_count) <= spans[-1][1] + 1
    assert layout.journal_at(sector_count) + layout.JOURNAL_SECTORS == sector_count


def test_a_mark_is_read_back_and_nothing_else_in_memory_changes() -> None:
    memory = bytes(range(256)) * 7
    for bits in range(32):
        fields = (bits, bits * 8, 1 << bits - 2 if bits > 1 else 0, 0x3FFFFFFF - bits)
        marked = mark.write(memory, fields)
        assert mark.read(marked) == fields
        assert marked[: mark.AT] + marked[mark.AT + mark.BYTES :] == (
            memory[: mark.AT] + memory[mark.AT + mark.BYTES :]
        )
    assert mark.read(mark.write(b"", (3, 0, 7, 9))) == (3, 0, 7, 9), "as after a power-on"


def test_no_mark_is_read_from_a_damaged_one() -> None:
    whole = bytes(mark.write(b"", (mark.SLOT_B | mark.TRIAL, 7, 1000, 12345)))
    for at in range(mark.AT, mark.AT + mark.BYTES):
        for bit in range(8):
            damaged = bytearray(whole)
            damaged[at] ^= 1 << bit
            assert mark.read(damaged) is None
    assert mark.read(whole[:-1]) is None and mark.read(bytes(len(whole))) is None


def test_tools_at_a_boards_prompt_look_where_the_loader_puts_images(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names: dict[str, Any] = {}
    exec(compile(session._script("provision"), "provision", "exec"), names)
    memory = [b""]
    rtc = type("RTC", (), {"memory": lambda _: memory[0]})
    monkeypatch.setitem(sys.modules, "machine", type("M", (), {"RTC": rtc}))
    for slot in range(layout.SLOTS):
        memory[0] = bytes(mark.write(b"", (mark.SLOT_B * slot | mark.TRIAL, 0, 0, 0)))
        assert names["sector_of_slot"](SECTORS) == layout.slot_at(slot, SECTORS)
    memory[0] = b""
    assert names["sector_of_slot"](SECTORS) == layout.slot_at(0, SECTORS)


def test_a_board_that_believes_as_many_keys_as_there_may_be_has_room_for_them() -> None:
    roles = {
        name: Role(ROLE_KEYS_MAX, tuple(bytes([at, key]) * 26 for key in range(ROLE_KEYS_MAX)))
        for at, name in enumerate(ROLES)
    }
    root = RootDocument(NUMBER_MAX, TIME_MAX_S, roles, NUMBER_MAX, NUMBER_MAX).to_bytes()
    assert Root(root).version == NUMBER_MAX
    made = loader.for_board(loader.build_loader(FIRMWARE), root, [bytes(16)] * 2, bytes(16))
    assert len(made) <= layout.LOADER_BYTES
    assert b'"micropython":"' in romfs.read(made)["board.json"]


@pytest.mark.parametrize("item", [b"\xf9\x3e\x00", b"\xfa\x47\xc3\x50\x00", b"\xfb" + bytes(8)])
def test_a_float_is_ill_formed_for_the_loader(
    monkeypatch: pytest.MonkeyPatch, item: bytes
) -> None:
    monkeypatch.setattr(cbor, "floats", no_floats)
    assert cbor.decode(b"\x82\x01\x02") == [1, 2]
    with pytest.raises(cbor.CborError):
        cbor.decode(b"\x81" + item)
