"""What outlives a deep sleep: the RTC's memory and its clock, in a file beside the flash image.

The owner deletes the file at a power-on, so a clock starts at 2000-01-01 00:00:00 then.

Shape    "RTC1", size of the memory u16, pad u16, host time of the epoch i64 ns, memory 2,048 B
"""

import struct
import time

from vb import config

MEMORY_BYTES = 2048
EPOCH_S = 946_684_800  # 2000-01-01 in Unix time
_HEAD = "<4sHHq"
_HEAD_BYTES = 16
_MAGIC = b"RTC1"

_host_ns = time.time_ns


def _open():
    path = config.get("rtc")
    try:
        file = open(path, "r+b")  # noqa: SIM115 - open as long as the board runs
        head = file.read(_HEAD_BYTES)
        if len(head) == _HEAD_BYTES and head[:4] == _MAGIC:
            return file
        file.close()
    except OSError:
        pass
    file = open(path, "w+b")  # noqa: SIM115 - open as long as the board runs
    file.write(struct.pack(_HEAD, _MAGIC, 0, 0, _host_ns()) + bytes(MEMORY_BYTES))
    return file


_file = _open()


def _head():
    _file.seek(0)
    return struct.unpack(_HEAD, _file.read(_HEAD_BYTES))


_zero_ns = _head()[3]


def now_ns():
    """Return the nanoseconds since 2000-01-01 by this board's clock."""
    return _host_ns() - _zero_ns


def set_now_ns(value):
    """Set the clock."""
    global _zero_ns
    _zero_ns = _host_ns() - value
    size = _head()[1]
    _file.seek(0)
    _file.write(struct.pack(_HEAD, _MAGIC, size, 0, _zero_ns))


def memory():
    """Return what was stored."""
    size = _head()[1]
    return _file.read(size)


def set_memory(data):
    """Store bytes.

    Raises: ValueError (the program) above 2,048 B.
    """
    size = len(data)
    if size > MEMORY_BYTES:
        raise ValueError("buffer too long")
    _file.seek(_HEAD_BYTES)
    _file.write(data)
    _file.seek(0)
    _file.write(struct.pack(_HEAD, _MAGIC, size, 0, _zero_ns))
