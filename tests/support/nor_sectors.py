"""NOR flash in memory, under the kernel's flash port: what it was told, and all the ways to fail.

Runs on both runtimes. A program may only meet erased bytes; anything else is a bug in the caller,
not a fault of the medium, and stops the test.
"""

from kernel.ports import Flash

PROGRAM, ERASE = "program", "erase"

# What a bad block does.
BAD_BLOCKS = ("program error", "erase error", "read error", "program no-op", "erase no-op")
HALF_ERASE = "half erase"  # on a weak supply: says that it is done


class NorSectors(Flash):
    """Raw sectors whose blocks can go bad and whose operations are written down."""

    def __init__(self, sector_count=32, sector_bytes=4096, cells=None):
        self.sector_count = sector_count
        self.sector_bytes = sector_bytes
        self.cells = bytearray(cells or sector_count * sector_bytes)
        for start in range(0, 0 if cells else len(self.cells), sector_bytes):
            self.cells[start : start + sector_bytes] = b"\xff" * sector_bytes
        self.bad = {}  # sector: one of BAD_BLOCKS
        self.operations = None  # a list, for whoever wants (kind, address, data) of each
        self.read_bytes = 0
        self.programmed_bytes = 0
        self.erases = [0] * sector_count

    def read(self, address, buffer):
        """Fill a buffer."""
        size = len(buffer)
        assert address >= 0 and address + size <= len(self.cells)
        if self.bad and self._is_bad(address, "read error"):
            raise OSError(5)
        self.read_bytes += size
        buffer[:] = memoryview(self.cells)[address : address + size]

    def program(self, address, data):
        """Program erased bytes."""
        size = len(data)
        assert size and not address % 32 and not size % 32
        assert address + size <= len(self.cells)
        assert min(memoryview(self.cells)[address : address + size]) == 0xFF
        if self.bad:
            if self._is_bad(address, "program error"):
                raise OSError(5)
            if self._is_bad(address, "program no-op"):
                return
        if self.operations is not None:
            self.operations.append((PROGRAM, address, bytes(data)))
        self.programmed_bytes += size
        self.cells[address : address + size] = data

    def erase(self, sector):
        """Erase a sector."""
        address = sector * self.sector_bytes
        assert 0 <= sector < self.sector_count
        self.erases[sector] += 1
        if self.bad:
            if self._is_bad(address, "erase error"):
                raise OSError(5)
            if self._is_bad(address, "erase no-op"):
                return
        data = b"\xff" * self.sector_bytes
        if self.bad and self._is_bad(address, HALF_ERASE):
            half = self.sector_bytes // 2
            data = data[:half] + bytes(self.cells[address + half : address + 2 * half])
        if self.operations is not None:
            self.operations.append((ERASE, address, data))
        self.cells[address : address + self.sector_bytes] = data

    def _is_bad(self, address, kind):
        return self.bad.get(address // self.sector_bytes) == kind


def _noise(size, seed):
    """Return that many bytes of noise as one integer (a linear congruence)."""
    value = mixed = seed * 2 + 1
    for _ in range(size // 4 + 1):
        value = (value * 1664525 + 1013904223) & 0xFFFFFFFF
        mixed = mixed << 32 | value
    return mixed


def _one_bit(changed, seed):
    """Return one of the bits that are set, 0 if none is."""
    for _ in range(seed % 97):
        if changed & (changed - 1):
            changed &= changed - 1
    return changed & -changed


def _all_but_one_bit(changed, seed):
    return changed ^ _one_bit(changed, seed)


def _some_bits(changed, seed):
    return changed & _noise(4096, seed)


def _tear_bits(choose):
    def tear(old, data, seed):
        before = int.from_bytes(old, "little")
        done = choose(before ^ int.from_bytes(data, "little"), seed)
        return (before ^ done).to_bytes(len(data), "little")

    return tear


# If the power goes in an operation: (bytes before, bytes after, seed) → what stands in the cells.
TEAR_MODES = {
    "before": lambda old, data, seed: old,
    "one byte": lambda old, data, seed: data[:1] + old[1:],
    "half": lambda old, data, seed: data[: len(data) // 2] + old[len(data) // 2 :],
    "all but one byte": lambda old, data, seed: data[:-1] + old[-1:],
    "second half": lambda old, data, seed: old[: len(data) // 2] + data[len(data) // 2 :],
    "one bit": _tear_bits(_one_bit),
    "all but one bit": _tear_bits(_all_but_one_bit),
    "random mask": _tear_bits(_some_bits),
    "after": lambda old, data, seed: data,
}
