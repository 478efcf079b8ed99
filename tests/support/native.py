"""Run a script in MicroPython with the kernel as it is written, and the loops of this computer."""

import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from cma_toolkit.host_tools.image import mpy
from cma_toolkit.sim.world import micropython

ROOT = Path(__file__).parents[2]
NATIVE = ("native/deflate.py", "native/loops.py")
ROOMS = (
    *("kernel/__init__.py", "kernel/prng.py", "kernel/limits.py"),
    *("kernel/codec/", "kernel/secure/", "device/crypto.py"),
)


def run(*scripts: str, has_native: bool = True) -> str:
    """Return what the first of some files of this folder printed; the others it imports.

    Without `has_native` the image is one for every chip.
    """
    firmware = ROOT / "firmware"
    ours = mpy.read_sources(firmware)
    sources = {path: text for path, text in ours.items() if path.startswith(ROOMS)}
    for name in scripts:
        sources[f"support/{name}.py"] = (ROOT / "tests" / "support" / f"{name}.py").read_bytes()
    files = mpy.compile_files(sources)
    if has_native:
        machine = {path: (firmware / path).read_bytes() for path in NATIVE}
        files |= mpy.compile_files(machine, mpy.THIS_COMPUTER)
    with TemporaryDirectory(prefix="cma-native-") as folder:
        for path, content in files.items():
            target = Path(folder) / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        return subprocess.run(
            [*micropython.interpreter(), "-m", f"support.{scripts[0]}"],
            env={**os.environ, "MICROPYPATH": f"{folder}:.frozen"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
