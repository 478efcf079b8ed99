"""What tells the four chips apart, as far as a flashing tool or a boot log shows it.

Source   esptool's chip classes (addresses, identities); the chips' technical reference manuals,
         "eFuse Controller" (where the MAC lies) and "Chip Boot Control"; boot logs of real boards
"""

from dataclasses import dataclass, field

MAC_BYTES = 6
CHIP_DETECT_REG = 0x40001000
UART_BAUD = 115_200
# Flash made by XMC, "quad" family: what many ESP32 modules carry.
JEDEC_VENDOR = 0x20
JEDEC_FAMILY = 0x40


@dataclass(frozen=True, slots=True)
class SpiRegisters:
    """Addresses of the flash controller's registers that run a user command."""

    command: int
    address: int
    user2: int
    data: int
    # esp32 keeps a 24-bit address in the upper bits of its register, the others in the lower.
    address_shift: int


@dataclass(frozen=True, slots=True)
class BootTexts:
    """What the mask ROM prints; reset reasons by MicroPython's reset cause (1 to 4)."""

    head: str
    resets: dict[int, str]
    watchdog_reset: str
    bootloader_reset: str
    flash_boot: str
    download_boot: str
    before_load: str
    length_format: str


@dataclass(frozen=True, slots=True)
class ChipModel:
    """One kind of chip."""

    name: str
    title: str
    image_chip_id: int
    magic: int
    bootloader_offset: int
    spi: SpiRegisters
    mac_registers: tuple[int, int]
    answers_security_info: bool
    ram_address: int
    iram_address: int
    drom_address: int
    texts: BootTexts
    fuses: dict[int, int] = field(default_factory=dict)

    def registers(self, mac: bytes) -> dict[int, int]:
        """Return the registers that read otherwise than zero, on a chip with this MAC."""
        if len(mac) != MAC_BYTES:
            raise ValueError(f"A MAC has {MAC_BYTES} bytes, not {len(mac)}.")
        low, high = self.mac_registers
        above = mac_crc8(mac) if self.name == "esp32" else 0xFFFE
        return {
            CHIP_DETECT_REG: self.magic,
            **self.fuses,
            low: int.from_bytes(mac[2:], "big"),
            high: int.from_bytes(mac[:2], "big") | above << 16,
        }


def mac_crc8(mac: bytes) -> int:
    """Return the CRC that an esp32 burns beside its MAC (polynomial 0x8C, bits reversed)."""
    crc = 0
    for byte in mac:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x8C if crc & 1 else 0)
    return crc


def parse_mac(text: str) -> bytes:
    """Return the six bytes of `a4:cf:12:00:00:01`.

    Raises: ValueError (whoever wrote it).
    """
    parts = text.split(":")
    if len(parts) != MAC_BYTES or any(len(part) != 2 for part in parts):
        raise ValueError(f'"{text}" is not a MAC address: write it as a4:cf:12:00:00:01.')
    return bytes(int(part, 16) for part in parts)


def jedec_id(flash_size_bytes: int) -> int:
    """Return what the flash answers to RDID: vendor, family, and the logarithm of its size."""
    return JEDEC_VENDOR | JEDEC_FAMILY << 8 | (flash_size_bytes.bit_length() - 1) << 16


def _later_spi(base: int) -> SpiRegisters:
    return SpiRegisters(base, base + 0x04, base + 0x20, base + 0x58, 0)


def _later_texts(rom: str, build: str, boot: str, download: str, c6: bool = False) -> BootTexts:
    watchdog = "rst:0x7 (TG0_WDT_HPSYS)" if c6 else "rst:0x7 (TG0WDT_SYS_RST)"
    return BootTexts(
        head=f"ESP-ROM:{rom}\r\nBuild:{build}\r\n",
        resets={
            1: "rst:0x1 (POWERON)",
            2: "rst:0xc (SW_CPU)" if c6 else "rst:0xc (RTC_SW_CPU_RST)",
            3: watchdog,
            4: "rst:0x5 (SLEEP_WAKEUP)" if c6 else "rst:0x5 (DSLEEP)",
        },
        watchdog_reset=watchdog,
        bootloader_reset="rst:0x3 (LP_SW_HPSYS)" if c6 else "rst:0x3 (RTC_SW_SYS_RST)",
        flash_boot=f"boot:{boot} (SPI_FAST_FLASH_BOOT)",
        download_boot=f"boot:{download}",
        before_load="SPIWP:0xee\r\nmode:DIO, clock div:1\r\n",
        length_format="{:#x}",
    )


