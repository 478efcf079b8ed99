"""Heap of 64-bit MicroPython that eight sessions take, all used, with the code that they need.

The code runs in place, in an image made as for a board; what an agent has of it without protection
does not count. A board's words have half the size.
"""

import itertools
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from cma_toolkit.host_tools.flash.contents import FIRMWARE
from cma_toolkit.host_tools.image import mpy, romfs
from cma_toolkit.host_tools.image.shrink.firmware import shrink
from support.loader_heap import run_in
from support.secure_driver import LEFT_OUT

UNIT = "bytes"
AT_MOST = 20_480

SCRIPT = Path(__file__).parents[1] / "support" / "heap_secure.py"
USER, PLACE, NATIVE = "device/loop.py", "loader/session", "native/loops.py"
KEPT = ["run", "mix", "count"]
PEERS = 8
HEAP_BYTES, PAGE_BYTES = 1 << 20, 4_096


def measure(say: Callable[[str], None]) -> int:
    """Load it step by step."""
    sources = mpy.read_sources(FIRMWARE, ("kernel",))
    sources = {path: text for path, text in sources.items() if path not in LEFT_OUT}
    script = SCRIPT.read_text()
    bare = re.sub(r"(?m)^from kernel\.secure.*\n", "", script.partition("def run")[0])
    bare += 'def run(peers):\n    _say("import")\n'
    before, after = _steps(sources, bare)["import"], _steps(sources, script)
    say(f"import {after['import'] - before}")
    names = list(after)
    for last, name in itertools.pairwise(names):
        say(f"{name} {after[name] - after[last]}")
    return after["used"] - before


def _steps(sources: dict[str, bytes], script: str) -> dict[str, int]:
    """Return what lives after each step."""
    made = shrink({**sources, USER: script.encode()}, [*KEPT, "_used"])
    made[PLACE + ".py"] = made.pop(USER)
    files = mpy.compile_files(made, lines=False)
    native = (FIRMWARE / NATIVE).read_bytes()
    files["native/loops.mpy"] = mpy.compile_source(native, NATIVE, mpy.THIS_COMPUTER)
    data = romfs.pack(files)
    image = data + bytes(-len(data) % PAGE_BYTES)
    with tempfile.TemporaryDirectory(prefix="cma-heap-") as folder:
        said = run_in(HEAP_BYTES, image, b"", str(PEERS), Path(folder) / "memory")
    try:
        return {name: int(size) for name, size in (line.split() for line in said.splitlines())}
    except ValueError:
        raise RuntimeError(said) from None
