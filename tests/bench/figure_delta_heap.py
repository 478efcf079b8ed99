"""Heap that a board takes to make a block of another image and of what is new.

On 64-bit MicroPython, by the code of the loader: the smallest heap in which all blocks of a
changed image are made, beyond the smallest in which everything is done but that. What came and
what is made lie outside of it. A board's words have half the size.
"""

import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from cma_toolkit.firmware.kernel.release.index import BLOCK_BYTES
from cma_toolkit.host_tools.flash.contents import FIRMWARE
from cma_toolkit.host_tools.image import loader, mpy, romfs
from cma_toolkit.host_tools.release.delta import Source
from support.agent_heap import LAUNCHER, _wheel, smallest
from support.updating import changed, image

UNIT = "bytes"
AT_MOST = 4_096
SCRIPT = Path(__file__).parents[1] / "support" / "heap_delta.py"
LOW, HIGH, STEP = 4_096, 65_536, 32
PROGRAM = """
import sys,uctypes,vfs
vfs.mount(vfs.VfsRom(uctypes.bytearray_at(@,{image})),"/rom")
sys.path[:]="/rom",".frozen"
from loader.session import run
run(@+{image},{source},{block},{count},{is_measured})
"""


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
        sources = mpy.read_sources(FIRMWARE, ("kernel",))
        sources["loader/__init__.py"] = b""
        sources["loader/session.py"] = SCRIPT.read_bytes()
        small = loader._shrink(loader._needed(sources))
        data = romfs.pack(mpy.compile_files(small, lines=False))
        self._image = data + bytes(-len(data) % 4096)
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
        self._path.write_bytes(self._image + self._source + bytes(BLOCK_BYTES) + self._cases)
        program = PROGRAM.format(
            image=len(self._image),
            source=len(self._source),
            block=BLOCK_BYTES,
            count=len(self.windows),
            is_measured=is_measured,
        )
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(LAUNCHER), _wheel(), str(self._path),
             "-X", f"heapsize={heap_bytes}", "-c", program],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )  # fmt: skip
        self.said = done.stdout + done.stderr
        return f"right {len(self.windows)}\n" in done.stdout
