"""NOR flash in memory, which outlives the agent on it, and all the ways in which it fails."""

from cma_toolkit.firmware.kernel.ports import Flash
from cma_toolkit.sim.world.hardware.tearing import tear

SECTORS = 32  # of the state partition of a board
_PROGRAM_BYTES = 32
_EIO = 5
_ERASED = bytearray()  # of every sector without a programmed byte

# What a bad block does.
BAD_BLOCKS = ("program error", "erase error", "read error", "program no-op", "erase no-op")
_PROGRAM_ERROR, _ERASE_ERROR, _READ_ERROR, _PROGRAM_NO_OP, _ERASE_NO_OP = BAD_BLOCKS


class PowerCut(BaseException):
    """The power went in the middle of an operation; no error boundary of an agent stops it."""

    def __init__(self, dark_ms: int) -> None:
        super().__init__(dark_ms)
        self.dark_ms = dark_ms


class NorFlash(Flash):
    """NOR flash that takes memory only for what was programmed.

    Attributes: `bad` says which sectors are bad and how, by the names of BAD_BLOCKS; `wear` how
    often each sector was erased; `endurance` after how many erasures a sector is worn out and
    fails to erase, 0 for never.
    Raises: AssertionError for what NOR cannot do: the kernel's mistake, never the medium's.
    """

    sector_count = SECTORS
    endurance = 0

    def __init__(self) -> None:
        self.erases = 0
        self.programmed_bytes = 0
        self.version = 0  # of the content
        self.bad: dict[int, str] = {}
        self.wear: dict[int, int] = {}
        self.failed: BaseException | None = None  # the error of `fail_in`, once it was raised
        # Each up to the last byte that was programmed.
        self._sectors: list[bytearray] = [_ERASED] * self.sector_count
        self._cut: list[int] | None = None
        self._later_cuts: list[list[int]] = []  # once that one came
        self._failure: tuple[int, BaseException] | None = None
        self._later_failures: list[tuple[int, BaseException]] = []
        self._dark_ms = -1  # while there is no power, for how long

    # --- the port ---

    def read(self, address: int, buffer: "bytearray | memoryview") -> None:
        """Fill a whole buffer from an address."""
        size = self.sector_bytes
        _demand(0 <= address <= self.sector_count * size - len(buffer), "read beyond the end")
        self._operate(address, _READ_ERROR)
        start, length = address % size, len(buffer)
        if start + length <= size:
            self._read_one(address // size, start, length, buffer)
            return
        done = 0
        while done < len(buffer):
            start = (address + done) % size
            part = min(len(buffer) - done, size - start)
            cells = self._sectors[(address + done) // size]
            there = max(0, min(part, len(cells) - start))
            buffer[done : done + there] = cells[start : start + there]
            buffer[done + there : done + part] = b"\xff" * (part - there)
            done += part

    def _read_one(
        self, sector: int, start: int, length: int, buffer: "bytearray | memoryview"
    ) -> None:
        cells = self._sectors[sector][start : start + length]
        buffer[:] = (
            cells if len(cells) == length else bytes(cells) + b"\xff" * (length - len(cells))
        )

    def program(self, address: int, data: "bytes | bytearray | memoryview") -> None:
        """Program erased bytes of one sector or several."""
        size = self.sector_bytes
        _demand(address % _PROGRAM_BYTES == 0 == len(data) % _PROGRAM_BYTES, "part of a word")
        _demand(0 <= address <= self.sector_count * size - len(data), "programmed beyond the end")
        erased = b"\xff" * len(data)
        _demand(self._peek(address, len(data)) == erased, "programmed twice")
        self._operate(address, _PROGRAM_ERROR)
        if self.bad.get(address // size) != _PROGRAM_NO_OP:
            self._poke(address, self._torn(erased, data))
            self.programmed_bytes += len(data)
        self._go_dark()

    def erase(self, sector: int) -> None:
        """Make every byte of a sector 0xFF."""
        size = self.sector_bytes
        _demand(0 <= sector < self.sector_count, "no such sector")
        self.erases += 1
        times = self.wear[sector] = self.wear.get(sector, 0) + 1
        if self.endurance and times > self.endurance:
            self.bad[sector] = _ERASE_ERROR
        self._operate(sector * size, _ERASE_ERROR)
        self.version += 1
        if self._is_torn():
            torn = self._torn(self._peek(sector * size, size), b"\xff" * size)
            self._sectors[sector] = bytearray(torn)
        elif self.bad.get(sector) != _ERASE_NO_OP:
            self._sectors[sector] = _ERASED
        self._go_dark()

    # --- how it fails ---

    def cut_in(self, operations: int, mode: int, seed: int, dark_ms: int) -> list[int]:
        """Let the power go in the N-th program or erasure from now.

        A cut that is to come already comes first, and this one counts from there.
        Returns: what `spare` takes.
        Shape: `mode` is an index of `tearing.TEAR_MODES`.
        """
        cut = [operations, mode, seed, dark_ms]
        if self._cut is None:
            self._cut = cut
        else:
            self._later_cuts.append(cut)
        return cut

    def spare(self, cut: list[int]) -> None:
        """Have one cut not come any more; the others still do."""
        if self._cut is cut:
            self._cut = self._later_cuts.pop(0) if self._later_cuts else None
        else:
            self._later_cuts = [other for other in self._later_cuts if other is not cut]

    def fail_in(self, operations: int, error: BaseException) -> None:
        """Have the N-th read, program or erasure from now raise an error, once.

        An error that is to come already comes first, and this one counts from there.
        """
        self.failed = None
        if self._failure is None:
            self._failure = (operations, error)
        else:
            self._later_failures.append((operations, error))

    def spare_error(self, error: BaseException) -> None:
        """Have one error not be raised any more; the others still are."""
        if self._failure is not None and self._failure[1] is error:
            self._failure = self._later_failures.pop(0) if self._later_failures else None
        else:
            self._later_failures = [row for row in self._later_failures if row[1] is not error]

    def flip(self, bit: int) -> None:
        """Have one bit read wrongly from now on, until its sector is erased: rot.

        Units: bits from the start of the flash.
        """
        address = bit // 8
        self._poke(address, bytes([self._peek(address, 1)[0] ^ 1 << bit % 8]))

    def used_sectors(self) -> list[int]:
        """Return the sectors in which something is programmed, in order."""
        return [sector for sector in range(self.sector_count) if self._sectors[sector]]

    @property
    def reads_well(self) -> bool:
        """Whether each read returns the content."""
        return self._failure is None and not self.bad and self._dark_ms < 0

    def power_on(self) -> None:
        """Work again after a cut."""
        self._dark_ms = -1

    def copy(self) -> "NorFlash":
        """Return a sound flash with the same content, for whoever looks without touching."""
        twin = NorFlash()
        twin._sectors = [bytearray(cells) if cells else _ERASED for cells in self._sectors]
        return twin

    def _operate(self, address: int, error_kind: str) -> None:
        if self._dark_ms >= 0:
            raise PowerCut(self._dark_ms)
        if self._failure is not None:
            left, error = self._failure
            self._failure = (left - 1, error)
            if left == 1:
                self.spare_error(error)
                self.failed = error
                raise error
        if self.bad and self.bad.get(address // self.sector_bytes) == error_kind:
            raise OSError(_EIO, error_kind)
        if self._cut is not None and error_kind is not _READ_ERROR:
            self._cut[0] -= 1

    def _is_torn(self) -> bool:
        return self._cut is not None and self._cut[0] == 0

    def _torn(self, old: bytes, new: "bytes | bytearray | memoryview") -> bytes:
        if self._cut is None or self._cut[0]:
            return bytes(new)
        return tear(self._cut[1], old, bytes(new), self._cut[2])

    def _go_dark(self) -> None:
        if self._cut is None or self._cut[0]:
            return
        self._dark_ms = self._cut[3]
        self.spare(self._cut)
        raise PowerCut(self._dark_ms)

    # --- the cells ---

    def _peek(self, address: int, length: int) -> bytes:
        size, found, end = self.sector_bytes, b"", address + length
        while address < end:
            start = address % size
            part = min(end - address, size - start)
            cells = bytes(self._sectors[address // size][start : start + part])
            found += cells + b"\xff" * (part - len(cells))
            address += part
        return found

    def _poke(self, address: int, data: bytes) -> None:
        size, done = self.sector_bytes, 0
        self.version += 1
        while done < len(data):
            sector, start = (address + done) // size, (address + done) % size
            part = min(len(data) - done, size - start)
            cells = self._sectors[sector]
            if not cells:
                cells = self._sectors[sector] = bytearray()
            if len(cells) < start + part:
                cells += b"\xff" * (start + part - len(cells))
            cells[start : start + part] = data[done : done + part]
            done += part


def _demand(is_so: bool, text: str) -> None:
    # No `assert`, which `python -O` leaves out.
    if not is_so:
        raise AssertionError(text)
