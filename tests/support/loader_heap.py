"""The code of the loader on 64-bit MicroPython, in a heap of a given size.

It runs in place from a mapped image, as from flash; a script stands for the loader's own files.
"""

import subprocess
import sys
from pathlib import Path

from cma_toolkit.host_tools.flash.contents import FIRMWARE
from cma_toolkit.host_tools.image import loader, mpy, romfs
from support.agent_heap import LAUNCHER, _wheel

_PAGE_BYTES = 4_096
_START = """
import sys,uctypes,vfs
vfs.mount(vfs.VfsRom(uctypes.bytearray_at(@,{image})),"/rom")
sys.path[:]="/rom",".frozen"
from loader.session import run
"""


def image_with(script: Path) -> bytes:
    """Return an image of a script and all that it needs, as small as the loader is made."""
    sources = mpy.read_sources(FIRMWARE, ("kernel",))
    sources["loader/__init__.py"] = b""
    sources["loader/session.py"] = script.read_bytes()
    small = loader._shrink(loader._needed(sources))
    data = romfs.pack(mpy.compile_files(small, lines=False))
    return data + bytes(-len(data) % _PAGE_BYTES)


def run_in(heap_bytes: int, image: bytes, behind: bytes, call: str, path: Path) -> str:
    """Return what `run` of the script says; `call` is its arguments, @ where what is mapped lies.

    What is mapped is the image and what comes behind it, by way of the file at `path`.
    """
    path.write_bytes(image + behind)
    program = _START.format(image=len(image)) + f"run({call})\n"
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(LAUNCHER), _wheel(), str(path),
         "-X", f"heapsize={heap_bytes}", "-c", program],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )  # fmt: skip
    return done.stdout + done.stderr
