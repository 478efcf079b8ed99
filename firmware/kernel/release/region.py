"""Some sectors of a flash, as a flash of their own.

Input    the port's methods
Effects  none; reads, programs and erases the flash beneath
Bounds   the sectors that it was given
"""

from ..ports import Flash


class Region(Flash):
    """A part of a flash, addressed from its own start."""

    def __init__(self, flash: Flash, first_sector: int, sector_count: int) -> None:
        self.sector_bytes = flash.sector_bytes
        self.sector_count = sector_count
        self._flash = flash
        self._first = first_sector

    def read(self, address: int, buffer: "bytearray | memoryview") -> None:
        """Fill a whole buffer from an address."""
        self._flash.read(self._first * self.sector_bytes + address, buffer)

    def program(self, address: int, data: "bytes | bytearray | memoryview") -> None:
        """Program erased bytes."""
        self._flash.program(self._first * self.sector_bytes + address, data)

    def erase(self, sector: int) -> None:
        """Make every byte of a sector 0xFF."""
        self._flash.erase(self._first + sector)

    def sync(self) -> None:
        """Return only when all is on the medium."""
        self._flash.sync()
