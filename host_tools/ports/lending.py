"""Lend code of the kernel to a board: it runs from the board's memory, and nothing is written.

The modules go to the board as one ROMFS and are mounted there from memory, under a name of their
own: what the board's image has of the same sources stays as it is. A soft reset forgets them.

Bounds   what is lent takes its size of the board's heap
"""

import binascii
import functools

from cma_toolkit.host_tools.flash.contents import FIRMWARE
from cma_toolkit.host_tools.image import mpy, romfs
from cma_toolkit.host_tools.image.errors import ImageError
from cma_toolkit.host_tools.image.shrink.layout import needed_by
from cma_toolkit.host_tools.image.shrink.modules import dotted, read_modules
from cma_toolkit.host_tools.ports.session import BoardSession

PACKAGE = "lent"  # what scripts import it as: `from lent.secure.ed25519 import sign`
SCRIPT = "lend"
CHUNK_BYTES = 3072  # a script of 4 KB each
_KERNEL = "kernel"


def lend(session: BoardSession, *modules: str) -> int:
    """Bring modules of the kernel and all that they import to a board, until its next reset.

    Shape: `modules` as `secure.ed25519`.
    Returns: how many bytes of its heap they take.
    Raises: CmaError (the board, its cable), ImageError (our firmware's author).
    """
    image = image_of(*modules)
    session.run_script(SCRIPT, do="begin", size=len(image))
    for at in range(0, len(image), CHUNK_BYTES):
        chunk = binascii.b2a_base64(image[at : at + CHUNK_BYTES], newline=False).decode()
        session.run_script(SCRIPT, do="put", at=at, data=chunk)
    session.run_script(SCRIPT, do="mount")
    return len(image)


@functools.cache
def image_of(*modules: str) -> bytes:
    """Return the ROMFS that is lent.

    Raises: ImageError (our firmware's author) for a module that is not there or does not compile.
    """
    sources = mpy.read_sources(FIRMWARE, (_KERNEL,))
    roots = [f"{_KERNEL}.{module}" for module in modules]
    names = needed_by(roots, read_modules(sources), within=True)
    missing = sorted({*roots} - names)
    if missing:
        raise ImageError(f"There is no {missing[0]}: install cma-toolkit again.")
    files = {path: text for path, text in sources.items() if dotted(path) in names}
    # MicroPython takes a folder for a package, with a file of its name in it or without.
    compiled = mpy.compile_files({path: text for path, text in files.items() if text})
    return romfs.pack({PACKAGE + path[len(_KERNEL) :]: data for path, data in compiled.items()})
