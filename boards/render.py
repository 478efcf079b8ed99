"""What a board needs to know about itself, as maps that CBOR can carry.

They are written to the board's NVS as `pins` and `currents`; the firmware reads their keys.
"""

from .load import Board


def render_pins(board: Board) -> dict[str, int | str]:
    """Return the pins that the board has: integers and short words, nothing absent.

    Returns  `led`, `led_kind` ("gpio" or "ws2812"), `led_active` (the level, 1 or 0, that lights
             it), `battery_adc`, `battery_divider_permille`; each only if the board has it
    """
    pins = board.pins
    rendered: dict[str, int | str] = {}
    if pins.led is not None:
        rendered["led"] = pins.led
        rendered["led_kind"] = pins.led_kind
        rendered["led_active"] = 1 if pins.led_active == "high" else 0
    if pins.battery_adc is not None:
        rendered["battery_adc"] = pins.battery_adc
        rendered["battery_divider_permille"] = pins.battery_divider_permille
    return rendered


def render_currents(board: Board) -> dict[str, int]:
    """Return what the board draws in each power state that its file gives.

    Units: microamperes.
    """
    return board.current_ua
