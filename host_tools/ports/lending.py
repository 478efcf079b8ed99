"""Lend code of the kernel to a board: it runs from the board's memory, and nothing is written.

The modules go to the board as one ROMFS and are mounted there from memory, under a name of their
own: what the board's image has of the same sources stays as it is. A soft reset forgets them.

Bounds   what is lent takes its size of the board's heap
"""

import ast
import binascii
import functools

from cma_toolkit.host_tools.flash.contents import FIRMWARE
from cma_toolkit.host_tools.image import mpy, romfs
from cma_toolkit.host_tools.image.errors import ImageError
from cma_toolkit.host_tools.image.shrink.modules import read_modules, target_of
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
    sources = _needed([f"{_KERNEL}.{module}" for module in modules])
    # MicroPython takes a folder for a package, with a file of its name in it or without.
    compiled = mpy.compile_files({path: text for path, text in sources.items() if text})
    return romfs.pack({PACKAGE + path[len(_KERNEL) :]: data for path, data in compiled.items()})


def _needed(modules: list[str]) -> dict[str, bytes]:
    """Return the sources of modules and of all that they import, by path.

    Raises: ImageError (our firmware's author) for one of these modules that is not there.
    """
    sources: dict[str, bytes] = {}
    left = [(name, True) for name in modules]
    while left:
        name, is_module = left.pop()
        path = name.replace(".", "/") + ".py"
        file = FIRMWARE / path
        if path in sources or not (is_module or file.is_file()):
            continue  # what is imported from a module is no module
        try:
            sources[path] = file.read_bytes()
        except OSError:
            raise ImageError(f"There is no {name}: install cma-toolkit again.") from None
        ((_, module),) = read_modules({path: sources[path]}).items()
        for node in module.nodes:
            if isinstance(node, ast.ImportFrom) and node.level:
                source = target_of(name, module, node)
                left += [(source, False), *((f"{source}.{one.name}", False) for one in node.names)]
    return sources
