"""What outlives a crash, in RTC memory: that it was one, how often, and its traceback.

MicroPython on an ESP32 tells a panic from a software reset by nothing, so an agent that runs says
so here, and one that ends in order takes it back.

    0..1    magic
    2       RUNNING or ORDERLY
    3       crashes since the last power-on or deep sleep
    4..5    length of the traceback
    6..9    CRC-32 of the bytes before and of the traceback
    1536..  the traceback's end, at most 512 bytes; see `device.rtc` for what is between
"""

import binascii

import machine

from device.rtc import MEMORY_BYTES
from kernel.errors import CAUSE_DEEP_SLEEP, CAUSE_HARD_RESET, CAUSE_PANIC, CAUSE_POWER_ON
from kernel.limits import TRACEBACK_BYTES_MAX

_MAGIC = b"\xc4\xa7"
_RUNNING, _ORDERLY = 1, 2
_CRC_AT, _CRC_END = 6, 10
_PAUSE_MS_MIN = 1_000  # after a crash, doubled with each: a person can get in, a battery lasts
_PAUSE_MS_MAX = 60_000


def cause(rtc):
    """Return why this boot began, one of `kernel.errors.CAUSE_…`, and note that an agent runs.

    `rtc.traceback` is then that of the crash which ended the last boot, b"" if none did.
    """
    memory, reset = rtc.memory, rtc.take_cause() or machine.reset_cause()
    if reset == CAUSE_POWER_ON or not _is_whole(memory, rtc.traceback):
        memory[:_CRC_AT] = _MAGIC + bytes((_ORDERLY, 0, 0, 0))
        rtc.traceback = b""
    if reset == CAUSE_HARD_RESET and memory[2] == _RUNNING:
        reset = CAUSE_PANIC
    if reset == CAUSE_DEEP_SLEEP:
        memory[3] = 0
    memory[4] = memory[5] = 0  # it is told once
    _seal(memory, _RUNNING)
    return reset


def mark_orderly(memory):
    """Note that whatever resets the hardware from now on, the agent did not crash."""
    _seal(memory, _ORDERLY)


def record(text):
    """Keep a traceback over the reset; return how long to wait before it, in milliseconds.

    The RTC's memory alone is needed for it: an agent that could not be loaded has no `Rtc`. So how
    far the clock is ahead stays as the boot wrote it, and what was heard as it was noted.
    """
    kept = machine.RTC().memory()
    memory = bytearray(MEMORY_BYTES + len(text))
    size_bytes = min(len(kept), MEMORY_BYTES)
    memory[:size_bytes] = kept[:size_bytes]
    memory[MEMORY_BYTES:] = text
    count = min(255, memory[3] + 1 if _is_whole(kept, kept[MEMORY_BYTES:]) else 1)
    memory[:_CRC_AT] = _MAGIC + bytes((_RUNNING, count, len(text) >> 8, len(text) & 0xFF))
    _seal(memory, _RUNNING, text)
    machine.RTC().memory(memory)
    return min(_PAUSE_MS_MAX, _PAUSE_MS_MIN << min(count - 1, 6))


def readable(text):
    """Return a traceback as text; its beginning is cut off, perhaps within a character."""
    shown = bytearray(text)
    for index in range(len(shown)):
        if shown[index] >= 0x80:
            shown[index] = ord("?")
    return str(shown, "utf-8")


def _checksum(memory, text):
    return binascii.crc32(text, binascii.crc32(memory[:_CRC_AT])).to_bytes(4, "big")


def _is_whole(memory, text):
    if memory[:2] != _MAGIC or memory[4] << 8 | memory[5] != len(text):
        return False
    return len(text) <= TRACEBACK_BYTES_MAX and memory[_CRC_AT:_CRC_END] == _checksum(memory, text)


def _seal(memory, mark, text=b""):
    memory[2] = mark
    memory[_CRC_AT:_CRC_END] = _checksum(memory, text)