ESP32 = ChipModel(
    name="esp32",
    title="ESP32",
    image_chip_id=0,
    magic=0x00F01D83,
    bootloader_offset=0x1000,
    spi=SpiRegisters(0x3FF42000, 0x3FF42004, 0x3FF42024, 0x3FF42080, 8),
    mac_registers=(0x3FF5A004, 0x3FF5A008),
    answers_security_info=False,
    ram_address=0x3FFF0030,
    iram_address=0x40080400,
    drom_address=0x3F400020,
    texts=BootTexts(
        head="ets Jul 29 2019 12:21:46\r\n\r\n",
        resets={
            1: "rst:0x1 (POWERON_RESET)",
            2: "rst:0xc (SW_CPU_RESET)",
            3: "rst:0x8 (TG1WDT_SYS_RESET)",
            4: "rst:0x5 (DEEPSLEEP_RESET)",
        },
        watchdog_reset="rst:0x10 (RTCWDT_RTC_RESET)",
        bootloader_reset="rst:0x3 (SW_RESET)",
        flash_boot="boot:0x13 (SPI_FAST_FLASH_BOOT)",
        download_boot="boot:0x3 (DOWNLOAD_BOOT(UART0/UART1/SDIO_REI_REO_V2))",
        before_load=(
            "configsip: 0, SPIWP:0xee\r\n"
            "clk_drv:0x00,q_drv:0x00,d_drv:0x00,cs0_drv:0x00,hd_drv:0x00,wp_drv:0x00\r\n"
            "mode:DIO, clock div:2\r\n"
        ),
        length_format="{}",
    ),
    fuses={
        # Package D0WD, revision 3.1 (three bits in three places), rated for 240 MHz.
        0x3FF5A00C: 1 << 15 | 1 << 13 | 1 << 9,
        0x3FF5A010: 200,
        0x3FF5A014: 1 << 24 | 1 << 20,
        0x3FF6607C: 1 << 31,
        # A 40 MHz crystal, seen from the UART's divider and from the ROM's calibration.
        0x3FF40014: round(40_000_000 / UART_BAUD),
        0x3FF5F06C: 512 << 7,
    },
)

ESP32S3 = ChipModel(
    name="esp32s3",
    title="ESP32-S3",
    image_chip_id=9,
    magic=0x00000009,
    bootloader_offset=0,
    spi=_later_spi(0x60002000),
    mac_registers=(0x60007044, 0x60007048),
    answers_security_info=True,
    ram_address=0x3FCE2820,
    iram_address=0x40374000,
    drom_address=0x3C000020,
    texts=_later_texts("esp32s3-20210327", "Mar 27 2021", "0x8", "0x0 (DOWNLOAD(USB/UART0))"),
    fuses={0x60007050: 2 << 18},
)

ESP32C3 = ChipModel(
    name="esp32c3",
    title="ESP32-C3",
    image_chip_id=5,
    magic=0x1B31506F,
    bootloader_offset=0,
    spi=_later_spi(0x60002000),
    mac_registers=(0x60008844, 0x60008848),
    answers_security_info=True,
    ram_address=0x3FCD5820,
    iram_address=0x40380000,
    drom_address=0x3C000020,
    texts=_later_texts(
        "esp32c3-api1-20210207", "Feb  7 2021", "0xc", "0x4 (DOWNLOAD(USB/UART0/1))"
    ),
    # Revision 0.4, with 4 MB of XMC flash in the package.
    fuses={0x60008850: 4 << 18 | 1 << 27, 0x60008854: 1},
)

ESP32C6 = ChipModel(
    name="esp32c6",
    title="ESP32-C6",
    image_chip_id=13,
    magic=0x2CE0806F,
    bootloader_offset=0,
    spi=_later_spi(0x60003000),
    mac_registers=(0x600B0844, 0x600B0848),
    answers_security_info=True,
    ram_address=0x40875720,
    iram_address=0x40800000,
    drom_address=0x42000020,
    texts=_later_texts(
        "esp32c6-20220919", "Sep 19 2022", "0xc", "0x4 (DOWNLOAD(USB/UART0/SDIO_FEI_FEO))", c6=True
    ),
    fuses={0x600B0850: 1 << 18},
)

CHIPS = {chip.name: chip for chip in (ESP32, ESP32S3, ESP32C3, ESP32C6)}


def find_chip(name: str) -> ChipModel:
    """Return the model of a board file's `chip`.

    Raises: ValueError for any other word.
    """
    if name not in CHIPS:
        raise ValueError(f'There is no virtual "{name}": use one of {", ".join(CHIPS)}.')
    return CHIPS[name]
