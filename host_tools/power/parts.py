"""Of what a wake from deep sleep is made: spans that others measured, and what draws in each.

Only spans come from measurements of MicroPython; the currents are those of a board's file. So the
model predicts the charge of the very recordings that the spans come from, and a test holds it to
them. Two things are no state of a board's file: the boot loader, whose current was measured on an
ESP32-S3 and is taken for every chip; and one busy core of two, half way between a chip that runs
on both and one that waits.

Source   glenn20/upy-esp32-experiments on GitHub, a Nordic PPK2 at a FeatherS3 (ESP32-S3) and at an
         ESP32 module: OptimisingMicropythonBootTime, ESPNowvsWifiEnergyUsage
"""

from dataclasses import dataclass
from typing import Literal

Boot = Literal["stock", "frozen"]
State = Literal[
    "loader",
    "one_core",
    "active",
    "wifi_rx",
    "wifi_tx",
    "modem_sleep",
    "light_sleep",
    "deep_sleep",
]

LOADER_UA = 1_710_000 / 47.0  # 1.71 mC in 47.0 ms
LOADER_MS = {
    "esp32s3": 47.0,  # "Boot to app_main() without validation"
    "esp32": 70.0 - 0.8 - 1.0,  # 70 ms in all for a frozen module, less what follows the loader
}
CHIPS_MEASURED = tuple(LOADER_MS)
CHIPS_OF_TWO_CORES = ("esp32", "esp32s3")

RUNTIME_MS = 0.8  # app_main() to _boot.py
FROZEN_MS = 1.0  # _boot.py to deepsleep() in a frozen module
NVS_MS = 7.8  # nvs_flash_init(), without which there is no radio
ROOT_MS = 340.0  # _boot.py to deepsleep() in main.py: 350 ms, of which it slept 10
RADIO_MS = 118.8 - 70.0 - 7.8 - 0.6  # ESP-NOW on, one frame, off: less boot, NVS and the frame
RETRIES_MS = 144.9 - 118.8  # what a frame that nobody acknowledges takes longer

# Of firmware before MicroPython 1.21, for the recordings that have it.
VALIDATION_MS = 217.0  # of the image, which is skipped after deep sleep since
PSRAM_HEAP_MS = 12.5


@dataclass(frozen=True)
class Part:
    """One span of a wake, and the state that draws in it."""

    name: str
    state: State
    span_ms: float


def boot(chip: str, kind: Boot, *, has_radio: bool = True) -> list[Part]:
    """Return the parts from the end of a deep sleep to the application."""
    loader_ms = LOADER_MS.get(chip, LOADER_MS["esp32s3"])
    parts = [Part("boot loader", "loader", loader_ms), Part("runtime", "one_core", RUNTIME_MS)]
    if kind == "stock" or has_radio:
        parts.append(Part("NVS", "one_core", NVS_MS))
    if kind == "stock":
        return [*parts, Part("root filesystem, main.py", "one_core", ROOT_MS)]
    return [*parts, Part("frozen module", "one_core", FROZEN_MS)]


def report(air_ms: float, listen_ms: float) -> list[Part]:
    """Return the parts of a window: the radio starts, one frame is sent, the others are heard."""
    return [
        Part("radio on and off", "active", RADIO_MS),
        Part("listening", "wifi_rx", listen_ms),
        Part("one report", "wifi_tx", air_ms),
    ]
