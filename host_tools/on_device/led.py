"""The board's LED, of either kind. Included by the scripts that light it."""

BRIGHT = (48, 48, 48)
DARK = (0, 0, 0)


def make_light(pin, kind, active):
    """Return a function that switches the LED and tells whether its pin followed.

    `kind` is gpio or ws2812, `active` the level that lights a LED of the first kind.
    """
    import machine

    output = machine.Pin(pin, machine.Pin.OUT)
    if kind == "ws2812":
        import neopixel

        pixel = neopixel.NeoPixel(output, 1)

        def switch_pixel(on):
            pixel[0] = BRIGHT if on else DARK
            pixel.write()
            return True

        return switch_pixel

    def switch(on):
        level = active if on else 1 - active
        output.value(level)
        return output.value() == level

    return switch
