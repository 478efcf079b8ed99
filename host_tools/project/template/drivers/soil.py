"""A capacitive soil probe on an analog pin: 0 is bone dry, 1000 is under water.

Only a board runs this file; in emulators a test says what `soil` reads.
"""

from machine import ADC, Pin

DRY_MV = 2600  # the probe in air
WET_MV = 1100  # the probe in a glass of water
SAMPLES = 8


class Soil:
    """Read the moisture in permille."""

    def __init__(self, pin):
        self._adc = ADC(Pin(pin), atten=ADC.ATTN_11DB)

    def read(self):
        """Return the moisture, the mean of a few samples: an ADC beside a radio is noisy."""
        millivolts = sum([self._adc.read_uv() for _ in range(SAMPLES)]) // (1000 * SAMPLES)
        permille = (DRY_MV - millivolts) * 1000 // (DRY_MV - WET_MV)
        return min(1000, max(0, permille))


def make(board):
    """Make the sensor; `board.settings` holds what `cma provision` wrote."""
    return Soil(board.settings.whole("sensor.soil", 4))
