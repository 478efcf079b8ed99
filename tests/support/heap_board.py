"""The hardware of a board, as little as an agent needs, over memory that is mapped by the host.

Runs on MicroPython's unix port, inside the heap that is measured: what a board has in C costs
here. So this one module stands for `machine`, `esp32`, `network`, `espnow`, `os`, `time` and
`select`, for what they hand out, and for what that hands out. Time passes when somebody waits for
it. What NVS holds are files of the image. The mapped memory behind that holds, one after the
other: the partition `state`, 32 sectors of 4,096 bytes; RTC memory, 2,048 bytes; three numbers;
and the frames that the radio hears.

    numbers   milliseconds since power-on, frames heard, bytes in RTC memory
    frame     1 byte length, the frame in 250 bytes; none behind the last
"""

import struct
import sys
from os import mkdir, stat, urandom  # noqa: F401 - a board has them
from time import ticks_add, ticks_diff  # noqa: F401

import uctypes

POLLIN = TYPE_DATA = STA_IF = 0
DEEPSLEEP_RESET = 4
machine = "ESP32"  # of `os.uname()`


def begin(address, cause):
    """Take the place of all these modules."""
    global _at, _cause, _ms, _due_ms, _heard  # noqa: PLW0603 - an object for them costs heap
    _at, _cause = address, cause
    _ms, _heard = struct.unpack(">II", _bytes(0x20800, 8))
    _due_ms = _ms
    for name in ("os", "machine", "esp32", "network", "espnow", "time", "select"):
        sys.modules[name] = sys.modules[__name__]


def _bytes(offset, size):
    return uctypes.bytearray_at(_at + offset, size)


def config(*_, **_options):
    """Return what something is, makes or has: this module."""
    return sys.modules[__name__]


Timer = WDT = RTC = NVS = WLAN = ESPNow = uname = config
active = deinit = feed = add_peer = register = unregister = send = config


# time and select


def ipoll(span_ms=None):
    """Make a poller, or wait: nothing ever comes from a console or a socket."""
    global _ms  # noqa: PLW0603 - an object for them costs heap
    if span_ms is None:
        return config()
    _ms += max(1, span_ms)
    return ()


poll = sleep_ms = lightsleep = ipoll


def ticks_ms():
    return _ms


def time_ns():
    return _ms * 1_000_000


# machine


def reset_cause():
    return _cause


def unique_id():
    return b"\x02\x00\x00\x00\x00\x63"


def reset():
    """End otherwise than by going to sleep."""
    print("reset")
    sys.exit(1)


def memory(data=None):
    """Keep RTC memory, or return it."""
    kept = _bytes(0x20000, 2060)
    if data is None:
        return bytes(kept[: struct.unpack_from(">I", kept, 2056)[0]])
    kept[: len(data)] = data
    struct.pack_into(">I", kept, 2056, len(data))


def deepsleep(span_ms):
    """Leave everything but flash and RTC memory behind."""
    struct.pack_into(">II", _bytes(0x20800, 8), 0, _ms + span_ms, _heard)
    print("deep sleep")
    # As on a board, no Python runs behind it, not even what an exception would run.
    uctypes.bytearray_at(0, 1)[0] = 0


# esp32: NVS, and the partition `state`


def get_blob(key, buffer):
    with open("/rom/nvs/" + key, "rb") as file:
        return file.readinto(buffer)


def find(_kind, label):
    return [config()] if label == "state" else []


Partition = sys.modules[__name__]


def readblocks(block, buffer, offset):
    buffer[:] = _bytes(block * 4096 + offset, len(buffer))


def writeblocks(block, data, offset):
    cells = _bytes(block * 4096 + offset, len(data))
    for index in range(len(data)):
        cells[index] &= data[index]


def ioctl(request, block):
    if request != 6:
        return 32
    cells = _bytes(block * 4096, 4096)
    for index in range(4096):
        cells[index] = 0xFF


# espnow


def stats():
    return 0, 0


def recvinto(packet, _timeout_ms):
    """Hear the next frame if it is due: 250 ms from one to the next.

    What came while nobody looked is heard at once, as far as that goes back 4 s.
    """
    global _due_ms, _heard  # noqa: PLW0603 - an object for them costs heap
    frame = _bytes(0x2080C + _heard * 251, 251)
    if not frame[0] or _due_ms > _ms:
        return 0
    _due_ms = max(_due_ms, _ms - 4_000) + 250
    packet[0] = b"\x02\x00\x00\x00\x00\x01"
    packet[1][: frame[0]] = memoryview(frame)[1 : 1 + frame[0]]
    packet[2] = -50
    _heard += 1
    return frame[0]
