"""One page of ESP-IDF's non-volatile storage: a header, two bits of state for each entry, entries.

Source   ESP-IDF components/nvs_flash: README.rst (format), nvs_page.cpp
"""

import binascii
import struct

PAGE_BYTES = 4096
ENTRIES = 126
ENTRY_BYTES = 32
_STATES_AT = 32
_ENTRIES_AT = 64
UNUSED, ACTIVE, FULL, FREEING = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFC, 0xFFFFFFF8
_VERSION = 0xFE
EMPTY, WRITTEN, ERASED = 3, 2, 0
_BLANK = b"\xff" * ENTRY_BYTES


class NvsError(Exception):
    """An operation failed; the first argument is ESP-IDF's name of it."""


def crc(data):
    """Return the check sum that ESP-IDF uses throughout."""
    return binascii.crc32(data, 0xFFFFFFFF) & 0xFFFFFFFF


class Page:
    """One sector, its states kept in memory."""

    def __init__(self, region, at):
        self._region = region
        self._at = at
        self.state = UNUSED
        self.sequence = 0
        self.states = bytearray(ENTRIES)
        self.next = 0

    def load(self):
        """Read header and states; return whether the page is sound."""
        head = self._read(0, 32)
        self.state, self.sequence = struct.unpack("<II", head[:8])
        bits = self._read(_STATES_AT, 32)
        self.next = 0
        for index in range(ENTRIES):
            self.states[index] = bits[index // 4] >> index % 4 * 2 & 3
            if self.states[index] != EMPTY:
                self.next = index + 1
        if self.state == UNUSED:
            return self._is_blank()
        good = struct.unpack("<I", head[28:])[0] == crc(head[4:28])
        return good and self.state in (ACTIVE, FULL, FREEING) and head[8] == _VERSION

    def begin(self, sequence):
        """Make an erased page the active one."""
        body = struct.pack("<IB", sequence, _VERSION) + b"\xff" * 19
        self._region.program(
            self._at, struct.pack("<I", ACTIVE) + body + struct.pack("<I", crc(body))
        )
        self.state = ACTIVE
        self.sequence = sequence

    def mark(self, state):
        """Change the page's state; only bits are cleared."""
        self._region.program(self._at, struct.pack("<I", state))
        self.state = state

    def erase(self):
        """Make the page free."""
        self._region.erase(self._at, PAGE_BYTES)
        self.__init__(self._region, self._at)
        for index in range(ENTRIES):
            self.states[index] = EMPTY

    def entry(self, index):
        """Return the bytes of an entry."""
        return self._read(_ENTRIES_AT + index * ENTRY_BYTES, ENTRY_BYTES)

    def data(self, index, size):
        """Return the bytes that follow an entry."""
        return self._read(_ENTRIES_AT + (index + 1) * ENTRY_BYTES, size)

    def write(self, entry, data=b""):
        """Append an item; return its index."""
        index = self.next
        at = self._at + _ENTRIES_AT + index * ENTRY_BYTES
        span = entry[2]
        self._region.program(at, entry)
        self.set_states(index, 1, WRITTEN)
        if span > 1:
            padded = data + b"\xff" * ((span - 1) * ENTRY_BYTES - len(data))
            self._region.program(at + ENTRY_BYTES, padded)
            self.set_states(index + 1, span - 1, WRITTEN)
        self.next = index + span
        return index

    def set_states(self, index, count, state):
        """Set the state bits of a range; only bits are cleared."""
        for entry in range(index, index + count):
            self.states[entry] = state
        for word in range(index // 16, (index + count - 1) // 16 + 1):
            self._program_states(word)

    def _program_states(self, word):
        # Bits that damage cleared stay clear.
        bits = struct.unpack("<I", self._read(_STATES_AT + word * 4, 4))[0]
        for place in range(16):
            index = word * 16 + place
            if index < ENTRIES:
                bits &= ~((3 ^ self.states[index]) << place * 2)
        self._region.program(self._at + _STATES_AT + word * 4, struct.pack("<I", bits))

    def is_entry_blank(self, index):
        """Tell whether nothing was ever written there, a torn write included."""
        return self.entry(index) == _BLANK

    def count(self, state):
        """Return how many entries are in a state."""
        return sum([1 for each in self.states if each == state])

    def _is_blank(self):
        blank = b"\xff" * 512
        return all([self._read(at, 512) == blank for at in range(0, PAGE_BYTES, 512)])

    def _read(self, at, size):
        buffer = bytearray(size)
        self._region.read(self._at + at, buffer)
        return bytes(buffer)
