"""Where in its code a stopped MicroPython may be interrupted.

The unix port raises KeyboardInterrupt out of its signal handler, wherever that finds it. Inside
the garbage collector this leaves the heap locked for good; a board looks for Ctrl-C between two
bytecodes only. So we look where the process stands: in the bytecode loop itself, or waiting in the
kernel, the interrupt can do no harm.

Source   /proc/PID/syscall (proc(5)); the symbol table of the library, System V ABI chapter 4
"""

import os
import platform
import struct
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_VM_LOOP = b"mp_execute_bytecode"
_SHT_SYMTAB = 2
_SECTION_BYTES = 64
_SYMBOL_BYTES = 24
# mmap, mprotect, munmap, brk, mremap, madvise, futex: the allocator's.
_ALLOCATOR_CALLS = {
    "x86_64": {9, 10, 11, 12, 25, 28, 202},
    "aarch64": {222, 226, 215, 214, 216, 233, 98},
}


class SafePoints:
    """Judge one process."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._loop: range | None = None
        self._is_blind = False

    def is_safe(self) -> bool:
        """Tell whether the stopped process may be interrupted; True where we cannot see."""
        if self._is_blind:
            return True
        try:
            call, *_, counter = Path(f"/proc/{self._pid}/syscall").read_text().split()
        except (OSError, ValueError):
            self._is_blind = True
            return True
        if call == "running":
            return False
        if call != "-1":
            return int(call) not in _ALLOCATOR_CALLS.get(platform.machine(), set())
        if self._loop is None:
            self._loop = self._find_loop()
        return self._is_blind or int(counter, 16) in self._loop

    def _find_loop(self) -> range:
        library = _library(os.environ.get("CMA_MICROPYTHON"), self._pid)
        symbol = _symbol(library)
        base = _base(self._pid, library)
        if symbol is None or base is None:
            self._is_blind = True
            return range(0)
        return range(base + symbol[0], base + symbol[0] + symbol[1])


def _library(chosen: str | None, pid: int) -> str:
    if chosen:
        return os.readlink(f"/proc/{pid}/exe")
    found = find_spec("micropython_run")
    return found.origin if found and found.origin else ""


def _base(pid: int, library: str) -> int | None:
    """Return where the file is loaded in the process."""
    real = os.path.realpath(library)
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        fields = line.split(maxsplit=5)
        if len(fields) == 6 and fields[5] == real:
            return int(fields[0].split("-")[0], 16) - int(fields[2], 16)
    return None


@cache
def _symbol(library: str) -> tuple[int, int] | None:
    """Return (address, size) of the bytecode loop in a 64-bit little-endian ELF file."""
    try:
        data = Path(library).read_bytes()
    except OSError:
        return None
    if data[:6] != b"\x7fELF\x02\x01":
        return None
    table_at = struct.unpack_from("<Q", data, 40)[0]
    count = struct.unpack_from("<H", data, 60)[0]
    sections = [
        struct.unpack_from("<IIQQQQII", data, table_at + number * _SECTION_BYTES)
        for number in range(count)
    ]
    for section in sections:
        if section[1] == _SHT_SYMTAB:
            return _find_symbol(data, section[4], section[5], sections[section[6]][4])
    return None


def _find_symbol(data: bytes, at: int, size: int, names_at: int) -> tuple[int, int] | None:
    name_at = data.index(b"\0" + _VM_LOOP + b"\0", names_at) + 1 - names_at
    for symbol in range(at, at + size, _SYMBOL_BYTES):
        if struct.unpack_from("<I", data, symbol)[0] == name_at:
            value, length = struct.unpack_from("<QQ", data, symbol + 8)
            return value, length
    return None
