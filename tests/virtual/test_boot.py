"""A reset does what silicon does with the flash it finds, and says what silicon says."""

import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cma_toolkit.boards.flash_map import Partition
from cma_toolkit.host_tools.image import partition_table
from cma_toolkit.sim.virtual_board.boot import firmware_image
from cma_toolkit.sim.virtual_board.boot import sequence as boot
from cma_toolkit.sim.virtual_board.boot import slots as boot_slots
from cma_toolkit.sim.virtual_board.boot.image import BadImageError, read_image
from cma_toolkit.sim.virtual_board.boot.slots import ABORTED, INVALID, NEW, PENDING, VALID, Entry
from cma_toolkit.sim.virtual_board.rom.chips import CHIPS, ESP32, ESP32C3, ChipModel
from cma_toolkit.sim.virtual_board.rom.nor_flash import SECTOR_BYTES, NorFlash, PowerCut
from cma_toolkit.sim.virtual_board.shims.vb import app_image, otadata
from support.cut_at import CutAt

FLASH_BYTES = 4 << 20
OTADATA = 0xE000
OTA_TABLE = (
    Partition("nvs", 1, 2, 0x9000, 0x5000),
    Partition("otadata", 1, 0, OTADATA, 0x2000),
    Partition("factory", 0, 0, 0x10000, 0x20000),
    Partition("ota_0", 0, 0x10, 0x30000, 0x20000),
    Partition("ota_1", 0, 0x11, 0x50000, 0x20000),
)
Maker = Callable[..., NorFlash]


class OtadataRegion:
    """A stretch of a flash, as what runs on a virtual board is given it."""

    def __init__(self, flash: NorFlash, offset: int = OTADATA, size_bytes: int = 0x2000) -> None:
        self.size_bytes = size_bytes
        self._flash, self._offset = flash, offset

    def read(self, at: int, buffer: bytearray) -> None:
        """Fill a buffer."""
        buffer[:] = self._flash.read(self._offset + at, len(buffer))

    def program(self, at: int, data: bytes) -> None:
        """Clear bits."""
        self._flash.program(self._offset + at, data)

    def erase(self, at: int, size_bytes: int) -> None:
        """Set bits."""
        self._flash.erase(self._offset + at, size_bytes)


@pytest.fixture
def make_flash(tmp_path: Path) -> Iterator[Maker]:
    made: list[NorFlash] = []

    def make(*parts: tuple[int, bytes]) -> NorFlash:
        flash = NorFlash(tmp_path / f"{len(made)}.bin", FLASH_BYTES)
        made.append(flash)
        for offset, data in parts:
            flash.program(offset, data)
        return flash

    yield make
    for flash in made:
        flash.close()


def stock(chip: ChipModel) -> tuple[int, bytes]:
    return chip.bootloader_offset, firmware_image.make_micropython(chip)


def ota(chip: ChipModel, *labels: str) -> list[tuple[int, bytes]]:
    app = firmware_image.make_app(chip, "1.29.0")
    return [
        (chip.bootloader_offset, firmware_image.make_bootloader(chip)),
        (partition_table.TABLE_OFFSET, partition_table.to_bytes(OTA_TABLE)),
        *[(part.offset, app) for part in OTA_TABLE if part.label in labels],
    ]


def entry(sector: int, sequence: int, state: int) -> tuple[int, bytes]:
    offset = OTADATA + sector * SECTOR_BYTES
    return offset, Entry(offset, sequence, b"\xff" * 20, state).to_bytes()


def app_of(flash: NorFlash, chip: ChipModel = ESP32) -> str:
    found = boot.start(flash, chip)
    assert isinstance(found, boot.Bootable), found
    return found.app.label


def said(flash: NorFlash, chip: ChipModel) -> str:
    found = boot.inspect(flash, chip)
    assert isinstance(found, boot.Unbootable), found
    return found.text.decode()


