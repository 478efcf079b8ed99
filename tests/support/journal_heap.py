"""Recover a journal in so little heap, on MicroPython: a program, not a test.

Arguments: a file with the flash, and the bytes of heap that are to be free. Fills all the rest,
recovers, prints "recovered", or ends with a MemoryError.
"""

import gc
import sys

import kernel.state.mending  # noqa: F401 - a board has it in flash
from kernel.ports import Flash
from kernel.state.journal import Journal
from kernel.state.table import JournalTable

_ERASED = b"\xff" * 32


class FileFlash(Flash):
    """A flash in a file, which takes no heap."""

    def __init__(self, file, size_bytes):
        self._file = file
        self.sector_count = size_bytes // self.sector_bytes

    def read(self, address, buffer):
        """Fill a buffer."""
        self._file.seek(address)
        self._file.readinto(buffer)

    def program(self, address, data):
        """Program."""
        self._file.seek(address)
        self._file.write(data)

    def erase(self, sector):
        """Erase in small steps."""
        self._file.seek(sector * self.sector_bytes)
        for _ in range(self.sector_bytes // len(_ERASED)):
            self._file.write(_ERASED)


def fill():
    """Take all the heap there is."""
    held = None
    for size in (4096, 256, 16):
        try:
            while True:
                held = [held, bytearray(size)]
        except MemoryError:
            pass
    return held


def main(path, free_bytes):
    """Recover once."""
    file = open(path, "r+b")  # noqa: SIM115 - open as long as the program
    flash = FileFlash(file, file.seek(0, 2))
    gc.collect()
    reserve = bytearray(free_bytes)
    held = fill()
    reserve = None
    gc.collect()
    table = JournalTable(journal := Journal(flash))
    journal.recover()
    held = None
    assert table.get(b"ssensor00") and not journal.damaged
    print("recovered")
    return reserve, held


main(sys.argv[1], int(sys.argv[2]))
