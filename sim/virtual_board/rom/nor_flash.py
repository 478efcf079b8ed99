"""A NOR flash chip in a file: programming clears bits, erasing a sector sets them.

Input    read(offset, size), program(offset, data), erase(offset, size)
Effects  the file, mapped shared: a running board that writes the same file sees it at once
Raises   FlashRangeError for what lies outside; PowerCut where the fault says so
Source   W25Q32JV datasheet, 6.1 and 8.2 (page program, sector erase)
"""

import mmap
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

SECTOR_BYTES = 0x1000
ERASED = 0xFF
PROGRAM = "program"
ERASE = "erase"


class FlashRangeError(ValueError):
    """Refuse an operation that reaches beyond the chip (caused by the host's command)."""


class PowerCut(Exception):  # noqa: N818 - an event of the simulation, not an error
    """Say that the power went inside a flash operation, as the fault wanted."""


@dataclass(frozen=True, slots=True)
class Cut:
    """How far an operation gets before the power goes.

    `done_bytes` bytes reach the flash. Of the next byte, a program clears those bits that `bits`
    has set and the data has clear; an erase leaves it alone.
    """

    done_bytes: int = 0
    bits: int = 0


class Fault(Protocol):
    """Decide, before each program and erase, whether the power goes in it."""

    def before(self, index: int, kind: str, offset: int, size_bytes: int) -> Cut | None:
        """Return the cut of operation `index` (from 0), or None to let it pass."""


class NorFlash:
    """One chip; the file is made, all erased, if it is missing."""

    def __init__(self, path: Path, size_bytes: int, fault: Fault | None = None) -> None:
        if size_bytes <= 0 or size_bytes % SECTOR_BYTES:
            raise ValueError(f"A flash of {size_bytes} bytes has no whole sectors.")
        self.size_bytes = size_bytes
        self.fault = fault
        self.operation_count = 0
        self.erased_sector_count = 0
        self.programmed_byte_count = 0
        with open(path, "r+b" if path.exists() else "w+b") as file:
            file.seek(0, 2)
            if file.tell() > size_bytes:
                raise ValueError(f"{path} is larger than a flash of {size_bytes} bytes.")
            # A shorter file gets the rest of its chip, erased: FF, where truncate() would give 00.
            while missing_bytes := size_bytes - file.tell():
                file.write(bytes([ERASED]) * min(missing_bytes, 1 << 20))
            file.flush()
            self._cells = mmap.mmap(file.fileno(), size_bytes)

    def read(self, offset: int, size_bytes: int) -> bytes:
        """Return a copy of the cells."""
        self._check(offset, size_bytes)
        return self._cells[offset : offset + size_bytes]

    def program(self, offset: int, data: bytes) -> None:
        """Clear the bits that are clear in `data`; no bit is ever set."""
        self._check(offset, len(data))
        cut = self._before(PROGRAM, offset, len(data))
        if cut is None:
            self._and(offset, data)
            return
        done = min(max(cut.done_bytes, 0), len(data))
        self._and(offset, data[:done])
        if done < len(data):
            self._and(offset + done, bytes([data[done] | (ERASED & ~cut.bits)]))
        raise PowerCut(f"in operation {self.operation_count - 1}, program at {offset:#x}")

    def erase(self, offset: int, size_bytes: int) -> None:
        """Erase every sector that the range touches."""
        self._check(offset, size_bytes)
        if not size_bytes:
            return
        start = offset - offset % SECTOR_BYTES
        end = -(-(offset + size_bytes) // SECTOR_BYTES) * SECTOR_BYTES
        cut = self._before(ERASE, start, end - start)
        done = end - start if cut is None else min(max(cut.done_bytes, 0), end - start)
        self._cells[start : start + done] = bytes([ERASED]) * done
        if cut is not None:
            raise PowerCut(f"in operation {self.operation_count - 1}, erase at {start:#x}")
        self.erased_sector_count += (end - start) // SECTOR_BYTES

    def close(self) -> None:
        """Let go of the file; closing twice is harmless."""
        self._cells.close()

    def _before(self, kind: str, offset: int, size_bytes: int) -> Cut | None:
        index = self.operation_count
        self.operation_count += 1
        return self.fault.before(index, kind, offset, size_bytes) if self.fault else None

    def _and(self, offset: int, data: bytes) -> None:
        end = offset + len(data)
        old = int.from_bytes(self._cells[offset:end], "little")
        self._cells[offset:end] = (old & int.from_bytes(data, "little")).to_bytes(
            len(data), "little"
        )
        self.programmed_byte_count += len(data)

    def _check(self, offset: int, size_bytes: int) -> None:
        if offset < 0 or size_bytes < 0 or offset + size_bytes > self.size_bytes:
            raise FlashRangeError(
                f"{size_bytes} bytes at {offset:#x} are outside {self.size_bytes} bytes of flash."
            )
