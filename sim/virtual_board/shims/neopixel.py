"""`neopixel` for one virtual LED: the owner of the board is told whether it shines."""

from vb import config, control


class NeoPixel:
    """A chain of WS2812 LEDs on a pin."""

    ORDER = (1, 0, 2, 3)

    def __init__(self, pin, n, bpp=3, timing=1):
        self.pin = pin
        self.n = n
        self.bpp = bpp
        self.buf = bytearray(n * bpp)

    def __len__(self):
        """Return the number of LEDs."""
        return self.n

    def __setitem__(self, index, colour):
        """Set a colour, to be shown by `write`."""
        for channel in range(self.bpp):
            self.buf[index * self.bpp + self.ORDER[channel]] = colour[channel]

    def __getitem__(self, index):
        """Return a colour."""
        return tuple([self.buf[index * self.bpp + self.ORDER[i]] for i in range(self.bpp)])

    def fill(self, colour):
        """Set all LEDs."""
        for index in range(self.n):
            self[index] = colour

    def write(self):
        """Show the colours."""
        led, kind, _ = config.get("led")
        if kind == "ws2812" and self.pin.number == led and self.n:
            control.say("led", on=any(self.buf), colour=list(self[0]))
