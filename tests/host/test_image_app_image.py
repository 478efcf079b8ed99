"""App images: ours and esptool's agree, and nothing damaged or foreign passes."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cma_toolkit.host_tools.image.app_image import (
    SEGMENTS_MAX,
    AppImage,
    Segment,
    build,
    check_chip,
    from_bytes,
    with_flash_size,
)
from cma_toolkit.host_tools.image.chips import CHIP_IDS
from cma_toolkit.host_tools.image.errors import ImageError
from support.images import CODE_ADDRESSES, DATA_ADDRESSES, application, bootloader

CHIPS = ["esp32", "esp32s3", "esp32c3", "esp32c6"]
segments = st.lists(
    st.builds(Segment, st.integers(0, 2**32 - 1), st.binary(max_size=200)), min_size=1, max_size=16
)


def image_info(path: Path, chip: str) -> str:
    command = [sys.executable, "-m", "esptool", "--chip", chip, "image-info", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def by_esptool(chip: str, with_hash: bool) -> bytes:
    """Let esptool lay out an image with a mapped and a loaded segment."""
    from esptool import bin_image

    name = {"esp32": "ESP32", "esp32s3": "ESP32S3", "esp32c3": "ESP32C3", "esp32c6": "ESP32C6"}
    image = getattr(bin_image, name[chip] + "FirmwareImage")(append_digest=with_hash)
    image.entrypoint = CODE_ADDRESSES[chip]
    parts = ((DATA_ADDRESSES[chip], b"data" * 99), (CODE_ADDRESSES[chip], b"co" * 8))
    for address, data in parts:
        image.segments.append(bin_image.ELFSection(b".part", address, data, 0))
    return bytes(image.save(None))


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("with_hash", [True, False])
def test_we_read_an_image_that_esptool_wrote(chip: str, with_hash: bool) -> None:
    data = by_esptool(chip, with_hash)
    image, length = from_bytes(data)
    assert (image.chip, image.entry, image.hash_appended) == (
        chip,
        CODE_ADDRESSES[chip],
        with_hash,
    )
    assert length == len(data)
    by_address = {segment.address: segment.data for segment in image.segments}
    assert by_address[DATA_ADDRESSES[chip]].startswith(b"data" * 99)
    assert any(content.startswith(b"co" * 8) for content in by_address.values())
    assert image.to_bytes() == data


@pytest.mark.parametrize("chip", CHIPS)
def test_esptool_finds_our_image_valid(chip: str, tmp_path: Path) -> None:
    path = tmp_path / "app.bin"
    path.write_bytes(application(chip, "1.28.0"))
    shown = image_info(path, chip)
    assert "Validation hash" in shown
    assert shown.count("(valid)") == 2
    assert "Project name: micropython" in shown
    assert "App version: v1.28.0" in shown
    assert "ESP-IDF: v5.5.1" in shown


@given(segments, st.sampled_from(CHIPS), st.booleans())
def test_an_image_survives_its_bytes(parts: list[Segment], chip: str, with_hash: bool) -> None:
    image = replace(build(CHIP_IDS[chip], 0x40080000, parts), hash_appended=with_hash)
    data = image.to_bytes()
    assert from_bytes(data) == (image, len(data))
    assert from_bytes(data + b"tail") == (image, len(data))
    assert image.chip == chip


def test_every_truncation_is_called_truncated() -> None:
    data = bootloader("esp32")
    for length in range(len(data)):
        with pytest.raises(ImageError, match=r"truncated after \d+ bytes: download it again\.$"):
            from_bytes(data[:length])


@given(st.data())
def test_a_flipped_bit_never_passes(data: st.DataObject) -> None:
    image = bytearray(application("esp32c3"))
    at = data.draw(st.integers(0, len(image) - 1))
    bit = data.draw(st.integers(0, 7))
    image[at] ^= 1 << bit
    try:
        found, length = from_bytes(bytes(image))
    except ImageError:
        return
    # Only the byte that says whether a hash follows can hide the hash.
    assert at == 23
    assert not found.hash_appended
    assert length == len(image) - 32


@given(st.binary(max_size=300))
def test_garbage_is_refused_or_read_but_never_crashes(data: bytes) -> None:
    for candidate in (data, b"\xe9\x01" + data, bootloader("esp32")[:24] + data):
        try:
            from_bytes(candidate)
        except ImageError as error:
            assert str(error).endswith(".")


def test_a_wrong_checksum_is_damage_even_without_a_hash() -> None:
    image = replace(build(0, 0x40080000, [Segment(0x40080000, b"code")]), hash_appended=False)
    data = bytearray(image.to_bytes())
    data[-1] ^= 1
    with pytest.raises(ImageError, match="its checksum is wrong"):
        from_bytes(bytes(data))


def test_what_is_no_image_is_called_so() -> None:
    with pytest.raises(ImageError, match=r"firmware\.bin is no ESP32 image \(it begins with ff"):
        from_bytes(b"\xff" * 100, "firmware.bin")


def test_an_image_for_another_chip_names_both() -> None:
    image, _ = from_bytes(application("esp32s3"))
    check_chip(image, "esp32s3")
    with pytest.raises(ImageError, match="made for esp32s3, the board has esp32c6"):
        check_chip(image, "esp32c6")


def test_a_bootloader_says_nothing_of_itself() -> None:
    loader, _ = from_bytes(bootloader("esp32"))
    app, _ = from_bytes(application("esp32", "1.29.0"))
    assert loader.description is None
    assert app.description is not None
    assert (app.description.project, app.description.version) == ("micropython", "v1.29.0")
    assert app.description.date == "Apr  6 2026"


def test_the_flash_size_changes_with_the_hash(tmp_path: Path) -> None:
    data = bootloader("esp32s3")
    grown = with_flash_size(data + b"\xff" * 7, 8 << 20)
    image, length = from_bytes(grown)
    assert image.flash_size_bytes == 8 << 20
    assert len(grown) == len(data) + 7 == length + 7
    assert with_flash_size(data, 4 << 20) == data
    path = tmp_path / "bootloader.bin"
    path.write_bytes(grown[:length])
    shown = image_info(path, "esp32s3")
    assert "Flash size: 8MB" in shown
    assert "Flash freq: 80m" in shown
    assert shown.count("(valid)") == 2


def test_a_flash_size_that_no_header_can_name_is_refused() -> None:
    with pytest.raises(ImageError, match="3145728 bytes: use 1 to 32 MiB"):
        with_flash_size(bootloader("esp32"), 3 << 20)


@pytest.mark.parametrize("count", [0, SEGMENTS_MAX + 1])
def test_an_image_has_at_least_one_and_at_most_sixteen_segments(count: int) -> None:
    with pytest.raises(ImageError, match="1 to 16 segments"):
        build(0, 0, [Segment(0, b"code")] * count)


def test_segments_are_padded_to_words() -> None:
    image: AppImage = build(0, 0, [Segment(0, b"12345")])
    assert image.segments[0].data == b"12345\0\0\0"
