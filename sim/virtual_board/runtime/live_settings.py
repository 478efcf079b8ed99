"""What a board's process is told at its start, as plain values for JSON."""

from typing import Any

from cma_toolkit.sim.virtual_board.runtime.run_config import RunConfig

_MACHINES = {
    "esp32": "Generic ESP32 module with ESP32",
    "esp32s3": "Generic ESP32S3 module with ESP32S3",
    "esp32c3": "ESP32C3 module with ESP32C3",
    "esp32c6": "ESP32C6 module with ESP32C6",
}


def machine_name(config: RunConfig) -> str:
    """Return what MicroPython on such a board calls its hardware."""
    return _MACHINES[config.chip]


def child_settings(config: RunConfig, live: dict[str, object], slot: int) -> dict[str, Any]:
    """Return the settings of one boot; `live` holds what may have changed since the start."""
    pins = config.board.pins
    return {
        "chip": config.chip,
        "machine": machine_name(config),
        "mac": config.mac.replace(":", ""),
        "image": str(config.image),
        "rtc": str(config.rtc),
        "flash_bytes": config.board.flash_size_bytes,
        "partitions": [
            [each.label, each.type, each.subtype, each.offset, each.size_bytes]
            for each in config.partitions
        ],
        "running": config.running,
        "version": config.version,
        "led": [pins.led, pins.led_kind, pins.led_active],
        "battery_adc": pins.battery_adc,
        "divider_permille": pins.battery_divider_permille,
        "wifi": dict(config.wifi),
        "wires": {
            str(number): [str(own), str(peer)] for number, (own, peer) in config.wires.items()
        },
        "air": str(config.radio.air),
        "slot": slot,
        "pins": {},
        **live,
    }
