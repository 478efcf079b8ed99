"""What outlives a deep sleep: the RTC's memory, which MicroPython replaces as a whole.

    0..575    recovery: crashes and the last traceback, with a checksum of its own
    576..579  how far the agent's clock is ahead of the RTC, ms
    580..583  CRC-32 of these four bytes
    584..     the kernel's snapshot, with a checksum of its own; its length is the memory's end

A power loss clears it, a watchdog's reset does not; bits may flip in it.
"""

import binascii

import machine

_RECOVERY_BYTES = 576
_AHEAD_AT = 576
_CRC_AT = 580
_SNAPSHOT_AT = 584
_SNAPSHOT_BYTES_MAX = 1_024
_MASK = (1 << 29) - 1


class RtcMemory:
    """A copy of the memory in one buffer, and the way to write it back."""

    def __init__(self):
        self._buffer = bytearray(_SNAPSHOT_AT + _SNAPSHOT_BYTES_MAX)
        view = memoryview(self._buffer)
        self.recovery = view[:_RECOVERY_BYTES]
        self.snapshot = view[_SNAPSHOT_AT:]  # the driver lets the agent fill it
        self._clock = view[_AHEAD_AT:_CRC_AT]
        self._check = view[_CRC_AT:_SNAPSHOT_AT]
        self._length = _SNAPSHOT_AT
        self._load()

    def _load(self):
        data = machine.RTC().memory()
        length = min(len(data), len(self._buffer))
        self._buffer[:length] = memoryview(data)[:length]
        self._length = max(length, _SNAPSHOT_AT)

    def ahead_ms(self):
        """Return the clock's lead that was kept; None if there is none that can be trusted."""
        if binascii.crc32(self._clock) != int.from_bytes(self._check, "big"):
            return None
        return int.from_bytes(self._clock, "big") & _MASK

    def take_snapshot(self):
        """Return what the agent left here and clear it, so that it is resumed once; else None.

        Without the clock's lead its instants would mean nothing, so it counts as lost. What is
        returned stands in the buffer until the next `keep`.
        """
        length = self._length - _SNAPSHOT_AT
        self._length = _SNAPSHOT_AT
        self.save()
        if not length or self.ahead_ms() is None:
            return None
        return self.snapshot[:length]

    def keep(self, ahead_ms, snapshot_bytes):
        """Write everything back, with so many bytes of snapshot."""
        self._clock[:] = ahead_ms.to_bytes(4, "big")
        self._check[:] = binascii.crc32(self._clock).to_bytes(4, "big")
        self._length = _SNAPSHOT_AT + snapshot_bytes
        self.save()

    def save(self):
        """Write everything back as it is."""
        machine.RTC().memory(memoryview(self._buffer)[: self._length])
