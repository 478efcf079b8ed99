"""`time` as an ESP32 has it: its epoch is 2000-01-01, its clock the RTC's."""

import time

from vb import idle, rtc
from vb.modules import Module

_gmtime = time.gmtime
_sleep_ms = time.sleep_ms
_TAKEN = ("ticks_ms", "ticks_us", "ticks_cpu", "ticks_add", "ticks_diff", "sleep_us")


def sleep_ms(duration_ms):
    """Wait so many milliseconds."""
    if idle.is_needed():
        idle.sleep_ms(duration_ms)
    else:
        _sleep_ms(duration_ms)


def sleep(duration_s):
    """Wait so many seconds."""
    sleep_ms(int(duration_s * 1000))


def now_s():
    """Return the seconds since 2000-01-01."""
    return rtc.now_ns() // 1_000_000_000


def gmtime(seconds=None):
    """Return (year, month, day, hour, minute, second, weekday, day of the year)."""
    if seconds is None:
        seconds = now_s()
    return tuple(_gmtime(int(seconds) + rtc.EPOCH_S)[:8])


def mktime(fields):
    """Return the seconds since 2000-01-01 of such a tuple; the clock has no time zone."""
    year, month, day, hour, minute, second = fields[:6]
    return days_before(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second


def days_before(year, month, day):
    """Return the days from 2000-01-01 to a date of the Gregorian calendar."""
    # March is the year's first month here, so that a leap day is its last.
    shifted = year - (month < 3)
    months = (month + 9) % 12
    days = shifted * 365 + shifted // 4 - shifted // 100 + shifted // 400
    return days + (months * 306 + 5) // 10 + day - 1 - 730_425


module = Module("time").take(time, _TAKEN)
module.sleep = sleep
module.sleep_ms = sleep_ms
module.time = now_s
module.time_ns = rtc.now_ns
module.gmtime = module.localtime = gmtime
module.mktime = mktime
