"""The journal of a board as it was at an earlier instant: what came later is taken away.

A journal only appends, so the past is there until the ring comes round.
"""

from cma_toolkit.firmware.kernel.ports import Flash
from cma_toolkit.firmware.kernel.state.journal import Journal
from cma_toolkit.firmware.kernel.state.table import JournalTable

SECTOR_BYTES = 4096
_UNIT_BYTES = 32
_BLANK_TURN = 0xFFFFFF


class ImageFlash(Flash):
    """Flash that begins with what was read from a board."""

    def __init__(self, sectors: dict[int, bytes], count: int) -> None:
        self.sector_count = count
        self.cells = bytearray(b"\xff") * (count * SECTOR_BYTES)
        for sector, data in sectors.items():
            self.program(sector * SECTOR_BYTES, data)

    def read(self, address: int, buffer: "bytearray | memoryview") -> None:
        """Fill a whole buffer."""
        buffer[:] = self.cells[address : address + len(buffer)]

    def program(self, address: int, data: "bytes | bytearray | memoryview") -> None:
        """Clear bits."""
        for index, byte in enumerate(data):
            self.cells[address + index] &= byte

    def erase(self, sector: int) -> None:
        """Make every byte of a sector 0xFF."""
        at = sector * SECTOR_BYTES
        self.cells[at : at + SECTOR_BYTES] = b"\xff" * SECTOR_BYTES


def table_at(sectors: dict[int, bytes], count: int, position: int) -> tuple[JournalTable, bool]:
    """Return what was stored when the journal stood there, and whether all of it is still there.

    Shape: `position` as `Journal.position` tells it, a free unit of 0 for one that is not known.
    """
    flash = ImageFlash(sectors, count)
    turn, unit = position >> 8, position & 0xFF
    is_there = turn == 0 and unit > 0
    if unit:
        for sector in range(count):
            at = sector * SECTOR_BYTES
            found = int.from_bytes(flash.cells[at : at + 3], "big")
            if found != _BLANK_TURN and found > turn:
                flash.erase(sector)
            elif found == turn:
                is_there = True
                rest = at + unit * _UNIT_BYTES
                flash.cells[rest : at + SECTOR_BYTES] = b"\xff" * (at + SECTOR_BYTES - rest)
    journal = Journal(flash)
    journal.recover(True)
    return JournalTable(journal), is_there and not journal.damaged
