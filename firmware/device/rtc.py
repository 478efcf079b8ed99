"""What outlives a deep sleep: a clock that goes on, and the RTC's memory.

MicroPython replaces that memory as a whole:

    0..575    recovery: crashes and the last traceback, with a checksum of its own
    576..579  how far the agent's clock is ahead of the RTC, ms
    580..583  CRC-32 of these four bytes
    584..     the kernel's snapshot, with a checksum of its own; its length is the memory's end

A power loss clears it, a watchdog's reset does not; bits may flip in it.

A board's `ticks_ms` begins anew at each boot; its RTC goes on while it sleeps, but anybody may set
it. So the RTC is read at boot, and the agent's lead over it is kept with each write:
- setting the RTC while an agent runs changes nothing, not even over the next deep sleep;
- after a power loss both are gone, and with them every instant that somebody could compare;
- set and then reset without a deep sleep, the clock jumps: nothing that is kept over such a reset
  has an instant in it.
"""

import binascii
import time

import machine

_RECOVERY_BYTES = 576
_AHEAD_AT = 576
_CRC_AT = 580
_SNAPSHOT_AT = 584
_MASK = (1 << 29) - 1
_NS_PER_MS = 1_000_000


class Rtc:
    """The clock, what recovery keeps, and the way to write the memory back.

    Of the snapshot nothing stays in the heap: it is read once, and written when all else ends.
    """

    def __init__(self):
        data = machine.RTC().memory()
        lead = data[_AHEAD_AT:_CRC_AT]
        is_kept = binascii.crc32(lead).to_bytes(4, "big") == data[_CRC_AT:_SNAPSHOT_AT]
        ahead_ms = int.from_bytes(lead, "big") if is_kept else 0
        self._base_ms = (_rtc_ms() + ahead_ms - (time.ticks_ms() & _MASK)) & _MASK
        self._snapshot = data[_SNAPSHOT_AT:] if is_kept else b""
        self.recovery = bytearray(_RECOVERY_BYTES)
        self.recovery[: len(data[:_RECOVERY_BYTES])] = data[:_RECOVERY_BYTES]

    def now_ms(self):
        """Return the present instant.

        Allocates: nothing: both summands are below 2**29, so their sum is a small int on boards.
        """
        return (self._base_ms + (time.ticks_ms() & _MASK)) & _MASK

    def take_snapshot(self):
        """Return what the agent left here and clear it, so that it is resumed once; else None.

        Without the clock's lead its instants would mean nothing, so it counts as lost.
        """
        snapshot, self._snapshot = self._snapshot, b""
        self.save()
        return snapshot or None

    def save(self, agent=None):
        """Write everything back, with the snapshot of an agent that goes to sleep."""
        buffer = bytearray(_SNAPSHOT_AT + (agent.snapshot_bytes if agent else 0))
        buffer[:_RECOVERY_BYTES] = self.recovery
        if agent:
            agent.hibernate(self.now_ms(), memoryview(buffer)[_SNAPSHOT_AT:])
        lead = ((self.now_ms() - _rtc_ms()) & _MASK).to_bytes(4, "big")
        buffer[_AHEAD_AT:_CRC_AT] = lead
        buffer[_CRC_AT:_SNAPSHOT_AT] = binascii.crc32(lead).to_bytes(4, "big")
        machine.RTC().memory(buffer)


def _rtc_ms():
    return time.time_ns() // _NS_PER_MS & _MASK
