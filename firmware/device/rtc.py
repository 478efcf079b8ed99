"""What outlives a deep sleep: a clock that goes on, and the RTC's memory.

MicroPython replaces that memory as a whole:

    0..575    recovery: crashes and the last traceback, with a checksum of its own
    576..579  how far the agent's clock is ahead of the RTC, ms
    580..583  CRC-32 of these four bytes
    584..     the kernel's snapshot, with a checksum of its own; its length is the memory's end

A power loss clears it, a watchdog's reset does not; bits may flip in it.

A board's `ticks_ms` begins anew at each boot; its RTC goes on while it sleeps, but anybody may set
it. So the RTC is read at boot, and the agent's lead over it is kept when the board goes to sleep:
- setting the RTC while an agent runs changes nothing, not even over the next deep sleep;
- after a power loss both are gone, and with them every instant that somebody could compare;
- set before a reset that is not a deep sleep, the clock may jump: a timer is then due early or up
  to one period late, once.
"""

import binascii
import time

import machine

_RECOVERY_BYTES = 576
_AHEAD_AT = 576
_CRC_AT = 580
_SNAPSHOT_AT = 584
_SNAPSHOT_BYTES_MAX = 1_024
_MASK = (1 << 29) - 1
_NS_PER_MS = 1_000_000


class Rtc:
    """The clock, and a copy of the memory with the way to write it back."""

    def __init__(self):
        self._buffer = bytearray(_SNAPSHOT_AT + _SNAPSHOT_BYTES_MAX)
        view = memoryview(self._buffer)
        self.recovery = view[:_RECOVERY_BYTES]
        self.snapshot = view[_SNAPSHOT_AT:]  # the driver lets the agent fill it
        data = machine.RTC().memory()
        length = min(len(data), len(self._buffer))
        self._buffer[:length] = memoryview(data)[:length]
        self._length = max(length, _SNAPSHOT_AT)
        self._is_kept = binascii.crc32(view[_AHEAD_AT:_CRC_AT]) == self._word(_CRC_AT)
        ahead_ms = self._word(_AHEAD_AT) if self._is_kept else 0
        self._base_ms = (_rtc_ms() + ahead_ms - (time.ticks_ms() & _MASK)) & _MASK

    def now_ms(self):
        """Return the present instant.

        Allocates: nothing: both summands are below 2**29, so their sum is a small int on boards.
        """
        return (self._base_ms + (time.ticks_ms() & _MASK)) & _MASK

    def take_snapshot(self):
        """Return what the agent left here and clear it, so that it is resumed once; else None.

        Without the clock's lead its instants would mean nothing, so it counts as lost. What is
        returned stands in the buffer until the next `keep`.
        """
        length = self._length - _SNAPSHOT_AT
        self._length = _SNAPSHOT_AT
        self.save()
        return self.snapshot[:length] if length and self._is_kept else None

    def keep(self, length):
        """Write everything back, with so many bytes of snapshot and the clock's lead."""
        lead = ((self.now_ms() - _rtc_ms()) & _MASK).to_bytes(4, "big")
        self._buffer[_AHEAD_AT:_CRC_AT] = lead
        self._buffer[_CRC_AT:_SNAPSHOT_AT] = binascii.crc32(lead).to_bytes(4, "big")
        self._length = _SNAPSHOT_AT + length
        self.save()

    def save(self):
        """Write everything back as it is."""
        machine.RTC().memory(memoryview(self._buffer)[: self._length])

    def _word(self, offset):
        return int.from_bytes(self._buffer[offset : offset + 4], "big")


def _rtc_ms():
    return time.time_ns() // _NS_PER_MS & _MASK
