"""This board's flash: a file with the rules of NOR cells, and power that fails when it is told to.

Programming clears bits; only erasing sets them. A program that would need a bit to go from 0 to 1
is a bug in whoever wrote it: a board would silently keep the 0, here it fails loudly.

On a board this is C, which Ctrl-C cannot interrupt, and littlefs calls it from C: an exception in
here would leave littlefs in the middle of an operation. MicroPython notices Ctrl-C at jumps only.
So whatever littlefs calls has no `if`, `for`, `and` or `or`: it picks its next step from a table.

Raises   OSError(EIO) for a program over cells that are not erased
Shape    an operation is one erase of a sector, or one program of a range within a block
"""

SECTOR_BYTES = 4096
_EIO = 5
_EINVAL = 22
_ERASED = memoryview(b"\xff" * SECTOR_BYTES)
_NEVER = -1


class PowerCut(Exception):
    """The power is gone: of this boot nothing more reaches the flash."""


def _nothing(*_):
    """Do nothing."""


def _refuse_range(*_):
    raise OSError(_EINVAL)


def _refuse_dead(*_):
    raise PowerCut


_CHECK_RANGE = (_nothing, _refuse_range)
_CHECK_POWER = (_nothing, _refuse_dead)


class Fault:
    """Count flash operations down to the one in which the power goes.

    `done_bytes` of that operation reach the cells; of the byte after them, a program clears those
    bits that `bits` has set and the data has clear. The rule is that of `nor_flash.Cut`.
    """

    def __init__(self, on_cut, on_count=_nothing):
        self._on_cut = on_cut
        self._report = (_nothing, on_count)
        self._done_bytes = 0
        self._bits = 0
        self.left = _NEVER
        self.operations = 0
        self.is_dead = False

    def arm(self, after, done_bytes=0, bits=0):
        """Let the power go in the `after`-th operation from now (from 1)."""
        self.left = after
        self._done_bytes = done_bytes
        self._bits = bits

    def strikes(self):
        """Count one operation; tell whether the power goes in it."""
        _CHECK_POWER[self.is_dead]()
        self.operations += 1
        self.left -= 1
        self._report[self.left > 0](self.left)
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

    def read(self, offset, buffer):
        """Fill a buffer from the cells."""
        self._file.seek(offset)
        self._file.readinto(buffer)

    def program(self, offset, data):
        """Clear the bits that are clear in `data`; no bit is ever set."""
        size = len(data)
        old = bytearray(size)
        self.read(offset, old)
        both = int.from_bytes(old, "little") & int.from_bytes(data, "little")
        _PROGRAM[self.fault.strikes()](self, offset, data, old, both.to_bytes(size, "little"))

    def erase_sector(self, offset):
        """Set every bit of the sector that begins here."""
        _ERASE[self.fault.strikes()](self, offset)

    def _program(self, offset, data, old, cells):
        self._write(offset, cells)
        _CHECK_BITS[cells != data](offset)

    def _tear_program(self, offset, data, old, cells):
        self._write(offset, self.fault.tear_program(old, cells))
        self.fault.cut()

    def _erase(self, offset):
        self._write(offset, _ERASED)

    def _tear_erase(self, offset):
        self._write(offset, _ERASED[: self.fault.tear_erase()])
        self.fault.cut()

    def _write(self, offset, data):
        self._file.seek(offset)
        self._file.write(data)


def _refuse_bits(offset):
    print("flash: a program at %#x sets bits that only an erase can set" % offset)
    raise OSError(_EIO)


_PROGRAM = (Flash._program, Flash._tear_program)
_ERASE = (Flash._erase, Flash._tear_erase)
_CHECK_BITS = (_nothing, _refuse_bits)


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
        _CHECK_RANGE[(at < 0) | (at + size_bytes > self.size_bytes)]()


class Blocks:
    """A region as MicroPython's filesystems want it (vfs.AbstractBlockDev).

    `writeblocks` with two arguments erases first, with three it does not: `esp32.Partition`. The
    collector closes forgotten files and allows no memory meanwhile: that fails with EIO.
    """

    def __init__(self, region, block_bytes=SECTOR_BYTES):
        self._region = region
        self._block_bytes = block_bytes

    def readblocks(self, block, buffer, offset=0):
        """Fill a buffer."""
        self._region.read(block * self._block_bytes + offset, buffer)

    def writeblocks(self, block, data, offset=None):
        """Write a buffer."""
        try:
            return _WRITE[offset is None](self, block * self._block_bytes, data, offset)
        except MemoryError:
            return -_EIO

    def ioctl(self, command, argument):
        """Answer what a filesystem asks: 4 block count, 5 block size, 6 erase a block."""
        return _IOCTL.get(command, _nothing)(self, argument)

    def _program(self, at, data, offset):
        self._region.program(at + offset, data)

    def _replace(self, at, data, offset):
        """Erase and program; blocks smaller than a sector, through the sectors that hold them."""
        if self._block_bytes == SECTOR_BYTES:
            self._region.erase(at, len(data))
            self._region.program(at, data)
            return
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

    def _count(self, _):
        return self._region.size_bytes // self._block_bytes

    def _size(self, _):
        return self._block_bytes

    def _erase(self, block):
        self._region.erase_sector(block * self._block_bytes)
        return 0

    def _ok(self, _):
        return 0


_WRITE = (Blocks._program, Blocks._replace)
_IOCTL = {
    1: Blocks._ok,
    2: Blocks._ok,
    3: Blocks._ok,
    4: Blocks._count,
    5: Blocks._size,
    6: Blocks._erase,
}