@pytest.mark.parametrize("chip", CHIPS.values(), ids=CHIPS)
def test_micropython_boots_with_its_implicit_vfs(make_flash: Maker, chip: ChipModel) -> None:
    found = boot.inspect(make_flash(stock(chip)), chip)
    assert isinstance(found, boot.Bootable)
    assert found.app.label == "factory"
    vfs = found.partitions[-1]
    assert (vfs.label, vfs.offset, vfs.end) == ("vfs", 0x200000, FLASH_BYTES)
    assert b"rst:0x1 (POWERON" in found.log
    assert b"entry 0x" in found.log


@pytest.mark.parametrize(
    ("name", "first", "again"),
    [
        ("esp32", "ets Jul 29 2019 12:21:46\r\n\r\nrst:0x1 (POWERON_RESET),boot:0x13", "rst:0x10"),
        ("esp32s3", "ESP-ROM:esp32s3-20210327\r\nBuild:Mar 27 2021\r\nrst:0x1", "rst:0x7"),
        ("esp32c3", "ESP-ROM:esp32c3-api1-20210207\r\nBuild:Feb  7 2021\r\nrst:0x1", "rst:0x7"),
        ("esp32c6", "ESP-ROM:esp32c6-20220919\r\nBuild:Sep 19 2022\r\nrst:0x1", "rst:0x7"),
    ],
)
def test_blank_flash_loops_over_its_header(
    make_flash: Maker, name: str, first: str, again: str
) -> None:
    found = boot.inspect(make_flash(), CHIPS[name])
    assert isinstance(found, boot.Unbootable)
    assert found.text.decode().startswith(first)
    assert found.text.endswith(b"\r\ninvalid header: 0xffffffff\r\n")
    assert again.encode() in found.text_again


def test_a_word_that_is_no_header_is_shown(make_flash: Maker) -> None:
    assert "invalid header: 0x64636261" in said(make_flash((0x1000, b"abcd")), ESP32)


def test_an_image_at_the_offset_of_another_chip_does_not_boot(make_flash: Maker) -> None:
    image = firmware_image.make_micropython(ESP32)
    assert "invalid header: 0xffffffff" in said(make_flash((0, image)), ESP32)


def test_a_bootloader_of_another_chip_does_not_boot(make_flash: Maker) -> None:
    image = firmware_image.make_bootloader(ESP32C3)
    assert "Invalid image block" in said(make_flash((0x1000, image)), ESP32)


def test_a_torn_bootloader_does_not_boot(make_flash: Maker) -> None:
    image = firmware_image.make_bootloader(ESP32)
    assert "Checksum failed" in said(make_flash((0x1000, image[:1000])), ESP32)


@pytest.mark.parametrize("count", [0, 17])
def test_an_image_has_one_to_sixteen_segments(make_flash: Maker, count: int) -> None:
    flash = make_flash(*ota(ESP32))
    flash.program(0x10000, firmware_image.make_image(ESP32, [(0x3FFF0000, b"data")] * count))
    assert f"segment count {count}" in said(flash, ESP32)


def test_a_missing_table_is_named(make_flash: Maker) -> None:
    flash = make_flash((0x1000, firmware_image.make_bootloader(ESP32)))
    text = said(flash, ESP32)
    assert "flash_parts: partition 0 invalid magic number 0xffff" in text
    assert "load partition table error" in text


def test_a_table_for_a_larger_flash_is_refused(make_flash: Maker) -> None:
    table = partition_table.to_bytes([Partition("factory", 0, 0, 0x10000, FLASH_BYTES)])
    flash = make_flash(
        (0x1000, firmware_image.make_bootloader(ESP32)), (partition_table.TABLE_OFFSET, table)
    )
    assert "exceeds flash chip size 0x400000" in said(flash, ESP32)


def test_a_damaged_table_is_refused(make_flash: Maker) -> None:
    flash = make_flash(stock(ESP32))
    flash.program(partition_table.TABLE_OFFSET + 44, b"\0")
    assert "Failed to verify partition table" in said(flash, ESP32)


def test_an_app_that_is_not_there_is_named(make_flash: Maker) -> None:
    text = said(make_flash(*ota(ESP32)), ESP32)
    assert "image at 0x10000 has invalid magic byte (nothing flashed here?)" in text
    assert text.endswith("No bootable app partitions in the partition table\r\n")


