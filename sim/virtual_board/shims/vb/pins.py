"""Pins: their levels, their interrupts, what hangs on them (LED, battery divider)."""

from umachine import PinBase
from vb import config, control, idle

_GPIOS = {"esp32": 40, "esp32s3": 49, "esp32c3": 22, "esp32c6": 31}
_INPUT_ONLY = (34, 35, 36, 37, 38, 39)  # of the esp32
_ADC_FULL_UV = 3_100_000  # at 11 dB, where the ESP32 saturates
_pins = {}


def _count():
    return _GPIOS[config.get("chip")]


class Pin(PinBase):
    """One GPIO. Two objects of one number are one pin, as on a board."""

    IN, OUT, OPEN_DRAIN = 1, 3, 7
    PULL_DOWN, PULL_UP = 1, 2
    IRQ_RISING, IRQ_FALLING, WAKE_LOW, WAKE_HIGH = 1, 2, 4, 5
    DRIVE_0, DRIVE_1, DRIVE_2, DRIVE_3 = 0, 1, 2, 3

    def __new__(cls, number, *arguments, **options):
        """Return the object of this GPIO."""
        if isinstance(number, Pin):
            number = number.number
        if not isinstance(number, int) or not 0 <= number < _count():
            raise ValueError("invalid pin")
        if number not in _pins:
            pin = object.__new__(cls)
            pin._begin(number)
            _pins[number] = pin
        return _pins[number]

    def __init__(self, number, *arguments, **options):
        if arguments or options:
            self.init(*arguments, **options)

    def _begin(self, number):
        self.number = number
        self._mode = None
        self._pull = None
        self._output = 0
        self._handler = None
        self._trigger = 0
        self._seen = None

    def init(self, mode=-1, pull=-1, value=None, drive=None, hold=None):
        """Set up the pin."""
        if mode == Pin.OUT and config.get("chip") == "esp32" and self.number in _INPUT_ONLY:
            raise ValueError("pin can only be input")
        if value is not None:
            self._output = 1 if value else 0
        if pull != -1:
            self._pull = pull
        if mode != -1:
            self._mode = mode
        if value is not None or mode in (Pin.OUT, Pin.OPEN_DRAIN):
            self._drive()

    def value(self, level=None):
        """Return the level, or set it."""
        if level is None:
            return self._level()
        level = 1 if level else 0
        if level != self._output or self._seen is None:
            self._output = level
            self._drive()
        return None

    def __call__(self, level=None):
        """Return the level, or set it."""
        return self.value(level)

    def on(self):
        """Set the level high."""
        self.value(1)

    def off(self):
        """Set the level low."""
        self.value(0)

    def toggle(self):
        """Change the level."""
        self.value(1 - self._output)

    def irq(self, handler=None, trigger=3, wake=None, hard=False):
        """Call `handler(pin)` when the level changes so."""
        if handler is not None and self._handler is None:
            idle.listen()
        self._handler = handler
        self._trigger = trigger
        self._level()
        return self

    def __repr__(self):
        return "Pin(%d)" % self.number

    def _level(self):
        if self._mode in (Pin.OUT, Pin.OPEN_DRAIN):
            return self._output
        control.hear()
        outside = config.get("pins").get(str(self.number))
        return (1 if self._pull == Pin.PULL_UP else 0) if outside is None else outside

    def _drive(self):
        if self._mode not in (Pin.OUT, Pin.OPEN_DRAIN) or self._seen == self._output:
            return
        self._seen = self._output
        control.say("pin", pin=self.number, level=self._output)
        led, kind, active = config.get("led")
        if kind == "gpio" and self.number == led:
            control.say("led", on=self._output == (1 if active == "high" else 0))

    def _on_outside(self, old, new):
        edge = Pin.IRQ_RISING if new > old else Pin.IRQ_FALLING
        if new != old and self._handler and self._trigger & edge:
            idle.call(self._handler, self)


def _on_pin(message):
    number = message["pin"]
    pin = _pins.get(number)
    idle_level = 1 if pin and pin._pull == Pin.PULL_UP else 0
    old = config.get("pins").get(str(number), idle_level)
    config.get("pins")[str(number)] = message["level"]
    if pin:
        pin._on_outside(old, message["level"])


control.on("pin", _on_pin)


class ADC:
    """An analogue input; the board's battery hangs on one through its divider."""

    ATTN_0DB, ATTN_2_5DB, ATTN_6DB, ATTN_11DB = 0, 1, 2, 3
    WIDTH_9BIT, WIDTH_10BIT, WIDTH_11BIT, WIDTH_12BIT = 9, 10, 11, 12

    def __init__(self, pin, *, atten=ATTN_0DB, sample_ns=0):
        self._pin = pin if isinstance(pin, Pin) else Pin(pin)

    def init(self, *, atten=ATTN_0DB, sample_ns=0):
        """Set up the input."""

    def atten(self, attenuation):
        """Set the attenuation: without effect here."""

    def width(self, bits):
        """Set the width: without effect here."""

    def read_uv(self):
        """Return the voltage at the pin in microvolts."""
        control.hear()
        if self._pin.number == config.get("battery_adc"):
            at_pin_uv = config.get("battery_mv") * 1_000_000 // config.get("divider_permille")
            return min(at_pin_uv, _ADC_FULL_UV)
        return 0

    def read_u16(self):
        """Return the reading scaled to 16 bits."""
        return self.read_uv() * 65_535 // _ADC_FULL_UV

    def read(self):
        """Return the reading in 12 bits."""
        return self.read_u16() >> 4


class PWM:
    """A duty cycle on a pin; an LED counts as lit when it is not zero."""

    def __init__(self, dest, *, freq=5_000, duty=None, duty_u16=None, duty_ns=None, invert=False):
        self._pin = dest if isinstance(dest, Pin) else Pin(dest, Pin.OUT)
        self._pin.init(Pin.OUT)
        self._freq = freq
        self._duty = 32_768
        self.init(duty=duty, duty_u16=duty_u16, duty_ns=duty_ns)

    def init(self, *, freq=None, duty=None, duty_u16=None, duty_ns=None):
        """Set up the output."""
        if freq is not None:
            self._freq = freq
        if duty is not None:
            self._duty = duty << 6
        if duty_u16 is not None:
            self._duty = duty_u16
        if duty_ns is not None:
            self._duty = duty_ns * self._freq * 65_536 // 1_000_000_000
        self._pin.value(self._duty > 0)

    def freq(self, value=None):
        """Return the frequency in hertz, or set it."""
        if value is None:
            return self._freq
        self._freq = value

    def duty(self, value=None):
        """Return the duty cycle out of 1,023, or set it."""
        if value is None:
            return self._duty >> 6
        self.init(duty=value)

    def duty_u16(self, value=None):
        """Return the duty cycle out of 65,535, or set it."""
        if value is None:
            return self._duty
        self.init(duty_u16=value)

    def duty_ns(self, value=None):
        """Return the pulse width in nanoseconds, or set it."""
        if value is None:
            return self._duty * 1_000_000_000 // 65_536 // self._freq
        self.init(duty_ns=value)

    def deinit(self):
        """Switch it off."""
        self._pin.value(0)
