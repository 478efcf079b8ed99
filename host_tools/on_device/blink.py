"""Blink the board's LED so that a person finds it among fifty."""

import time

from on_device.led import make_light

HALF_PERIOD_MS = 125


def run(arguments):
    """Blink `pin` for `ms`; `kind` is gpio or ws2812, `active` the level that lights it."""
    light = make_light(arguments["pin"], arguments["kind"], arguments["active"])
    end_at_ms = time.ticks_add(time.ticks_ms(), arguments["ms"])
    blinks = 0
    try:
        while time.ticks_diff(end_at_ms, time.ticks_ms()) > 0:
            light(True)
            time.sleep_ms(HALF_PERIOD_MS)
            light(False)
            time.sleep_ms(HALF_PERIOD_MS)
            blinks += 1
    finally:
        light(False)
    return {"blinks": blinks}
