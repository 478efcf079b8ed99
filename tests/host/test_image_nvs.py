"""NVS partitions: what Espressif's generator writes we read, and damage is reported."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cma_toolkit.host_tools.image import nvs
from cma_toolkit.host_tools.image.errors import ImageError
from cma_toolkit.host_tools.image.nvs import Entry
from support import nvs_build

SIZE_BYTES = 0x6000
CSV = """key,type,encoding,value
cma,namespace,,
name,data,string,greenhouse-07
revision,data,i32,-7
byte,data,u8,255
long,data,u64,18446744073709551615
raw,data,hex2bin,00ff10
wifi,namespace,,
ssid,data,string,garden
"""
SETTINGS = (
    Entry("cma", "big", "blob", bytes(range(256)) * 40),
    Entry("cma", "name", "blob", b"greenhouse-07"),
    Entry("cma", "revision", "i32", -7),
    Entry("wifi", "ssid", "string", "gärten"),
)
keys = st.text(st.characters(codec="ascii", min_codepoint=33), min_size=1, max_size=15)
values = st.one_of(
    st.tuples(st.just("blob"), st.binary(max_size=5000)),
    st.tuples(
        st.just("string"),
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=300),
    ),
    st.tuples(st.just("i32"), st.integers(-(2**31), 2**31 - 1)),
    st.tuples(st.just("u64"), st.integers(0, 2**64 - 1)),
    st.tuples(st.just("i8"), st.integers(-128, 127)),
)


@st.composite
def settings_of_a_board(draw: st.DrawFn) -> list[Entry]:
    """Entries with distinct keys in up to three namespaces."""
    found = draw(
        st.dictionaries(st.tuples(st.sampled_from(["a", "b", "cma"]), keys), values, max_size=6)
    )
    return [Entry(space, key, kind, value) for (space, key), (kind, value) in found.items()]


def test_we_read_what_the_generators_command_writes(tmp_path: Path) -> None:
    source, image = tmp_path / "settings.csv", tmp_path / "nvs.bin"
    source.write_text(CSV)
    module = "esp_idf_nvs_partition_gen"
    subprocess.run(
        [sys.executable, "-m", module, "generate", str(source), str(image), "0x3000"],
        check=True,
        capture_output=True,
        timeout=60,
    )
    found = nvs.from_bytes(image.read_bytes())
    assert found.problems == ()
    assert found.values("cma") == {
        "name": "greenhouse-07",
        "revision": -7,
        "byte": 255,
        "long": 2**64 - 1,
        "raw": b"\x00\xff\x10",
    }
    assert found.values("wifi") == {"ssid": "garden"}
    assert found.values("nobody") == {}


@given(settings_of_a_board())
@settings(max_examples=60)
def test_settings_survive_their_partition(entries: list[Entry]) -> None:
    image = nvs_build.build(entries, 0x10000)
    found = nvs.from_bytes(image)
    assert found.problems == ()
    assert found.entries == tuple(sorted(entries, key=lambda entry: (entry.namespace, entry.key)))
    assert nvs_build.build(list(reversed(entries)), 0x10000) == image


def test_a_blank_partition_holds_nothing() -> None:
    assert nvs.from_bytes(b"\xff" * SIZE_BYTES) == nvs.Contents((), ())


@given(st.integers(0, SIZE_BYTES - 1), st.integers(0, 7))
def test_a_flipped_bit_never_gives_a_wrong_value(at: int, bit: int) -> None:
    data = bytearray(nvs_build.build(SETTINGS, SIZE_BYTES))
    data[at] ^= 1 << bit
    try:
        found = nvs.from_bytes(bytes(data))
    except ImageError:
        return
    whole = {(entry.key, entry.value) for entry in SETTINGS}
    assert {(entry.key, entry.value) for entry in found.entries} <= whole
    if len(found.entries) < len(SETTINGS):
        # Only the bits that say whether an entry was written can hide one without a word.
        assert found.problems or 32 <= at % 4096 < 64 or at % 4096 < 4


@given(st.lists(st.binary(min_size=1, max_size=400), max_size=6), st.booleans())
def test_garbage_is_refused_or_reported_but_never_crashes(parts: list[bytes], ours: bool) -> None:
    data = bytearray(nvs_build.build(SETTINGS, SIZE_BYTES) if ours else b"\xff" * SIZE_BYTES)
    for number, part in enumerate(parts):
        start = number * 3001 % SIZE_BYTES
        data[start : start + len(part)] = part
    try:
        nvs.from_bytes(bytes(data[:SIZE_BYTES]))
    except ImageError as error:
        assert str(error).endswith(".")


def test_a_damaged_entry_is_reported_and_the_others_are_read() -> None:
    data = bytearray(nvs_build.build(SETTINGS[1:], SIZE_BYTES))
    data[data.index(b"greenhouse-07")] ^= 1
    found = nvs.from_bytes(bytes(data))
    assert "name" not in found.values("cma")
    assert found.values("cma")["revision"] == -7
    assert any("is damaged" in problem for problem in found.problems)


def test_a_blob_without_all_its_chunks_is_reported() -> None:
    data = bytearray(nvs_build.build(SETTINGS, SIZE_BYTES))
    data[0x1000:0x2000] = b"\xff" * 0x1000
    found = nvs.from_bytes(bytes(data))
    assert "big" not in found.values("cma")
    assert 'the blob "big" is incomplete' in found.problems


def test_a_newer_value_stands_over_an_older_one() -> None:
    old = nvs_build.build([nvs_build.integer("cma", "revision", 1)], 0x3000)
    new = bytearray(nvs_build.build([nvs_build.integer("cma", "revision", 2)], 0x3000)[:4096])
    _give_sequence(new, 1)
    for order in (old[:4096] + bytes(new), bytes(new) + old[:4096]):
        found = nvs.from_bytes(order + b"\xff" * 4096)
        assert found.values("cma") == {"revision": 2}


def test_a_partition_full_of_something_else_is_refused() -> None:
    with pytest.raises(ImageError, match="no NVS partition, or all of it is damaged"):
        nvs.from_bytes(b"\0" * SIZE_BYTES)
    with pytest.raises(ImageError, match="pages of 4096 bytes, not 100 bytes"):
        nvs.from_bytes(b"\xff" * 100)


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        (Entry("cma", "k" * 16, "i32", 1), "must have 1 to 15 bytes: rename it"),
        (Entry("", "k", "i32", 1), "must have 1 to 15 bytes"),
        (Entry("cma", "k", "i32", 2**31), 'value "cma.k" does not fit the kind i32'),
        (Entry("cma", "k", "u8", -1), "does not fit the kind u8"),
        (Entry("cma", "k", "string", "x" * 4000), "does not fit the kind string"),
        (Entry("cma", "k", "string", b"x"), "does not fit the kind string"),
        (Entry("cma", "k", "float", 1), "does not fit the kind float"),
        (Entry("cma", "k", "blob", bytes(0x6000)), "do not fit an NVS partition of 24576 bytes"),
    ],
)
def test_what_nvs_cannot_hold_is_refused(entry: Entry, sentence: str) -> None:
    with pytest.raises(ImageError, match=sentence):
        nvs_build.build([entry], SIZE_BYTES)


def test_a_partition_needs_three_pages() -> None:
    with pytest.raises(ImageError, match="at least 3 whole pages"):
        nvs_build.build([], 0x2000)


def _give_sequence(page: bytearray, sequence: int) -> None:
    import zlib

    page[4:8] = sequence.to_bytes(4, "little")
    page[28:32] = zlib.crc32(page[4:28], 0xFFFFFFFF).to_bytes(4, "little")
