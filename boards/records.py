"""What a board file may say, as types; `board.schema.json` is made from them."""

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

Chip = Literal["esp32", "esp32s3", "esp32c3", "esp32c6"]
UsbKind = Literal["uart-bridge", "usb-serial-jtag"]
LedKind = Literal["gpio", "ws2812"]
Level = Literal["high", "low"]
PowerState = Literal["active", "wifi_rx", "wifi_tx", "modem_sleep", "light_sleep", "deep_sleep"]

Gpio: TypeAlias = Annotated[int, Meta(ge=0, le=63)]
Offset: TypeAlias = Annotated[int, Meta(ge=0, lt=1 << 32)]
FlashSize: TypeAlias = Annotated[int, Meta(ge=1 << 20, le=1 << 28)]
Sha256: TypeAlias = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
UsbId: TypeAlias = Annotated[str, Meta(pattern="^[0-9a-f]{4}:[0-9a-f]{4}$")]
Version: TypeAlias = Annotated[str, Meta(pattern=r"^[0-9]+\.[0-9]+(\.[0-9]+)?(-[0-9A-Za-z.-]+)?$")]
FileName: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*\.bin$")]


class Release(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One official MicroPython image: its file on micropython.org and the SHA-256 of its bytes.

    Without a known hash the first download is trusted, recorded, and held against ever after.
    """

    file: FileName
    sha256: Sha256 | None = None


class MicroPython(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which official build runs on the board, and where in flash its image begins."""

    board_id: Annotated[str, Meta(pattern="^[A-Z0-9_]+$")]
    image_offset: Offset
    variant: str = ""
    releases: dict[Version, Release] = {}

    def image_name(self) -> str:
        """Return the stem that its releases' file names begin with."""
        return f"{self.board_id}-{self.variant}" if self.variant else self.board_id


class Usb(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the board appears on USB; `ids` are `vid:pid` in lower-case hexadecimal."""

    kind: UsbKind
    ids: Annotated[tuple[UsbId, ...], Meta(min_length=1)]


class Pins(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """GPIO numbers of what is on the board; what is absent stays absent.

    Units    battery_divider_permille: battery over pin voltage, 2000 for two equal resistors
    """

    led: Gpio | None = None
    led_kind: LedKind = "gpio"
    led_active: Level = "high"
    battery_adc: Gpio | None = None
    battery_divider_permille: Annotated[int, Meta(ge=1000, le=100_000)] = 1000
    note: str = ""


class Current(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the board draws in one power state, and who says so."""

    current_ua: Annotated[int, Meta(ge=0, le=5_000_000)]
    source: Annotated[str, Meta(min_length=1)]


class PartitionRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row of the flash map, in ESP-IDF's words: `type = "data"`, `subtype = "nvs"`."""

    label: Annotated[str, Meta(min_length=1, max_length=16)]
    type: str
    subtype: str
    offset: Offset
    size_bytes: Offset


class BoardFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of `boards/`; its name is the board's id."""

    title: Annotated[str, Meta(min_length=1)]
    chip: Chip
    flash_size_bytes: FlashSize
    micropython: MicroPython
    usb: Usb
    partitions: Annotated[tuple[PartitionRow, ...], Meta(min_length=1)]
    psram_size_bytes: Annotated[int, Meta(ge=0, le=1 << 28)] = 0
    pins: Pins = Pins()
    currents: dict[PowerState, Current] = {}
