"""What a chip model claims is what esptool expects of that chip."""

import pytest
from esptool.cmds import DETECTED_FLASH_SIZES
from esptool.loader import ESPLoader
from esptool.targets import CHIP_DEFS

from cma_toolkit.sim.virtual_board.rom.chips import (
    CHIP_DETECT_REG,
    CHIPS,
    ChipModel,
    find_chip,
    jedec_id,
    mac_crc8,
    parse_mac,
)

MAC = bytes.fromhex("a4cf12345678")
each_chip = pytest.mark.parametrize("chip", CHIPS.values(), ids=CHIPS)


@each_chip
def test_identity_and_addresses_are_those_of_esptool(chip: ChipModel) -> None:
    esptool = CHIP_DEFS[chip.name]
    assert chip.title == esptool.CHIP_NAME
    assert chip.image_chip_id == esptool.IMAGE_CHIP_ID
    assert chip.bootloader_offset == esptool.BOOTLOADER_FLASH_OFFSET
    assert chip.answers_security_info == esptool.SECURITY_INFO_SUPPORTED
    assert chip.spi.command == esptool.SPI_REG_BASE
    assert chip.spi.address == esptool.SPI_REG_BASE + 4
    assert chip.spi.user2 == esptool.SPI_REG_BASE + esptool.SPI_USR2_OFFS
    assert chip.spi.data == esptool.SPI_REG_BASE + esptool.SPI_W0_OFFS
    assert chip.spi.address_shift == (8 if esptool.SPI_ADDR_REG_MSB else 0)
    assert CHIP_DETECT_REG == ESPLoader.CHIP_DETECT_MAGIC_REG_ADDR
    if esptool.USES_MAGIC_VALUE:
        assert chip.registers(MAC)[CHIP_DETECT_REG] == esptool.MAGIC_VALUE


@each_chip
def test_the_mac_lies_where_esptool_reads_it(chip: ChipModel) -> None:
    esptool = CHIP_DEFS[chip.name]
    first = esptool.EFUSE_RD_REG_BASE + 4 if chip.name == "esp32" else esptool.MAC_EFUSE_REG
    registers = chip.registers(MAC)
    assert registers[first] == 0x12345678
    assert registers[first + 4] & 0xFFFF == 0xA4CF


@each_chip
def test_image_segments_go_where_the_chip_has_memory(chip: ChipModel) -> None:
    regions = CHIP_DEFS[chip.name].MEMORY_MAP
    for address, kind in [
        (chip.ram_address, "DRAM"),
        (chip.iram_address, "IRAM"),
        (chip.drom_address, "DROM"),
    ]:
        assert any(start <= address < end and name == kind for start, end, name in regions)


@pytest.mark.parametrize(
    ("mac", "crc"), [("000000000000", 0), ("000000000001", 0x5E), ("010000000000", 0x37)]
)
def test_an_esp32_has_the_crc_of_its_mac_beside_it(mac: str, crc: int) -> None:
    # The remainders of one bit, first and last on the wire: espefuse computes the same.
    assert mac_crc8(bytes.fromhex(mac)) == crc
    assert CHIPS["esp32"].registers(bytes.fromhex(mac))[0x3FF5A008] >> 16 == crc


@pytest.mark.parametrize("megabytes", [1, 2, 4, 8, 16, 32])
def test_the_flash_names_its_size(megabytes: int) -> None:
    assert DETECTED_FLASH_SIZES[jedec_id(megabytes << 20) >> 16] == f"{megabytes}MB"


def test_macs_are_read_as_people_write_them() -> None:
    assert parse_mac("a4:cf:12:34:56:78") == MAC
    for wrong in ("", "a4cf12345678", "a4:cf:12:34:56", "a4:cf:12:34:56:7", "a4:cf:12:34:56:zz"):
        with pytest.raises(ValueError, match=r"MAC|base 16"):
            parse_mac(wrong)


def test_other_chips_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="esp32c3"):
        find_chip("esp8266")
