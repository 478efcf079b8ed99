"""Flash cells in memory under the very code that a virtual board's MicroPython runs."""

import io

from cma_toolkit.sim.virtual_board.shims.vb.flash import Fault, Flash, PowerCut, Region

SECTOR_BYTES = 4096


class RamFlash:
    """A chip that can lose its power and be looked at afterwards."""

    def __init__(self, size_bytes: int, cells: bytes | None = None) -> None:
        self.cells = io.BytesIO(cells if cells is not None else b"\xff" * size_bytes)
        self.size_bytes = size_bytes
        self.boot()

    def boot(self) -> Region:
        """Give power: what was in memory is gone, the cells are as they were."""
        self.fault = Fault(lambda: None)
        self.region = Region(Flash(self.cells, self.size_bytes, self.fault), 0, self.size_bytes)
        return self.region

    def cut(self, after: int, done_bytes: int = 0, bits: int = 0) -> None:
        """Let the power go in the `after`-th operation from now."""
        self.fault.arm(after, done_bytes, bits)


__all__ = ["SECTOR_BYTES", "PowerCut", "RamFlash"]
