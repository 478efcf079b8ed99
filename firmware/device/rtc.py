"""What outlives a deep sleep: a clock that goes on, and the RTC's memory.

MicroPython replaces that memory as a whole:

    0..9        how the last boot ended, with a checksum of its own: see `device.crash`
    10..13      how far the agent's clock is ahead of the RTC, ms; 2**31 more: the snapshot is new
    14..17      CRC-32 of these four bytes
    18..        the kernel's snapshot, with a checksum of its own, and what the agent heard since
    1494..1495  what speaks for a release on trial
    1496..1507  the loader's mark: see `loader.mark`
    1508..1535  about both: see `device.recorder`
    1536..      the traceback of a crash; its length is the memory's end

A power loss clears it, a watchdog's reset does not; bits may flip in it.

A board's `ticks_ms` begins anew at each boot; its RTC goes on while it sleeps, but anybody may set
it. So the RTC is read at boot, and the agent's lead over it is kept with each write:
- setting the RTC while an agent runs changes nothing, not even over the next deep sleep;
- after a power loss both are gone, and with them every instant that somebody could compare;
- set and then reset without a deep sleep, the clock jumps: nothing that is kept over such a reset
  has an instant in it.
"""

import binascii
import struct
import time

import machine

_AHEAD_AT = 10
_CRC_AT = 14
HEAD_BYTES = 18  # in front of the snapshot
MARK_AT = 1496  # up to RECORD_AT
_MARK, _CAUSE, _CAUSE_SHIFT = 0xCB, 0xE0, 5
UPDATE, HEALTHY, GIVEN_UP = 2, 4, 16  # what an agent tells the loader
_TRIAL = 8
ON_TRIAL, _CONFIRMED = 2, 3
SIGNS_AT = MARK_AT - 2  # of `kernel.release.signs`
RECORD_AT = 1508
MEMORY_BYTES = 1536  # without a traceback
_SIZES_AT = RECORD_AT + 4  # snapshot, and begin, end and loss of what was heard since
_IS_NEW = 0x80
_MASK = (1 << 29) - 1
_NS_PER_MS = 1_000_000


class Rtc:
    """The clock, and what is kept in the RTC's memory: `memory`, written back by `save`.

    It is as long as it ever needs to be, from the first: a heap that is full or in pieces keeps
    nobody from sleeping.
    """

    def __init__(self):
        kept = machine.RTC().memory()
        self.memory = memory = bytearray(MEMORY_BYTES)
        size_bytes = min(len(kept), MEMORY_BYTES)
        memory[:size_bytes] = kept[:size_bytes]
        self.traceback = kept[MEMORY_BYTES:]
        lead = memory[_AHEAD_AT:_CRC_AT]
        self._is_kept = _checksum(lead) == memory[_CRC_AT:HEAD_BYTES]
        ahead_ms = int.from_bytes(lead, "big") if self._is_kept else 0
        self._base_ms = (_rtc_ms() + ahead_ms - (time.ticks_ms() & _MASK)) & _MASK

    def now_ms(self):
        """Return the present instant.

        Allocates: nothing: both summands are below 2**29, so their sum is a small int on boards.
        """
        return (self._base_ms + (time.ticks_ms() & _MASK)) & _MASK

    def take_snapshot(self):
        """Return what the agent left here, which is not new from now on; None if nothing is new.

        Without the clock's lead its instants would mean nothing, so it counts as lost.
        Shape: a view of `memory`, so it lasts until that is filled again.
        """
        is_new = self._is_kept and self.memory[_AHEAD_AT] >= _IS_NEW
        size_bytes = struct.unpack_from(">H", self.memory, _SIZES_AT)[0] if is_new else 0
        if not is_new:
            self._begin(0)  # what was heard before this boot is no part of it
        self.save()
        return memoryview(self.memory)[HEAD_BYTES : HEAD_BYTES + size_bytes] if is_new else None

    def take_cause(self):
        """Return why the board booted before the loader looked at its slots, 0 if it did not."""
        memory = self.memory
        found = memory[MARK_AT + 1] & _CAUSE if memory[MARK_AT] == _MARK else 0
        memory[MARK_AT + 1] ^= found
        memory[RECORD_AT - 1] ^= found  # their sum
        return found >> _CAUSE_SHIFT

    def release(self):
        """Return number, class and stage of the release that runs, as the loader marked it."""
        memory = self.memory
        if memory[MARK_AT] != _MARK:
            return 0, 0, 0
        number, kind = struct.unpack_from(">II", memory, MARK_AT + 3)
        return number, kind, ON_TRIAL if memory[MARK_AT + 1] & _TRIAL else _CONFIRMED

    def tell_loader(self, bit):
        """Set a bit of the mark, which `save` makes last: the loader reads it at the next boot."""
        memory = self.memory
        if memory[MARK_AT] == _MARK and not memory[MARK_AT + 1] & bit:
            memory[MARK_AT + 1] ^= bit
            memory[RECORD_AT - 1] ^= bit

    def save(self, agent=None):
        """Write the memory back, with the snapshot of an agent that goes to sleep."""
        memory = self.memory
        if agent:
            size_bytes = agent.snapshot_bytes
            snapshot = memoryview(memory)[HEAD_BYTES : HEAD_BYTES + size_bytes]
            agent.hibernate(self.now_ms(), snapshot)
            self._begin(size_bytes)
        lead = bytearray(((self.now_ms() - _rtc_ms()) & _MASK).to_bytes(4, "big"))
        if agent:
            lead[0] |= _IS_NEW
        memory[_AHEAD_AT:_CRC_AT] = lead
        memory[_CRC_AT:HEAD_BYTES] = _checksum(lead)
        machine.RTC().memory(memory)

    def _begin(self, size_bytes):
        at = HEAD_BYTES + size_bytes
        struct.pack_into(">HHHH", self.memory, _SIZES_AT, size_bytes, at, at, 0)


def _checksum(lead):
    return binascii.crc32(lead).to_bytes(4, "big")


def _rtc_ms():
    return time.time_ns() // _NS_PER_MS & _MASK
