"""The hardware of a board, as little as an agent needs, over memory that is mapped by the host.

Runs on MicroPython's unix port, inside the heap that is measured: what a board has in C costs
here. Time passes when somebody waits for it. The mapped file holds, one after the other: the
image, the partition `state`, RTC memory, three numbers, and the frames that the radio hears.

    numbers   bytes in RTC memory, milliseconds since power-on, frames heard
    frame     1 byte length, the frame in 250 bytes; none behind the last
"""

import os
import struct
import sys
import time

import uctypes

_SECTOR_BYTES = 4096
_SECTORS = 32
_RTC_BYTES = 2048
_FRAME_BYTES = 251
_FRAME_MS = 250  # from one frame to the next
_BURST_MS = 4_000  # what came while nobody looked is heard at once, as far as this goes back
_ENOENT = 2
_LENGTH, _CLOCK, _HEARD = _RTC_BYTES, _RTC_BYTES + 4, _RTC_BYTES + 8


class Board:
    """Stands for the modules machine, esp32, network, espnow and time, and what they hand out."""

    TYPE_DATA = STA_IF = SOFT_RESET = 0
    DEEPSLEEP_RESET = 4

    def __init__(self, address, cause, settings):
        self._state = uctypes.bytearray_at(address, _SECTORS * _SECTOR_BYTES)
        self._rtc = uctypes.bytearray_at(address + len(self._state), _RTC_BYTES + 12)
        self._frames_at = address + len(self._state) + len(self._rtc)
        self._cause = cause
        self._settings = settings
        self._ms = self._number(_CLOCK)
        self._due_ms = self._ms
        self.ticks_add, self.ticks_diff = time.ticks_add, time.ticks_diff
        # `from time import …` takes no methods on every MicroPython.
        self.ticks_ms, self.sleep_ms = self.now_ms, self.ipoll
        self.urandom, self.stat, self.mkdir = os.urandom, os.stat, os.mkdir
        for name in ("os", "machine", "esp32", "network", "espnow", "time", "select"):
            sys.modules[name] = self

    def _number(self, at):
        return struct.unpack_from(">I", self._rtc, at)[0]

    # time and select

    POLLIN = POLLOUT = 1

    def ipoll(self, span_ms):
        """Wait: nothing ever comes from a console or a socket."""
        self._ms += max(1, span_ms)
        return ()

    def poll(self, span_ms=-1):
        """Make a poller, or wait."""
        return self if span_ms < 0 else self.ipoll(span_ms)

    def now_ms(self):
        return self._ms

    def time_ns(self):
        return self._ms * 1_000_000

    # os and machine

    machine = "ESP32"

    def uname(self):
        """Tell which machine this is: by `machine`."""
        return self

    def reset_cause(self):
        return self._cause

    def unique_id(self):
        return b"\x02\x00\x00\x00\x00\x63"

    def Timer(self, *_, **_options):  # noqa: N802 - MicroPython's name
        return self

    WDT = RTC = NVS = WLAN = ESPNow = Timer

    def reset(self):
        """End otherwise than by going to sleep."""
        print("reset")
        sys.exit(1)

    def memory(self, data=None):
        """Keep RTC memory, or return it."""
        if data is None:
            return bytes(self._rtc[: self._number(_LENGTH)])
        self._rtc[: len(data)] = data
        struct.pack_into(">I", self._rtc, _LENGTH, len(data))

    def lightsleep(self, span_ms):
        """Let time pass."""
        self._ms += span_ms

    def deepsleep(self, span_ms):
        """Leave everything but flash and RTC memory behind."""
        struct.pack_into(">I", self._rtc, _CLOCK, self._ms + span_ms)
        print("deep sleep")
        # As on a board, no Python runs behind it, not even what an exception would run.
        uctypes.bytearray_at(0, 1)[0] = 0

    # esp32: NVS, and the partition `state`

    def get_blob(self, key, buffer):
        data = self._settings.get(key)
        if data is None:
            raise OSError(_ENOENT)
        buffer[: len(data)] = data
        return len(data)

    @property
    def Partition(self):  # noqa: N802
        return self

    def find(self, _kind, label):
        return [self] if label == "state" else []

    def readblocks(self, block, buffer, offset):
        start = block * _SECTOR_BYTES + offset
        buffer[:] = memoryview(self._state)[start : start + len(buffer)]

    def writeblocks(self, block, data, offset):
        start = block * _SECTOR_BYTES + offset
        for index in range(len(data)):
            self._state[start + index] &= data[index]

    def ioctl(self, request, block):
        if request == 6:
            for at in range(block * _SECTOR_BYTES, (block + 1) * _SECTOR_BYTES, 256):
                self._state[at : at + 256] = b"\xff" * 256
            return 0
        return _SECTORS

    # network and espnow

    def active(self, *_, **_options):
        pass

    deinit = feed = config = add_peer = register = unregister = active

    def stats(self):
        return 0, 0, 0, 0, 0

    def send(self, _mac, _data, _sync):
        return True

    def recvinto(self, packet, _timeout_ms):
        """Hear the next frame if it is due."""
        heard = self._number(_HEARD)
        frame = uctypes.bytearray_at(self._frames_at + heard * _FRAME_BYTES, _FRAME_BYTES)
        if not frame[0] or self._due_ms > self._ms:
            return 0
        self._due_ms = max(self._due_ms, self._ms - _BURST_MS) + _FRAME_MS
        packet[0] = b"\x02\x00\x00\x00\x00\x01"
        packet[1][: frame[0]] = memoryview(frame)[1 : 1 + frame[0]]
        packet[2] = -50
        struct.pack_into(">I", self._rtc, _HEARD, heard + 1)
        return frame[0]
