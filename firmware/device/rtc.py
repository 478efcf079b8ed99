"""What outlives a deep sleep: a clock that goes on, and the RTC's memory.

MicroPython replaces that memory as a whole:

    0..9    how the last boot ended, with a checksum of its own: see `device.crash`
    10..13  how far the agent's clock is ahead of the RTC, ms
    14..17  CRC-32 of these four bytes
    18..    the kernel's snapshot, or the traceback of a crash, each with a checksum of its own;
            its length is the memory's end

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

_AHEAD_AT = 10
_CRC_AT = 14
HEAD_BYTES = 18  # in front of snapshot or traceback
_MASK = (1 << 29) - 1
_NS_PER_MS = 1_000_000


class Rtc:
    """The clock, and what is kept in the RTC's memory: `memory`, written back by `save`.

    It is as long as a snapshot wants it, from the first boot's end on: a heap that is full or in
    pieces keeps nobody from sleeping.
    """

    def __init__(self):
        self.memory = bytearray(machine.RTC().memory())
        self.reserve(0)
        lead = self.memory[_AHEAD_AT:_CRC_AT]
        self._is_kept = _checksum(lead) == self.memory[_CRC_AT:HEAD_BYTES]
        ahead_ms = int.from_bytes(lead, "big") if self._is_kept else 0
        self._base_ms = (_rtc_ms() + ahead_ms - (time.ticks_ms() & _MASK)) & _MASK

    def reserve(self, size_bytes):
        """Have room for a snapshot or a traceback; what was there is lost if there was too little.

        Shape: of all that is kept, the first HEAD_BYTES stay in any case.
        """
        if len(self.memory) < HEAD_BYTES + size_bytes:
            head = self.memory[:HEAD_BYTES]
            self.memory = bytearray(HEAD_BYTES + size_bytes)
            self.memory[: len(head)] = head

    def now_ms(self):
        """Return the present instant.

        Allocates: nothing: both summands are below 2**29, so their sum is a small int on boards.
        """
        return (self._base_ms + (time.ticks_ms() & _MASK)) & _MASK

    def take_snapshot(self):
        """Return what the agent left here and clear it, so that it is resumed once; else None.

        Without the clock's lead its instants would mean nothing, so it counts as lost.
        Shape: a view of `memory`, so it lasts until that is filled again.
        """
        self.save()
        if not self._is_kept or len(self.memory) == HEAD_BYTES:
            return None
        return memoryview(self.memory)[HEAD_BYTES:]

    def save(self, agent=None):
        """Write the head back, with the snapshot of an agent that goes to sleep."""
        size_bytes = agent.snapshot_bytes if agent else 0
        self.reserve(size_bytes)
        memory = memoryview(self.memory)[: HEAD_BYTES + size_bytes]
        if agent:
            agent.hibernate(self.now_ms(), memory[HEAD_BYTES:])
        lead = ((self.now_ms() - _rtc_ms()) & _MASK).to_bytes(4, "big")
        memory[_AHEAD_AT:_CRC_AT] = lead
        memory[_CRC_AT:HEAD_BYTES] = _checksum(lead)
        machine.RTC().memory(memory)


def _checksum(lead):
    return binascii.crc32(lead).to_bytes(4, "big")


def _rtc_ms():
    return time.time_ns() // _NS_PER_MS & _MASK
