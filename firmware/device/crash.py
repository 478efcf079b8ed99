"""What outlives a crash, in RTC memory: that it was one, how often, and its traceback.

MicroPython on an ESP32 tells a panic from a software reset by nothing, so an agent that runs says
so here, and one that ends in order takes it back.

    0..1    magic
    2       RUNNING or ORDERLY
    3       crashes since the last power-on or deep sleep
    4..5    length of the traceback
    6..9    CRC-32 of all other bytes that count
    10..    the traceback's end, at most 512 bytes
"""

import binascii
import io
import sys

import machine

from kernel.errors import CAUSE_DEEP_SLEEP, CAUSE_HARD_RESET, CAUSE_PANIC, CAUSE_POWER_ON
from kernel.limits import TRACEBACK_BYTES_MAX

SAFE_MODE_SAYS = (
    "the application crashed too often and is left out: mend it and run: cma run,"
    " or press the reset button to try it once more"
)
_MAGIC = b"\xc4\xa6"
_RUNNING, _ORDERLY = 1, 2
_HEAD_BYTES, _TEXT_AT = 6, 10
_PAUSE_MS_MIN = 1_000  # after a crash, doubled with each: a person can get in, a battery lasts
_PAUSE_MS_MAX = 60_000


def cause(region):
    """Return why this boot began, one of `kernel.errors.CAUSE_…`, and note that an agent runs."""
    reset = machine.reset_cause()
    if reset == CAUSE_POWER_ON or not _is_whole(region):
        region[:_HEAD_BYTES] = _MAGIC + bytes((_ORDERLY, 0, 0, 0))
    if reset == CAUSE_HARD_RESET and region[2] == _RUNNING:
        reset = CAUSE_PANIC
    if reset == CAUSE_DEEP_SLEEP:
        region[3] = 0
    _seal(region, _RUNNING)
    return reset


def mark_orderly(region):
    """Note that whatever resets the hardware from now on, the agent did not crash."""
    _seal(region, _ORDERLY)


def text_of(where, error):
    """Return the end of an exception's traceback, which says most, as bytes."""
    try:
        text = io.StringIO()
        sys.print_exception(error, text)
        data = (where + ": " + text.getvalue()).encode()
    except MemoryError:
        data = where.encode() + b": MemoryError"
    return data[max(0, len(data) - TRACEBACK_BYTES_MAX) :]


def record(region, text):
    """Keep a traceback over the reset; return how long to wait before it, in milliseconds."""
    count = min(255, region[3] + 1 if _is_whole(region) else 1)
    region[:_HEAD_BYTES] = _MAGIC + bytes((_RUNNING, count, len(text) >> 8, len(text) & 0xFF))
    region[_TEXT_AT : _TEXT_AT + len(text)] = text
    _seal(region, _RUNNING)
    return min(_PAUSE_MS_MAX, _PAUSE_MS_MIN << min(count - 1, 6))


def take(region):
    """Return the traceback of the crash that ended the last boot, b"" if none did; forget it."""
    length = _length(region)
    text = bytes(region[_TEXT_AT : _TEXT_AT + length])
    region[4] = region[5] = 0
    _seal(region, region[2])
    return text


def _length(region):
    return region[4] << 8 | region[5]


def _checksum(region):
    crc = binascii.crc32(region[:_HEAD_BYTES])
    return binascii.crc32(region[_TEXT_AT : _TEXT_AT + _length(region)], crc).to_bytes(4, "big")


def _is_whole(region):
    if region[:2] != _MAGIC or _length(region) > TRACEBACK_BYTES_MAX:
        return False
    return region[_HEAD_BYTES:_TEXT_AT] == _checksum(region)


def _seal(region, mark):
    region[2] = mark
    region[_HEAD_BYTES:_TEXT_AT] = _checksum(region)
