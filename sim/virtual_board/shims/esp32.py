"""`esp32`: partitions, NVS, wake sources."""

from vb.nvs import NVS
from vb.partition import Partition
from vb.power import EXT0_WAKE, EXT1_WAKE, GPIO_WAKE, wake_pins

WAKEUP_ALL_LOW, WAKEUP_ANY_HIGH = False, True
HEAP_DATA, HEAP_EXEC = 4, 1
_CHIP_FAHRENHEIT = 128
_CHIP_CELSIUS = 53


def _wake_on(source, pins, level):
    if not pins:
        wake_pins.pop(source, None)
        return
    numbers = [pin.number for pin in pins]
    wake_pins[source] = {"pins": numbers, "level": 1 if level else 0, "source": source}


def wake_on_ext0(pin=None, level=None):
    """Wake when one pin has this level."""
    _wake_on(EXT0_WAKE, (pin,) if pin else (), level)


def wake_on_ext1(pins=None, level=None):
    """Wake when the pins have this level."""
    _wake_on(EXT1_WAKE, pins, level)


def wake_on_gpio(pins=None, level=None):
    """Wake when one of the pins has this level."""
    _wake_on(GPIO_WAKE, pins, level)


def wake_on_touch(wake):
    """Do nothing: nobody touches a virtual board."""


def wake_on_ulp(wake):
    """Do nothing: there is no ULP program."""


def gpio_deep_sleep_hold(enable):
    """Do nothing: levels are not modelled in deep sleep."""


def raw_temperature():
    """Return the chip's temperature in degrees Fahrenheit (the first ESP32's unit)."""
    return _CHIP_FAHRENHEIT


def mcu_temperature():
    """Return the chip's temperature in degrees Celsius."""
    return _CHIP_CELSIUS


def idf_heap_info(capabilities):
    """Return one region, (total, free, largest free block, least free ever), in bytes."""
    return [(160_000, 120_000, 100_000, 90_000)]


__all__ = ("NVS", "Partition")
