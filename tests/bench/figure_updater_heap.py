"""Smallest heap of 64-bit MicroPython in which a board takes a whole release and reads it back.

All of it comes deflated, 61,000 bytes, with a fifth of the frames lost and a neighbour to hand
things on to; then the same by a delta. Code runs in place from a mapped image, as from flash, but
for the loader's glue and its drivers. A board's words have half the size.
"""

import struct
import tempfile
from collections.abc import Callable
from pathlib import Path

from cma_toolkit.firmware.kernel.release import layout, papers
from cma_toolkit.firmware.kernel.release.index import index_of
from cma_toolkit.firmware.kernel.release.updater import DONE_WHOLE
from support.agent_heap import smallest
from support.heard import Heard
from support.loader_heap import image_with, run_in
from support.release_board import FIRST
from support.release_signers import CLASS_ID, MPY
from support.update_replay import RomfsFlash, install
from support.updating import (
    NETWORK,
    Air,
    EdgeStation,
    UpdatingBoard,
    changed,
    image,
    part_of,
    published,
)

UNIT = "bytes"
SCRIPT = Path(__file__).parents[1] / "support" / "heap_updater.py"
AT_MOST = 147_456
LOW, HIGH, STEP = 24_576, 262_144, 1_024
OLD = image(1)
NEW = changed(OLD)


def measure(say: Callable[[str], None]) -> int:
    """Return what the hungrier of both takes."""
    found = {}
    for name, earlier in (("deflated", []), ("delta", [OLD])):
        with tempfile.TemporaryDirectory(prefix="cma-heap-") as folder:
            bench = Bench(Path(folder), earlier)
            found[name] = smallest(bench.is_enough, LOW, HIGH, STEP)
            assert bench.is_enough(found[name]), bench.said
        say(f"{name}: {found[name]} bytes")
    return max(found.values())


class Bench:
    """An image of the kernel, a board's flash, and what a session heard."""

    def __init__(self, folder: Path, earlier: list[bytes]) -> None:
        self.said = ""
        self._path = folder / "memory"
        self._image = image_with(SCRIPT)
        flash, heard, seed = RomfsFlash(), *_session(earlier)
        vouching = papers.to_bytes(part_of(OLD, 1).envelope, index_of(OLD), FIRST.to_bytes())
        install(flash, OLD, vouching)
        cells = bytearray(layout.PARTITION_BYTES)
        flash.read(0, cells)
        self._behind = bytes(cells) + heard
        told = (FIRST.to_bytes(), CLASS_ID, MPY, 1, NETWORK, seed)
        self._call = f"@+{len(self._image)}," + ",".join(map(repr, told))

    def is_enough(self, heap_bytes: int) -> bool:
        """Tell whether a session in a heap of that size ends with the release whole."""
        self.said = run_in(heap_bytes, self._image, self._behind, self._call, self._path)
        return f"outcome {DONE_WHOLE}" in self.said


def _session(earlier: list[bytes]) -> tuple[bytes, int]:
    """Return what a board heard until it had all of a release, and its seed."""
    edge, boards = EdgeStation(), [UpdatingBoard(node, OLD) for node in (1, 2)]
    edge.offer(published(part_of(NEW, 2), earlier))
    for board in boards:
        board.boot()
    heard = boards[0].machine = Heard(boards[0].machine)
    air = Air([edge, *boards], 0.2, seed=7)
    air.start()
    air.run(60_000)
    assert boards[0].outcome == DONE_WHOLE
    packed = b""
    for line in heard.lines:
        at_ms, _, text = line.partition(" ")
        frame = bytes.fromhex(text) if text and text != "start" else b""
        length = 0xFFFF if text == "start" else len(frame)
        packed += struct.pack(">IH", int(at_ms), length) + frame
    return packed + struct.pack(">IH", 0xFFFFFFFF, 0), boards[0].session_seed
