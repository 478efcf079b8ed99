"""This board's flash: a file with the rules of NOR cells, and power that fails when it is told to.

Programming clears bits; only erasing sets them. A program that would need a bit to go from 0 to 1
is a bug in whoever wrote it: a board would silently keep the 0, here it fails loudly.

Raises   OSError(EIO) for a program over cells that are not erased
Shape    an operation is one erase of a sector, or one program of a range within a block
"""

try:
    from vb.cells import clear_bits
except ImportError:  # on CPython

    def clear_bits(cells, data, size):
        """Clear the bits that `data` has clear; return how many bytes then differ from `data`."""
        for at in range(size):
            cells[at] &= data[at]
        return sum([cells[at] != data[at] for at in range(size)])


SECTOR_BYTES = 4096
_EIO = 5
_EINVAL = 22
_ERASED = memoryview(b"\xff" * SECTOR_BYTES)
_SMALL_BYTES = (16, 32, 64, 96, 128, 256, 512, SECTOR_BYTES)


class PowerCut(Exception):
    """The power is gone: of this boot nothing more reaches the flash."""


class Fault:
    """Count flash operations down to the one in which the power goes.

    `done_bytes` of that operation reach the cells; of the byte after them, a program clears those
    bits that `bits` has set and the data has clear. The rule is that of `nor_flash.Cut`.
    """

    def __init__(self, on_cut, on_count=None):
        self._on_cut = on_cut
        self._on_count = on_count
        self._done_bytes = 0
        self._bits = 0
        self.left = 0
        self.operations = 0
        self.is_dead = False

    def arm(self, after, done_bytes=0, bits=0):
        """Let the power go in the `after`-th operation from now (from 1)."""
        self.left = after
        self._done_bytes = done_bytes
        self._bits = bits

    def strikes(self):
        """Count one operation; tell whether the power goes in it."""
        if self.is_dead:
            raise PowerCut
        self.operations += 1
        if not self.left:
            return False
        self.left -= 1
        if self._on_count:
            self._on_count(self.left)
        return self.left == 0

    def tear_program(self, old, cells):
        """Return what the cells hold after a program that lost its power."""
        done = min(self._done_bytes, len(cells))
        torn = bytearray(old)
        torn[:done] = cells[:done]
        if done < len(cells):
            torn[done] = old[done] & (cells[done] | (0xFF & ~self._bits))
        return torn

    def tear_erase(self):
        """Return how many bytes of a sector's erase happen."""
        return min(self._done_bytes, SECTOR_BYTES)

    def cut(self):
        """Take the power."""
        self.is_dead = True
        self._on_cut()
        raise PowerCut


class Flash:
    """The cells, in an open file."""

    def __init__(self, file, size_bytes, fault):
        self._file = file
        self.size_bytes = size_bytes
        self.fault = fault
        buffer = memoryview(bytearray(SECTOR_BYTES))
        self._buffers = {size: buffer[:size] for size in _SMALL_BYTES}

    def read(self, offset, buffer):
        """Fill a buffer from the cells."""
        self._file.seek(offset)
        self._file.readinto(buffer)

    def program(self, offset, data):
        """Clear the bits that are clear in `data`; no bit is ever set."""
        size = len(data)
        cells = self._buffers[size] if size in self._buffers else bytearray(size)
        self.read(offset, cells)
        wrong = clear_bits(cells, data, size)
        if self.fault.strikes():
            old = bytearray(size)
            self.read(offset, old)
            self._write(offset, self.fault.tear_program(old, cells))
            self.fault.cut()
        self._write(offset, cells)
        if wrong:
            print("flash: a program at %#x sets bits that only an erase can set" % offset)
            raise OSError(_EIO)

    def erase_sector(self, offset):
        """Set every bit of the sector that begins here."""
        if self.fault.strikes():
            self._write(offset, _ERASED[: self.fault.tear_erase()])
            self.fault.cut()
        self._write(offset, _ERASED)

    def _write(self, offset, data):
        self._file.seek(offset)
        self._file.write(data)


class Region:
    """A stretch of the flash, addressed from its own start."""

    def __init__(self, flash, offset, size_bytes):
        self._flash = flash
        self._offset = offset
        self.size_bytes = size_bytes

    def read(self, at, buffer):
        """Fill a buffer."""
        self._check(at, len(buffer))
        self._flash.read(self._offset + at, buffer)

    def program(self, at, data):
        """Clear bits."""
        self._check(at, len(data))
        self._flash.program(self._offset + at, data)

    def erase_sector(self, at):
        """Erase the sector that begins here."""
        self._check(at, SECTOR_BYTES)
        self._flash.erase_sector(self._offset + at)

    def erase(self, at, size_bytes):
        """Erase whole sectors."""
        self._check(at, size_bytes)
        for sector in range(at, at + size_bytes, SECTOR_BYTES):
            self._flash.erase_sector(self._offset + sector)

    def _check(self, at, size_bytes):
        if at < 0 or at + size_bytes > self.size_bytes:
            raise OSError(_EINVAL)


class Blocks:
    """A region as MicroPython's filesystems want it (vfs.AbstractBlockDev).

    `writeblocks` with two arguments erases first, with three it does not, as `Partition`. What
    littlefs calls takes no memory: the collector closes forgotten files and allows none meanwhile.
    """

    def __init__(self, region, block_bytes=SECTOR_BYTES):
        self._region = region
        self._block_bytes = block_bytes

    def readblocks(self, block, buffer, offset=0):
        """Fill a buffer."""
        self._region.read(block * self._block_bytes + offset, buffer)

    def writeblocks(self, block, data, offset=None):
        """Write a buffer."""
        at = block * self._block_bytes
        if offset is not None:
            self._region.program(at + offset, data)
        elif self._block_bytes == SECTOR_BYTES:
            self._region.erase(at, len(data))
            self._region.program(at, data)
        else:
            self._rewrite(at, data)

    def ioctl(self, command, argument):
        """Answer what a filesystem asks: 4 block count, 5 block size, 6 erase a block."""
        if command == 4:
            return self._region.size_bytes // self._block_bytes
        if command == 5:
            return self._block_bytes
        if command == 6:
            self._region.erase_sector(argument * self._block_bytes)
            return 0
        return 0 if command in (1, 2, 3) else None

    def _rewrite(self, at, data):
        """Write small blocks through the sectors that hold them, as FAT needs it."""
        sector = bytearray(SECTOR_BYTES)
        done = 0
        while done < len(data):
            start = (at + done) // SECTOR_BYTES * SECTOR_BYTES
            count = min(len(data) - done, start + SECTOR_BYTES - at - done)
            self._region.read(start, sector)
            sector[at + done - start : at + done - start + count] = data[done : done + count]
            self._region.erase_sector(start)
            self._region.program(start, sector)
            done += count
