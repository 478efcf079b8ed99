"""A pump behind a relay or a transistor: on for anything true, off for 0.

Only a board runs this file; in emulators a test reads what was written.
"""

from machine import Pin


class Pump:
    """Switch the pump; it is off when the board starts."""

    def __init__(self, pin):
        self._pin = Pin(pin, Pin.OUT, value=0)

    def write(self, value):
        """Switch on or off."""
        self._pin.value(1 if value else 0)


def make(board):
    """Make the actuator; `board.settings` holds what `cma provision` wrote."""
    return Pump(board.settings.whole("actuator.pump", 5))
