"""Bytes that all of `kernel/secure` adds to an image, with the loops of one chip.

The firmware is made small as for every image, once with a driver that calls all that the room
offers and once without; the driver itself does not count. It calls everything twice, or what is
called from one place only would become part of it. The loops in Python are left out, as the
machine code stands in for them.
"""

import ast
from collections.abc import Callable, Iterator

from cma_toolkit.host_tools.flash.contents import FIRMWARE
from cma_toolkit.host_tools.image import mpy
from cma_toolkit.host_tools.image.shrink.firmware import shrink

UNIT = "bytes"
AT_MOST = 16_384

ROOM = "kernel/secure/"
LOOPS, NATIVE = ROOM + "loops.py", "native/loops.py"
# What the port calls, and loads when it does.
LATER = tuple(f"{ROOM}{name}.py" for name in ("x25519", "ed25519", "sha512", "field"))
USER, NAMES = "device/loop.py", ["once", "again"]


def _public(body: list[ast.stmt]) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node


def _calls(sources: dict[str, bytes]) -> tuple[list[str], list[str]]:
    """Return the imports of all that is public in the room, and a call of each."""
    imports, calls = [], []
    for path, text in sorted(sources.items()):
        if not path.startswith(ROOM) or path in (LOOPS, *LATER):
            continue
        module = path[len(ROOM) : -len(".py")]
        for node in _public(ast.parse(text).body):
            name = f"{module}_{node.name}"
            imports.append(f"from kernel.secure.{module} import {node.name} as {name}")
            calls.append(f"made = {name}()")
            if isinstance(node, ast.ClassDef):
                calls += [f"made.{method.name}()" for method in _public(node.body)]
    return imports, calls


def _size(sources: dict[str, bytes], imports: list[str], calls: list[str]) -> int:
    lines = ["", *imports]
    for name in NAMES:
        lines += ["", f"def {name}():", *(f"    {line}" for line in [*calls, "pass"])]
    text = sources[USER] + "\n".join(lines).encode() + b"\n"
    made = shrink({**sources, USER: text}, NAMES)
    made.pop(USER)
    return sum(len(data) for data in mpy.compile_files(made, lines=False).values())


def measure(say: Callable[[str], None]) -> int:
    """Make two images; beside them, each file as it is written."""
    sources = mpy.read_sources(FIRMWARE)
    for path, text in sources.items():
        if path.startswith(ROOM):
            say(f"as written, {path} {len(mpy.compile_source(text, path, lines=False))}")
    native_source = (FIRMWARE / NATIVE).read_bytes()
    native = max(
        len(mpy.compile_source(native_source, NATIVE, family, lines=False))
        for family in mpy.FAMILIES
    )
    added = _size(sources, *_calls(sources)) - _size(sources, [], [])
    say(f"in the image {added}, machine code {native}")
    return added + native
