"""Pins as parts: what a setting makes of a pin without a driver."""

from machine import ADC, Pin


class AnalogSensor:
    """A pin's voltage in millivolts."""

    def __init__(self, pin):
        self._adc = ADC(Pin(pin), atten=ADC.ATTN_11DB)

    def read(self):
        """Return the voltage in millivolts."""
        return self._adc.read_uv() // 1000


class DigitalSensor:
    """A pin's level."""

    def __init__(self, pin):
        self._pin = Pin(pin, Pin.IN, Pin.PULL_UP)

    def read(self):
        """Return 0 or 1."""
        return self._pin.value()


class PinActuator:
    """An output pin."""

    def __init__(self, pin, active):
        self._pin = Pin(pin, Pin.OUT, value=1 - active)
        self._active = active

    def write(self, value):
        """Switch on for anything true, else off."""
        self._pin.value(self._active if value else 1 - self._active)
