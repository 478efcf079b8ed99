"""ESP-IDF's NVS pages: exchanged with Espressif's generator, old or new after every power cut."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cma_toolkit.host_tools.image import nvs as host_nvs
from cma_toolkit.sim.virtual_board.shims.vb.nvs_page import PAGE_BYTES, NvsError
from cma_toolkit.sim.virtual_board.shims.vb.nvs_pages import (
    BLOB,
    I32,
    TEXT,
    U8,
    U64,
    NvsPages,
)
from support.nor_ram import PowerCut, RamFlash

PAGES = 6
SIZE_BYTES = PAGES * PAGE_BYTES
KEYS = ["a", "key_of_15_chars"]


def opened(flash: RamFlash) -> NvsPages:
    pages = NvsPages(flash.boot(), SIZE_BYTES)
    pages.load()
    return pages


def generated(folder: Path, rows: list[tuple[str, str, str, str]]) -> bytes:
    """Return the partition that Espressif's own tool makes."""
    table, image = folder / "nvs.csv", folder / "nvs.bin"
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([("key", "type", "encoding", "value"), *rows])
    subprocess.run(
        [
            *(sys.executable, "-m", "esp_idf_nvs_partition_gen", "generate"),
            *(str(table), str(image), str(SIZE_BYTES)),
        ],
        check=True,
        capture_output=True,
    )
    return image.read_bytes()


def test_what_espressifs_generator_wrote_is_read(tmp_path: Path) -> None:
    blob = bytes(range(256)) * 30
    image = generated(
        tmp_path,
        [
            ("cma", "namespace", "", ""),
            ("name", "data", "hex2bin", b"greenhouse".hex()),
            ("big", "data", "hex2bin", blob.hex()),
            ("revision", "data", "i32", "-7"),
            ("flag", "data", "u8", "200"),
            ("wide", "data", "u64", str(2**63 + 1)),
            ("other", "namespace", "", ""),
            ("text", "data", "string", "grüß dich"),
        ],
    )
    pages = opened(RamFlash(SIZE_BYTES, image))
    assert pages.get("cma", "name", BLOB) == b"greenhouse"
    assert pages.get("cma", "big", BLOB) == blob
    assert pages.get("cma", "revision", I32) == -7
    assert pages.get("cma", "flag", U8) == 200
    assert pages.get("cma", "wide", U64) == 2**63 + 1
    assert pages.get("other", "text", TEXT) == "grüß dich"
    assert pages.namespaces() == ["cma", "other"]


def test_what_a_board_wrote_is_read_by_the_host(tmp_path: Path) -> None:
    """The host's reader is held against Espressif's generator by its own tests."""
    flash = RamFlash(SIZE_BYTES)
    pages = opened(flash)
    blob = bytes(range(256)) * 30
    pages.set("cma", "name", BLOB, b"greenhouse")
    pages.set("cma", "big", BLOB, blob)
    pages.set("cma", "revision", I32, -7)
    read = host_nvs.from_bytes(flash.cells.getvalue()).entries
    found = {(each.namespace, each.key): each.value for each in read}
    assert found["cma", "name"] == b"greenhouse"
    assert found["cma", "big"] == blob
    assert found["cma", "revision"] == -7


def test_one_entry_has_the_very_bytes_of_espressifs_generator(tmp_path: Path) -> None:
    image = generated(tmp_path, [("cma", "namespace", "", ""), ("n", "data", "i32", "5")])
    flash = RamFlash(SIZE_BYTES)
    opened(flash).set("cma", "n", I32, 5)
    page = flash.cells.getvalue()[:PAGE_BYTES]
    # Their page is already marked full; ours still takes entries.
    assert page[4:] == image[4:PAGE_BYTES]


VALUES = st.one_of(
    st.tuples(st.just(I32), st.integers(-(2**31), 2**31 - 1)),
    st.tuples(st.just(TEXT), st.text("aé", max_size=90)),
    st.tuples(st.just(BLOB), st.binary(max_size=5000)),
)
STEPS = st.lists(
    st.one_of(st.tuples(st.sampled_from(KEYS), VALUES), st.tuples(st.sampled_from(KEYS))),
    max_size=25,
)
Model = dict[tuple[str, int], object]


def apply(pages: NvsPages, model: Model, step: tuple) -> None:  # type: ignore[type-arg]
    key = step[0]
    if len(step) == 2:
        kind, value = step[1]
        pages.set("cma", key, kind, value)
        for other in [each for each in model if each[0] == key]:
            del model[other]
        model[key, kind] = value
    elif any(each[0] == key for each in model):
        pages.erase_key("cma", key)
        for other in [each for each in model if each[0] == key]:
            del model[other]


def contents(pages: NvsPages) -> Model:
    return {
        (key, kind): pages.get("cma", key, kind)
        for key, kind in (pages.keys("cma") if "cma" in pages.namespaces() else [])
    }


