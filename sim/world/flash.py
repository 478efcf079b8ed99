"""Flash in memory, which outlives the agent on it."""

from cma_toolkit.firmware.kernel.ports import Flash

SECTORS = 32  # of the state partition of a board
_PROGRAM_BYTES = 32


class MemoryFlash(Flash):
    """NOR flash that takes memory only where something was programmed.

    Raises: AssertionError for what NOR cannot do: the kernel's mistake, never the medium's.
    """

    sector_count = SECTORS

    def __init__(self) -> None:
        self.erases = 0
        self.programmed_bytes = 0
        self._sectors: dict[int, bytearray] = {}

    def read(self, address: int, buffer: "bytearray | memoryview") -> None:
        """Fill a whole buffer from an address."""
        size = self.sector_bytes
        assert address >= 0 and address + len(buffer) <= self.sector_count * size
        done = 0
        while done < len(buffer):
            start = (address + done) % size
            part = min(len(buffer) - done, size - start)
            cells = self._sectors.get((address + done) // size)
            if cells is None:
                buffer[done : done + part] = b"\xff" * part
            else:
                buffer[done : done + part] = cells[start : start + part]
            done += part

    def program(self, address: int, data: "bytes | bytearray | memoryview") -> None:
        """Program erased bytes of one sector or several."""
        size = self.sector_bytes
        assert address % _PROGRAM_BYTES == 0 and len(data) % _PROGRAM_BYTES == 0
        assert address >= 0 and address + len(data) <= self.sector_count * size
        done = 0
        while done < len(data):
            sector, start = (address + done) // size, (address + done) % size
            part = min(len(data) - done, size - start)
            if sector not in self._sectors:
                self._sectors[sector] = bytearray(b"\xff" * size)
            cells = self._sectors[sector]
            assert cells[start : start + part] == b"\xff" * part, "programmed twice"
            cells[start : start + part] = data[done : done + part]
            done += part
        self.programmed_bytes += len(data)

    def erase(self, sector: int) -> None:
        """Make every byte of a sector 0xFF."""
        assert 0 <= sector < self.sector_count
        self._sectors.pop(sector, None)
        self.erases += 1
