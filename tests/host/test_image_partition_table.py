"""Partition tables: bytes as in flash, CSV as of ESP-IDF, and what is refused."""

import hashlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cma_toolkit.boards.flash_map import SUBTYPES
from cma_toolkit.boards.load import list_boards
from cma_toolkit.host_tools.image import partition_table as tables
from cma_toolkit.host_tools.image.errors import ImageError
from cma_toolkit.host_tools.image.partition_table import Partition

# The table of stock MicroPython for 4 MiB, written down by hand from ESP-IDF's documentation.
STOCK = [
    Partition("nvs", 1, 2, 0x9000, 0x6000),
    Partition("phy_init", 1, 1, 0xF000, 0x1000),
    Partition("factory", 0, 0, 0x10000, 0x1F0000),
]
STOCK_ENTRIES = bytes.fromhex(
    "aa50010200900000006000006e76730000000000000000000000000000000000"
    "aa50010100f00000001000007068795f696e6974000000000000000000000000"
    "aa5000000000010000001f00666163746f727900000000000000000000000000"
)
STOCK_CSV = """
# ESP-IDF Partition Table
nvs,      data, nvs,     ,        0x6000,
phy_init, data, phy,     ,        4K
factory,  app,  factory, 0x10000, 1984K
"""

labels = st.text(st.characters(codec="ascii", exclude_characters="\0"), min_size=1, max_size=16)


@st.composite
def maps(draw: st.DrawFn) -> list[Partition]:
    """Any map that a bootloader accepts."""
    partitions: list[Partition] = []
    end = 0x9000
    for label in draw(st.lists(labels, unique=True, max_size=12)):
        type_number = draw(st.sampled_from([0, 1, 0x40, 0xFE]))
        known = list(SUBTYPES.get(type_number, {}).values())
        subtype = draw(st.sampled_from(known) if known else st.integers(0, 0xFE))
        unit = 0x10000 if type_number == 0 else 0x1000
        offset = (-(-end // unit) + draw(st.integers(0, 3))) * unit
        size_bytes = draw(st.integers(1, 64)) * 0x1000
        flags = draw(st.integers(0, 3))
        partitions.append(Partition(label, type_number, subtype, offset, size_bytes, flags))
        end = offset + size_bytes
    return partitions


def test_stock_table_has_its_known_bytes() -> None:
    data = tables.to_bytes(STOCK)
    assert data[:96] == STOCK_ENTRIES
    assert data[96:128] == b"\xeb\xeb" + b"\xff" * 14 + hashlib.md5(STOCK_ENTRIES).digest()
    assert data[128:] == b"\xff" * (0xC00 - 128)
    assert tables.from_bytes(data) == STOCK


def test_csv_of_esp_idf_gives_the_same_table() -> None:
    assert tables.from_csv(STOCK_CSV) == STOCK


@given(maps())
def test_a_map_survives_bytes_and_csv(partitions: list[Partition]) -> None:
    if partitions:
        assert tables.from_bytes(tables.to_bytes(partitions)) == partitions
    plain = [part for part in partitions if part.label == part.label.strip()]
    csv_safe = [part for part in plain if not set(part.label) & set("#\r\n")]
    assert tables.from_csv(tables.to_csv(csv_safe)) == csv_safe


@pytest.mark.parametrize("board", list_boards(), ids=lambda board: board.id)
def test_every_board_has_a_table_that_round_trips(board: object) -> None:
    partitions = list(board.partitions)  # type: ignore[attr-defined]
    assert tables.from_bytes(tables.to_bytes(partitions)) == partitions
    assert tables.from_csv(tables.to_csv(partitions)) == partitions


@given(st.binary(max_size=4096))
def test_garbage_is_refused_or_read_but_never_crashes(data: bytes) -> None:
    for candidate in (data, b"\xaa\x50" + data, STOCK_ENTRIES + data):
        try:
            tables.from_bytes(candidate)
        except ImageError as error:
            assert str(error).endswith((".", "0xc00."))


@given(st.text(max_size=300))
def test_garbage_csv_is_refused_or_read_but_never_crashes(text: str) -> None:
    for candidate in (text, "nvs,data,nvs," + text, STOCK_CSV + text):
        try:
            tables.from_csv(candidate)
        except ImageError as error:
            assert str(error)


@given(st.integers(0, 95), st.integers(1, 255))
def test_a_flipped_byte_never_passes_unseen(at: int, change: int) -> None:
    data = bytearray(tables.to_bytes(STOCK))
    data[at] ^= change
    with pytest.raises(ImageError):
        tables.from_bytes(bytes(data))


def test_an_old_table_without_md5_is_read() -> None:
    assert tables.from_bytes(STOCK_ENTRIES.ljust(0xC00, b"\xff")) == STOCK


def test_a_table_cut_short_says_so() -> None:
    with pytest.raises(ImageError, match=r"cut off after 96 bytes: read 0xc00\.$"):
        tables.from_bytes(STOCK_ENTRIES)
    with pytest.raises(ImageError, match="damaged at byte 0x40"):
        tables.from_bytes(STOCK_ENTRIES[:80])


def test_a_blank_flash_has_no_table() -> None:
    with pytest.raises(ImageError, match="no partition table here"):
        tables.from_bytes(b"\xff" * 0xC00)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"offset": 0xE000}, "overlap"),
        ({"offset": 0xF800}, "not a multiple of 0x1000: move it to 0x10000"),
        ({"size_bytes": 0}, "not be empty"),
        ({"label": "x" * 17}, "1 to 16 bytes"),
        ({"label": "nvs"}, "called"),
        ({"size_bytes": 0x400000}, "overlap"),
        ({"type": 300}, "0 to 254"),
    ],
)
def test_a_wrong_map_is_not_written(change: dict[str, object], sentence: str) -> None:
    wrong = Partition(**{**_fields(STOCK[1]), **change})  # type: ignore[arg-type]
    with pytest.raises(ImageError, match=sentence):
        tables.to_bytes([STOCK[0], wrong, STOCK[2]])