@given(STEPS)
def test_any_run_of_operations_is_remembered_by_the_flash_alone(steps: list) -> None:  # type: ignore[type-arg]
    flash = RamFlash(SIZE_BYTES)
    pages = opened(flash)
    model: Model = {}
    for step in steps:
        apply(pages, model, step)
        assert contents(pages) == model
    assert contents(opened(flash)) == model


def test_ten_thousand_writes_fit_because_pages_are_reclaimed() -> None:
    flash = RamFlash(SIZE_BYTES)
    pages = opened(flash)
    pages.set("cma", "still", BLOB, b"s" * 900)
    for number in range(10_000):
        pages.set("cma", "count", I32, number)
    assert pages.get("cma", "count", I32) == 9_999
    assert contents(opened(flash)) == {("count", I32): 9_999, ("still", BLOB): b"s" * 900}


@settings(max_examples=300)
@given(
    before=STEPS,
    step=st.tuples(st.sampled_from(KEYS), VALUES),
    after=st.integers(1, 40),
    torn_bytes=st.sampled_from([0, 1, 3, 4, 8, 31, 32, 33, 500, 4095]),
    bits=st.integers(0, 255),
)
def test_after_a_power_cut_a_key_has_its_old_value_or_its_new_one(
    before: list,  # type: ignore[type-arg]
    step: tuple,  # type: ignore[type-arg]
    after: int,
    torn_bytes: int,
    bits: int,
) -> None:
    flash = RamFlash(SIZE_BYTES)
    pages = opened(flash)
    model: Model = {}
    for each in before:
        apply(pages, model, each)
    new = dict(model)
    flash.cut(after, torn_bytes, bits)
    try:
        apply(pages, new, step)
    except PowerCut:
        key, (kind, value) = step
        new = {each: old for each, old in model.items() if each[0] != key}
        new[key, kind] = value
    found = contents(opened(flash))
    # A key whose type changes may for a moment have both.
    both = {**model, **new}
    assert found in (model, new, both)
    again = opened(flash)
    again.set("cma", "later", I32, 1)
    assert contents(opened(flash)) == {**found, ("later", I32): 1}
    # What a cut left behind must not come back when its successor goes.
    again = opened(flash)
    for key in {each[0] for each in found}:
        again.erase_key("cma", key)
    again = opened(flash)
    assert contents(again) == {("later", I32): 1}
    assert again.count_used() == 2  # that and the namespace


@pytest.mark.parametrize("torn_bytes", [0, 1, 40, 4000])
def test_a_power_cut_while_a_page_is_reclaimed_loses_nothing(torn_bytes: int) -> None:
    """Three pages: one is always free, so every 80 writes or so one is reclaimed."""
    flash = RamFlash(SIZE_BYTES)
    pages = NvsPages(flash.boot(), 3 * PAGE_BYTES)
    pages.load()
    pages.set("cma", "still", BLOB, b"s" * 900)
    number = 0
    for cut in range(400):
        flash.cut(1 + cut * 7 % 31 + cut // 8 % 17, torn_bytes, bits=cut & 255)
        try:
            while True:
                pages.set("cma", "count", I32, number + 1)
                number += 1
                pages.set("cma", "text", TEXT, "t" * (number % 90))
        except PowerCut:
            pages = NvsPages(flash.boot(), 3 * PAGE_BYTES)
            pages.load()
        assert pages.get("cma", "still", BLOB) == b"s" * 900
        found = pages.get("cma", "count", I32) if number else 0
        assert found in (number, number + 1)
        number = found


@given(st.binary(max_size=600), st.integers(0, SIZE_BYTES - 1))
def test_a_damaged_partition_never_crashes_a_board(junk: bytes, at: int) -> None:
    flash = RamFlash(SIZE_BYTES)
    pages = opened(flash)
    for number in range(100):
        pages.set("cma", f"k{number % 20}", BLOB, bytes([number]) * (number * 7))
    cells = bytearray(flash.cells.getvalue())
    cells[at : at + len(junk)] = junk[: SIZE_BYTES - at]
    damaged = RamFlash(SIZE_BYTES, bytes(cells))
    try:
        pages = opened(damaged)
        pages.set("cma", "new", I32, 1)
    except NvsError:
        return
    assert pages.get("cma", "new", I32) == 1


@pytest.mark.parametrize(
    ("key", "name"),
    [("x" * 16, "ESP_ERR_NVS_KEY_TOO_LONG"), ("", "ESP_ERR_NVS_INVALID_NAME")],
)
def test_a_key_that_does_not_fit_is_refused(key: str, name: str) -> None:
    with pytest.raises(NvsError, match=name):
        opened(RamFlash(SIZE_BYTES)).set("cma", key, I32, 1)


def test_a_full_partition_says_so_and_keeps_everything() -> None:
    flash = RamFlash(SIZE_BYTES)
    pages = opened(flash)
    with pytest.raises(NvsError, match="ESP_ERR_NVS_NOT_ENOUGH_SPACE"):
        for number in range(1000):
            pages.set("cma", f"k{number}", BLOB, b"x" * 300)
    kept = contents(opened(flash))
    assert len(kept) > 40
    assert all(value == b"x" * 300 for value in kept.values())
