"""Resets, sleeps, the watchdog and the RTC."""

import binascii
import time

from vb import config, control, idle, radio, rtc

PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET, SOFT_RESET = 1, 2, 3, 4, 5
PIN_WAKE = EXT0_WAKE = 2
EXT1_WAKE, TIMER_WAKE, TOUCHPAD_WAKE, ULP_WAKE, GPIO_WAKE = 3, 4, 5, 6, 7
SLEEP, DEEPSLEEP = 2, 4
_FREQUENCIES_HZ = (20_000_000, 40_000_000, 80_000_000, 160_000_000, 240_000_000)
_FEEDS_PER_PERIOD = 16

_frequency_hz = 160_000_000
_wake_reason = config.get("wake")
wake_pins = {}  # source → {"pins": [...], "level": 0 or 1, "source": ...}


def reset_cause():
    """Return why this boot began."""
    return config.get("cause")


def wake_reason():
    """Return what ended the last sleep, 0 if there was none."""
    return _wake_reason


def unique_id():
    """Return the MAC."""
    return binascii.unhexlify(config.get("mac"))


def freq(value=None):
    """Return the clock in hertz, or set it."""
    global _frequency_hz
    if value is None:
        return _frequency_hz
    if value not in _FREQUENCIES_HZ:
        raise ValueError("frequency must be 20MHz, 40MHz, 80Mhz, 160MHz or 240MHz")
    _frequency_hz = value


def reset():
    """Reset the chip."""
    control.end("reset")


def bootloader(timeout=0):
    """Enter the ROM loader."""
    control.end("bootloader")


def deepsleep(duration_ms=None):
    """Sleep with everything off but the RTC; the next thing is a boot."""
    control.end("deepsleep", ms=duration_ms, wake=list(wake_pins.values()))


def lightsleep(duration_ms=None):
    """Stand still until the time is over or a wake pin has its level.

    The radio hears nothing meanwhile, and the watchdog's clock stands still, too.
    """
    radio.set_deaf(True)
    if WDT.timeout_ms:
        control.say("feed", ms=0)
    try:
        _stand_still(duration_ms)
    finally:
        radio.set_deaf(False)
        if WDT.timeout_ms:
            control.say("feed", ms=WDT.timeout_ms)


def _stand_still(duration_ms):
    global _wake_reason
    start_ms = time.ticks_ms()
    while True:
        control.hear()
        for source, wake in wake_pins.items():
            if _is_met(wake):
                _wake_reason = source
                return
        left_ms = -1
        if duration_ms is not None:
            left_ms = duration_ms - time.ticks_diff(time.ticks_ms(), start_ms)
            if left_ms <= 0:
                _wake_reason = TIMER_WAKE
                return
        idle.turn(left_ms)


def sleep(duration_ms=None):
    """Do what `lightsleep` does: its old name."""
    lightsleep(duration_ms)


def _is_met(wake):
    levels = [config.get("pins").get(str(pin), 0) for pin in wake["pins"]]
    if wake["level"]:
        return any(levels)
    if wake["source"] == EXT1_WAKE and config.get("chip") == "esp32":
        return not any(levels)  # ALL_LOW is what the first chip can do
    return 0 in levels


class WDT:
    """The watchdog; it cannot be stopped, and is counted outside of this process."""

    timeout_ms = 0  # of the one that runs, for there is only one

    def __init__(self, id=0, timeout=5000):
        if timeout <= 0:
            raise ValueError("WDT timeout too short")
        WDT.timeout_ms = timeout
        self._fed_at_ms = time.ticks_ms()
        control.say("feed", ms=timeout)

    def feed(self):
        """Start the time anew.

        The owner hears of a sixteenth of the feeds at most: it bites up to that much early.
        """
        now_ms = time.ticks_ms()
        if time.ticks_diff(now_ms, self._fed_at_ms) * _FEEDS_PER_PERIOD >= self.timeout_ms:
            self._fed_at_ms = now_ms
            control.say("feed", ms=self.timeout_ms)


class RTC:
    """The clock and the 2,048 bytes of memory that a deep sleep leaves alone."""

    def __init__(self, id=0):
        pass

    def init(self, fields):
        """Set the clock."""
        self.datetime(fields)

    def datetime(self, fields=None):
        """Return (year, month, day, weekday, hour, minute, second, microsecond), or set it."""
        from vb import timing

        if fields is None:
            now_ns = rtc.now_ns()
            year, month, day, hour, minute, second, weekday, _ = timing.gmtime()
            microsecond = now_ns // 1000 % 1_000_000
            return (year, month, day, weekday, hour, minute, second, microsecond)
        year, month, day, _, hour, minute, second = fields[:7]
        seconds = timing.mktime((year, month, day, hour, minute, second))
        microsecond = fields[7] if len(fields) > 7 else 0
        rtc.set_now_ns(seconds * 1_000_000_000 + microsecond * 1000)

    def memory(self, data=None):
        """Return the memory, or set it."""
        if data is None:
            return rtc.memory()
        rtc.set_memory(data)