def test_an_app_cut_off_in_mid_write_does_not_boot(make_flash: Maker) -> None:
    image = firmware_image.make_micropython(ESP32)
    app_at = firmware_image.APP_OFFSET - ESP32.bootloader_offset
    for kept in (app_at + 20, app_at + 600, len(image) - 1):
        assert "esp_image: " in said(make_flash((0x1000, image[:kept])), ESP32)


def test_one_wrong_bit_in_the_app_is_noticed(make_flash: Maker) -> None:
    flash = make_flash(stock(ESP32))
    at = firmware_image.APP_OFFSET + 0x400
    (byte,) = flash.read(at, 1)
    flash.program(at, bytes([byte & (byte - 1)]))
    assert "Checksum failed" in said(flash, ESP32)


def test_two_wrong_bits_that_the_checksum_misses_are_noticed(make_flash: Maker) -> None:
    flash = make_flash(stock(ESP32))
    for at in range(firmware_image.APP_OFFSET + 0x400, firmware_image.APP_OFFSET + 0x1000):
        first, second = flash.read(at, 2)
        if first & second & 1:
            flash.program(at, bytes([first & 0xFE, second & 0xFE]))
            break
    assert "Image hash failed" in said(flash, ESP32)


def test_an_app_for_another_chip_does_not_boot(make_flash: Maker) -> None:
    flash = make_flash(*ota(ESP32))
    flash.program(0x10000, firmware_image.make_app(ESP32C3, "1.29.0"))
    assert "mismatch chip ID, expected 0, found 5" in said(flash, ESP32)


def test_blank_otadata_starts_the_factory_app(make_flash: Maker) -> None:
    assert app_of(make_flash(*ota(ESP32, "factory", "ota_0", "ota_1"))) == "factory"


def test_without_a_factory_app_the_first_slot_starts(make_flash: Maker) -> None:
    assert app_of(make_flash(*ota(ESP32, "ota_0", "ota_1"))) == "ota_0"


@pytest.mark.parametrize(("sequence", "label"), [(1, "ota_0"), (2, "ota_1"), (3, "ota_0")])
def test_the_newest_entry_chooses_the_slot(make_flash: Maker, sequence: int, label: str) -> None:
    parts = ota(ESP32, "factory", "ota_0", "ota_1")
    flash = make_flash(*parts, entry(0, sequence, VALID), entry(1, sequence - 1, VALID))
    assert app_of(flash) == label


def test_an_entry_with_a_wrong_crc_does_not_count(make_flash: Maker) -> None:
    offset, data = entry(0, 2, VALID)
    flash = make_flash(*ota(ESP32, "factory", "ota_0", "ota_1"), (offset, data[:-1] + b"\0"))
    assert app_of(flash) == "factory"


@pytest.mark.parametrize("state", [INVALID, ABORTED])
def test_a_slot_that_was_given_up_is_not_started(make_flash: Maker, state: int) -> None:
    parts = ota(ESP32, "factory", "ota_0", "ota_1")
    flash = make_flash(*parts, entry(0, 1, VALID), entry(1, 2, state))
    assert app_of(flash) == "ota_0"


def test_a_slot_without_an_image_falls_back(make_flash: Maker) -> None:
    flash = make_flash(*ota(ESP32, "factory"), entry(0, 2, VALID))
    assert app_of(flash) == "factory"


def test_a_new_slot_has_one_boot_to_be_confirmed(make_flash: Maker) -> None:
    parts = ota(ESP32, "factory", "ota_0", "ota_1")
    flash = make_flash(*parts, entry(0, 1, VALID), entry(1, 2, NEW))
    states: list[int] = []
    for label in ("ota_1", "ota_0", "ota_0"):
        assert app_of(flash) == label
        states.append(struct.unpack("<I", flash.read(OTADATA + SECTOR_BYTES + 24, 4))[0])
    assert states == [PENDING, ABORTED, ABORTED]


def test_a_wake_from_deep_sleep_starts_what_slept_and_ends_no_trial(make_flash: Maker) -> None:
    parts = ota(ESP32, "factory", "ota_0", "ota_1")
    flash = make_flash(*parts, entry(0, 1, VALID), entry(1, 2, NEW))
    first = boot.start(flash, ESP32)
    assert isinstance(first, boot.Bootable) and first.app.label == "ota_1"
    for _ in range(3):
        woken = boot.start(flash, ESP32, boot.DEEP_SLEEP, first.app)
        assert isinstance(woken, boot.Bootable) and woken.app.label == "ota_1"
    assert app_of(flash) == "ota_0"  # a reset ends it


