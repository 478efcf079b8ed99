"""What an agent draws on average by the model: one report per 60 s, frozen boot.

ESP-NOW, an ESP32-S3, whose boot was measured in most parts; unmeasured on silicon as a whole.
Importing the kernel and starting the agent are not in it: `say` tells how much of that fits.
"""

from collections.abc import Callable

from support.power_figure import PowerFigure

UNIT = "mW"
AT_MOST = 0.5
POWER = PowerFigure("frozen", 60, AT_MOST)


def measure(say: Callable[[str], None]) -> float:
    """Add up the parts of a wake with the currents of the board's file."""
    return POWER.measure(say)
