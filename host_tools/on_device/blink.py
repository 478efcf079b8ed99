"""Blink the board's LED so that a person finds it among fifty."""

import time

HALF_PERIOD_MS = 125
BRIGHT = (48, 48, 48)


def run(arguments):
    """Blink `pin` for `ms`; `kind` is gpio or ws2812, `active` the level that lights it."""
    light = make_light(arguments)
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


def make_light(arguments):
    """Return a function that switches the LED."""
    import machine

    pin = machine.Pin(arguments["pin"], machine.Pin.OUT)
    if arguments["kind"] == "ws2812":
        import neopixel

        pixel = neopixel.NeoPixel(pin, 1)

        def switch_pixel(on):
            pixel[0] = BRIGHT if on else (0, 0, 0)
            pixel.write()

        return switch_pixel
    active = arguments["active"]
    return lambda on: pin.value(active if on else 1 - active)