def test_what_a_board_is_told_of_otadata_is_what_the_bootloader_does(make_flash: Maker) -> None:
    flash = make_flash(*ota(ESP32, "factory", "ota_0", "ota_1"))
    cells = OtadataRegion(flash)
    assert (otadata.chosen(cells, 2), otadata.mark_valid(cells)) == (-1, False)
    for place, label in ((0, "ota_0"), (1, "ota_1"), (1, "ota_1"), (0, "ota_0")):
        otadata.choose(cells, place, 2)
        assert otadata.chosen(cells, 2) == place
        assert app_of(flash) == label
        assert otadata.mark_valid(cells)
        assert app_of(flash) == app_of(flash) == label
    otadata.choose(cells, 1, 2)
    assert [app_of(flash) for _ in range(2)] == ["ota_1", "ota_0"]  # nobody confirmed it
    assert otadata.chosen(cells, 2) == 0
    otadata.choose_factory(cells)
    assert app_of(flash) == "factory"


@pytest.mark.parametrize("at", [0, 1, 23, 30, -40, -33, -1])
def test_an_app_is_whole_for_a_board_if_it_is_for_the_bootloader(
    make_flash: Maker, at: int
) -> None:
    app = firmware_image.make_app(ESP32, "1.29.0")
    for data in (app, app[:at] + bytes([app[at] ^ 1]) + app[at % len(app) + 1 :]):
        flash = make_flash((0x30000, data))
        try:
            read_image(flash, 0x30000, 0x50000)
            is_whole = True
        except BadImageError:
            is_whole = False
        assert app_image.is_whole(OtadataRegion(flash, 0x30000, 0x20000)) == is_whole
        assert is_whole == (data == app or at == 23)  # 23 says whether there is a digest


def test_a_board_is_told_the_version_of_its_app(make_flash: Maker) -> None:
    found = boot.inspect(make_flash(*ota(ESP32, "factory")), ESP32)
    assert isinstance(found, boot.Bootable) and found.version == "1.29.0"


def test_a_confirmed_slot_stays(make_flash: Maker) -> None:
    parts = ota(ESP32, "factory", "ota_0", "ota_1")
    flash = make_flash(*parts, entry(0, 1, VALID), entry(1, 2, NEW))
    assert app_of(flash) == "ota_1"
    flash.erase(OTADATA + SECTOR_BYTES, SECTOR_BYTES)
    flash.program(*entry(1, 2, VALID))
    assert app_of(flash) == app_of(flash) == "ota_1"


def test_inspecting_writes_nothing(make_flash: Maker) -> None:
    flash = make_flash(*ota(ESP32, "ota_0"), entry(0, 1, NEW))
    before = flash.operation_count
    boot.inspect(flash, ESP32)
    assert flash.operation_count == before


@pytest.mark.parametrize("operation", [1, 2])
def test_power_lost_while_a_trial_is_noted_leaves_something_to_boot(
    make_flash: Maker, operation: int
) -> None:
    parts = ota(ESP32, "factory", "ota_0", "ota_1")
    flash = make_flash(*parts, entry(0, 1, VALID), entry(1, 2, NEW))
    flash.fault = CutAt(operation, torn_bytes=5)
    with pytest.raises(PowerCut):
        boot.start(flash, ESP32)
    flash.fault = None
    assert app_of(flash) == "ota_0"


def test_the_otadata_crc_is_that_of_esp_idf() -> None:
    # What ESP-IDF's documentation shows for a first update: ota_seq 1.
    assert boot_slots.sequence_crc(1) == 0x4743989A


@pytest.mark.parametrize("chip", CHIPS.values(), ids=CHIPS)
def test_the_loader_says_that_it_waits(chip: ChipModel) -> None:
    text = boot.download_text(chip)
    assert b"DOWNLOAD" in text
    assert text.endswith(b"\r\nwaiting for download\r\n")
