"""What an image says of its chip, and where each chip looks for its bootloader.

Source: ESP-IDF, `esp_chip_id_t` in `esp_app_format.h`; bootloader offsets from its Kconfig.
"""

CHIP_NAMES = {
    0: "esp32",
    2: "esp32s2",
    5: "esp32c3",
    9: "esp32s3",
    12: "esp32c2",
    13: "esp32c6",
    16: "esp32h2",
    18: "esp32p4",
    20: "esp32c61",
    23: "esp32c5",
}
CHIP_IDS = {name: number for number, name in CHIP_NAMES.items()}
BOOTLOADER_OFFSETS = {"esp32": 0x1000, "esp32s3": 0x0, "esp32c3": 0x0, "esp32c6": 0x0}


def chip_name(chip_id: int) -> str:
    """Return the name of a chip, or its number if it is none we know."""
    return CHIP_NAMES.get(chip_id, f"chip {chip_id}")
