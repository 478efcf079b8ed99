"""Full MicroPython images: taken apart, named, and refused when they are not for this board."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cma_toolkit.host_tools.image import micropython, partition_table
from cma_toolkit.host_tools.image.app_image import from_bytes
from cma_toolkit.host_tools.image.errors import ImageError
from support.images import TABLE, application, bootloader, merged

CHIPS = ["esp32", "esp32s3", "esp32c3", "esp32c6"]


@pytest.mark.parametrize("chip", CHIPS)
def test_a_full_image_comes_apart_into_its_three_parts(chip: str) -> None:
    parts = micropython.split(merged(chip) + b"\xff" * 99, chip)
    assert parts.bootloader == bootloader(chip)
    assert parts.app == application(chip)
    assert parts.partitions == TABLE
    assert parts.table == partition_table.to_bytes(TABLE)
    identity = parts.identity
    assert (identity.chip, identity.version, identity.idf_version) == (chip, "1.28.0", "v5.5.1")
    assert identity.machine == f"Generic module with {chip.upper()}"
    assert identity.is_micropython


def test_the_chip_of_a_file_can_be_asked_before_a_board_is_there() -> None:
    assert micropython.chip_of(merged("esp32c6")) == "esp32c6"
    assert micropython.chip_of(application("esp32c3")) == "esp32c3"
    with pytest.raises(ImageError, match="is no ESP32 image"):
        micropython.chip_of(b"#!/usr/bin/env python3, not an image")


def test_an_image_for_another_chip_is_refused() -> None:
    with pytest.raises(ImageError, match="made for esp32s3, the board has esp32c3"):
        micropython.split(merged("esp32s3"), "esp32c3")
    mixed = merged("esp32c3", application("esp32c6"))
    with pytest.raises(ImageError, match="MicroPython in the image is for another chip"):
        micropython.split(mixed, "esp32c3")


def test_a_truncated_image_is_called_truncated_wherever_it_is_cut() -> None:
    data = merged("esp32")
    for length in (0, 23, 500, 0x6000, 0x7000, 0x7800, 0xF000, 0xF100, len(data) - 1):
        with pytest.raises(ImageError, match="truncated after"):
            micropython.split(data[:length], "esp32")


def test_an_application_without_bootloader_is_not_a_full_image() -> None:
    with pytest.raises(ImageError, match=r"an \.app-bin\): choose the \.bin of the same release"):
        micropython.split(application("esp32"), "esp32")


def test_a_table_that_names_no_application_is_damage() -> None:
    data = bytearray(merged("esp32c3"))
    data[0x8000:0x8C00] = partition_table.to_bytes(TABLE[:2])
    with pytest.raises(ImageError, match="names no application"):
        micropython.split(bytes(data), "esp32c3")


def test_an_unknown_chip_is_answered_with_those_that_are_known() -> None:
    with pytest.raises(ImageError, match="choose one of esp32, esp32s3, esp32c3, esp32c6"):
        micropython.split(merged("esp32"), "esp8266")


@pytest.mark.parametrize(
    ("version", "found"),
    [("1.28.0", "1.28.0"), ("1.29.0-preview.77.g0c49", "1.29.0-preview.77.g0c49")],
)
def test_the_version_is_read_without_its_v(version: str, found: str) -> None:
    app, _ = from_bytes(application("esp32", version))
    assert micropython.identify(app).version == found


def test_another_firmware_is_told_from_micropython() -> None:
    app, _ = from_bytes(application("esp32", "2.0", project="blink"))
    identity = micropython.identify(app)
    assert not identity.is_micropython
    assert identity.machine == ""


@given(st.integers(0, 0x11000), st.binary(min_size=1, max_size=64))
def test_garbage_is_refused_or_read_but_never_crashes(at: int, garbage: bytes) -> None:
    data = bytearray(merged("esp32c3"))
    data[at : at + len(garbage)] = garbage
    try:
        micropython.split(bytes(data), "esp32c3")
    except ImageError as error:
        assert str(error).endswith((".", "?"))
