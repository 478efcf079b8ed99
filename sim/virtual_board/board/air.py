"""The air between the virtual boards of one home: a file in which every radio has its place.

A radio that is switched on writes its channel and its UDP port here; a sender reads who is in
reach and sends to each, on loopback. So there is no hub to stop, and no multicast, which many
containers' loopback lacks. The host writes place, range, loss and peers; the board's process
writes the rest of its slot, and only that.

Shape    slot n at n * SLOT_BYTES; `SLOT` below; `shims/vb/air.py` reads the same
Bounds   SLOTS_MAX boards in a home
"""

import fcntl
import os
import struct
from pathlib import Path

from cma_toolkit.sim.virtual_board.runtime.run_config import RadioSettings

SLOTS_MAX = 512
SLOT_BYTES = 128
# mac, used, pad; x, y, range (mm; -1: no limit), loss, seed, is the mask valid; reach mask.
HOST_PART = struct.Struct("<6sBxiiiHIB3x")
MASK_OFFSET = 32
MASK_BYTES = SLOTS_MAX // 8
# Written by the board: is the radio on, channel, UDP port.
BOARD_PART = struct.Struct("<BBH")
BOARD_OFFSET = MASK_OFFSET + MASK_BYTES
assert HOST_PART.size <= MASK_OFFSET and BOARD_OFFSET + BOARD_PART.size <= SLOT_BYTES


class AirFullError(Exception):
    """Say that a home has too many boards."""


class Air:
    """The host's hand on the file."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def close(self) -> None:
        """Let go of the file; closing twice is harmless."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def claim(self, mac: str, radio: RadioSettings) -> int:
        """Return the slot of this MAC, a new one if it has none.

        Raises: AirFullError.
        """
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        try:
            slot = self._slot(_mac_bytes(mac))
            os.pwrite(
                self._fd, HOST_PART.pack(_mac_bytes(mac), 1, 0, 0, -1, 0, 0, 0), self._at(slot)
            )
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)
        self.silence(slot)
        self.describe(slot, radio)
        return slot

    def describe(self, slot: int, radio: RadioSettings) -> None:
        """Write what the host decides about a radio."""
        mac = os.pread(self._fd, 6, self._at(slot))
        x_mm, y_mm = (round(metres * 1000) for metres in radio.position_m)
        range_mm = -1 if radio.range_m is None else round(radio.range_m * 1000)
        part = HOST_PART.pack(
            mac,
            1,
            x_mm,
            y_mm,
            range_mm,
            radio.loss_permille,
            radio.seed & 0xFFFFFFFF,
            radio.peers is not None,
        )
        mask = bytearray(MASK_BYTES)
        for peer in radio.peers or ():
            number = self._slot(_mac_bytes(peer))
            mask[number // 8] |= 1 << number % 8
        os.pwrite(self._fd, part.ljust(MASK_OFFSET, b"\0") + mask, self._at(slot))

    def silence(self, slot: int) -> None:
        """Switch a radio off, as a reset does."""
        if self._fd >= 0:
            os.pwrite(self._fd, BOARD_PART.pack(0, 0, 0), self._at(slot) + BOARD_OFFSET)

    def _slot(self, mac: bytes) -> int:
        slots = os.fstat(self._fd).st_size // SLOT_BYTES
        for slot in range(slots):
            if os.pread(self._fd, 6, self._at(slot)) == mac:
                return slot
        if slots >= SLOTS_MAX:
            raise AirFullError(
                f"This home has had {SLOTS_MAX} boards: set CMA_VIRTUAL_HOME to another one."
            )
        os.pwrite(self._fd, mac.ljust(SLOT_BYTES, b"\0"), self._at(slots))
        return slots

    @staticmethod
    def _at(slot: int) -> int:
        return slot * SLOT_BYTES


def _mac_bytes(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))