def test_a_map_larger_than_the_flash_names_both_sizes() -> None:
    tables.check(STOCK, 2 << 20)
    with pytest.raises(ImageError, match=r"needs 2 MiB .* but the flash has 1 MiB: choose"):
        tables.check(STOCK, 1 << 20)


def test_too_many_partitions_are_refused() -> None:
    many = [Partition(f"p{n}", 1, 6, 0x9000 + n * 0x1000, 0x1000) for n in range(96)]
    with pytest.raises(ImageError, match="a table holds 95"):
        tables.to_bytes(many)
    assert tables.from_bytes(tables.to_bytes(many[:95])) == many[:95]


def test_micropython_adds_its_vfs_behind_the_last_partition() -> None:
    added = tables.effective(STOCK, 4 << 20)[-1]
    assert added == Partition("vfs", 1, 0x81, 0x200000, 0x200000)
    assert tables.effective([*STOCK, added], 4 << 20) == [*STOCK, added]
    assert tables.implicit_vfs(STOCK, 2 << 20) is None


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("nvs,data,nvs", "Line 1 .* has 3 fields: give Name"),
        ("nvs,dato,nvs,,4K", '"dato" is not a number or one of app, data: mend it'),
        ("nvs,data,nvs,,4Q", '"4Q" is not a number: mend it'),
    ],
)
def test_a_wrong_csv_line_is_named(row: str, sentence: str) -> None:
    with pytest.raises(ImageError, match=sentence):
        tables.from_csv(row)


def test_flags_have_their_words() -> None:
    (part,) = tables.from_csv("a,data,nvs_keys,0x9000,4K,encrypted:readonly")
    assert part.flags == 3
    assert struct.unpack_from("<I", tables.to_bytes([part]), 28) == (3,)


def _fields(part: Partition) -> dict[str, object]:
    return {name: getattr(part, name) for name in Partition.__slots__}
