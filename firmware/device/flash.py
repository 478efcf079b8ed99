"""Raw sectors of a partition: of `state`, of which the kernel's journal is made, and of `romfs`.

Only one pair of calls of `esp32.Partition` survives a power cut: ioctl 6 erases one block of 4,096
bytes, `writeblocks` with three arguments programs without erasing. With two arguments it erases
first, and a partition of smaller blocks rewrites whole sectors through memory.
"""

import esp32

_SECTOR_BYTES = 4096
_COUNT, _ERASE = 4, 6  # block device requests
_EIO = 5


def open_flash(label):
    """Return a partition's flash; None on a board whose flash map has none."""
    found = esp32.Partition.find(esp32.Partition.TYPE_DATA, label=label)
    return PartitionFlash(found[0]) if found else None


class PartitionFlash:
    """The port `kernel.ports.Flash`; what the medium refuses, MicroPython raises as OSError."""

    def __init__(self, partition):
        self.sector_bytes = _SECTOR_BYTES
        self._partition = partition
        self.sector_count = partition.ioctl(_COUNT, 0)

    def read(self, address, buffer):
        """Fill a buffer; it may cross sectors."""
        self._partition.readblocks(address // _SECTOR_BYTES, buffer, address % _SECTOR_BYTES)

    def program(self, address, data):
        """Program erased bytes."""
        self._partition.writeblocks(address // _SECTOR_BYTES, data, address % _SECTOR_BYTES)

    def erase(self, sector):
        """Erase one sector."""
        if self._partition.ioctl(_ERASE, sector):
            raise OSError(_EIO, "erase refused")

    def sync(self):
        """Return at once: nothing waits in a cache."""
