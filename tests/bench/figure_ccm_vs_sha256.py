"""Time to seal a frame of 250 B on MicroPython, in that of one SHA-256 of 250 B; heap of a seal.

With the loops of the chip, `firmware/native`, on this computer; both are timed in turn. The heap
that a seal takes, and leaves as garbage, is at most 128 B, or the figure is not measured.
"""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from cma_toolkit.host_tools.image import mpy
from cma_toolkit.sim.world import micropython

UNIT = "times"
AT_MOST = 5.0
HEAP_AT_MOST = 128

ROOT = Path(__file__).parents[2]
SCRIPTS = ("ccm_speed", "heap")
NATIVE = "native/loops.py"


def _write(folder: Path) -> None:
    firmware = ROOT / "firmware"
    sources = mpy.read_sources(firmware, ("kernel",))
    for name in SCRIPTS:
        sources[f"support/{name}.py"] = (ROOT / "tests" / "support" / f"{name}.py").read_bytes()
    files = mpy.compile_files(sources)
    native = (firmware / NATIVE).read_bytes()
    files |= mpy.compile_files({NATIVE: native}, mpy.THIS_COMPUTER)
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def measure(say: Callable[[str], None]) -> float:
    """Seal and hash in a MicroPython of its own."""
    with TemporaryDirectory() as name:
        _write(Path(name))
        printed = subprocess.run(
            [*micropython.interpreter(), "-m", "support.ccm_speed"],
            env={**os.environ, "MICROPYPATH": f"{name}:.frozen"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    found = json.loads(printed)
    for form, one in found.items():
        say(f"{form}: {one['seal_us'] / one['sha256_us']:.1f} times, {one['seal_us']:.1f} µs")
        say(f"{form}: {one['seal_heap']} B of heap for a seal, {one['key_heap']} B for a key")
    native = found["native"]
    say(f"{native['scratch_heap']} B for all keys together")
    if native["seal_heap"] > HEAP_AT_MOST:
        raise RuntimeError(f"a seal takes {native['seal_heap']} B of heap, over {HEAP_AT_MOST}")
    return native["seal_us"] / native["sha256_us"]
