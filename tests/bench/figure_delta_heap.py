"""Heap that a board takes to make a block of another image and of what is new.

On 64-bit MicroPython, by the code of the loader: the smallest heap in which all blocks of a
changed image are made, beyond the smallest in which everything is done but that. What came and
what is made lie outside of it. A board's words have half the size.
"""

import struct
import tempfile
from collections.abc import Callable
from pathlib import Path

from cma_toolkit.firmware.kernel.release.index import BLOCK_BYTES
from cma_toolkit.host_tools.release.delta import Source
from support.agent_heap import smallest
from support.loader_heap import image_with, run_in
from support.updating import changed, image

UNIT = "bytes"
AT_MOST = 4_096
SCRIPT = Path(__file__).parents[1] / "support" / "heap_delta.py"
LOW, HIGH, STEP = 4_096, 65_536, 32


def measure(say: Callable[[str], None]) -> int:
    """Return what making the blocks takes."""
    with tempfile.TemporaryDirectory(prefix="cma-heap-") as folder:
        bench = Bench(Path(folder), image(1), _mixed())
        found = [bench.smallest(False), bench.smallest(True)]
    say(f"{len(bench.windows)} windows of at most {max(map(len, bench.windows))} bytes")
    say(f"heap without making blocks {found[0]}, with it {found[1]}")
    return found[1] - found[0]


def _mixed() -> bytes:
    """Return an image of which some blocks are copied in one, and some in hundreds of pieces."""
    data = changed(image(1))
    return data[:40_000] + image(1, 8_192)[::-1] + data[40_000:]


class Bench:
    """An image with the decoder, a source, and windows for the blocks of another image."""

    def __init__(self, folder: Path, source: bytes, target: bytes) -> None:
        self.said = ""
        self._path = folder / "memory"
        self._image = image_with(SCRIPT)
        self._source = source
        starts = range(0, len(target), BLOCK_BYTES)
        blocks = [target[at : at + BLOCK_BYTES] for at in starts]
        maker = Source(source)
        self.windows = [maker.window(one, at) for one, at in zip(blocks, starts, strict=True)]
        self._cases = b"".join(
            struct.pack(">II", len(window), len(block)) + window + block
            for window, block in zip(self.windows, blocks, strict=True)
        )

    def smallest(self, is_measured: bool) -> int:
        """Return the smallest heap that is enough."""
        found = smallest(lambda size: self.is_enough(size, is_measured), LOW, HIGH, STEP)
        assert self.is_enough(found, is_measured), self.said
        return found

    def is_enough(self, heap_bytes: int, is_measured: bool) -> bool:
        """Tell whether all blocks are made right in a heap of that size."""
        behind = self._source + bytes(BLOCK_BYTES) + self._cases
        call = f"@+{len(self._image)},{len(self._source)},{BLOCK_BYTES},{len(self.windows)},"
        self.said = run_in(heap_bytes, self._image, behind, f"{call}{is_measured}", self._path)
        return f"right {len(self.windows)}\n" in self.said
