"""Bytes that `kernel/secure` adds to the image of an agent that speaks it, with machine code.

The firmware is made small as for every image, once with a driver that calls what the room offers
to others and once without; the driver itself does not count. It calls everything twice, or what is
called from one place only would become part of it. What the room itself calls is there without it.

Not in it, as no such image has it: what a board runs by cable alone, lent to it for that while
(`BY_CABLE`, said apart); the loops in Python, for which the machine code of one chip stands; the
protocols of `port.py`, which are for type checkers.
"""

import ast
from collections.abc import Callable, Collection, Iterator

from cma_toolkit.host_tools.flash.contents import FIRMWARE
from cma_toolkit.host_tools.image import mpy
from cma_toolkit.host_tools.image.shrink.firmware import shrink

UNIT = "bytes"
AT_MOST = 16_384

ROOM = "kernel/secure/"
NATIVE = "native/loops.py"
LEFT_OUT = (ROOM + "loops.py", "device/crypto.py")
# What the port loads when it is called, and what has no code.
NOT_CALLED = tuple(f"{ROOM}{name}.py" for name in ("x25519", "ed25519", "sha512", "port"))
# Keys are made, and a technician's question is answered, by code that comes over the cable.
BY_CABLE = ("Entropy", "make", "signed", "sign", "signer_of")
USER, TWICE = "device/loop.py", ["once", "again"]
OF_LOOPS = ["mix", "count"]  # as machine code calls them


def _public(body: list[ast.stmt]) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node


def _code(text: bytes) -> ast.Module:
    """Return a tree without what only type checkers read."""
    tree = ast.parse(text)
    tree.body = [
        one
        for one in tree.body
        if not (isinstance(one, ast.If) and ast.unparse(one.test) == "TYPE_CHECKING")
    ]
    return tree


def _said(tree: ast.Module) -> tuple[set[str], set[str]]:
    """Return what a file imports, and the attributes that it names."""
    nodes = list(ast.walk(tree))
    imported = {
        alias.name for one in nodes if isinstance(one, ast.ImportFrom) for alias in one.names
    }
    return imported, {one.attr for one in nodes if isinstance(one, ast.Attribute)}


def _calls(sources: dict[str, bytes], without: Collection[str]) -> tuple[list[str], list[str]]:
    """Return imports of what is public in the room and not used by it, and a call of each."""
    trees = {path: _code(text) for path, text in sources.items() if path.startswith(ROOM)}
    said = {path: _said(tree) for path, tree in trees.items()}
    attributes = {name for _, names in said.values() for name in names}
    imports, calls = [], []
    for path, tree in sorted(trees.items()):
        if path in NOT_CALLED:
            continue
        module = path[len(ROOM) : -len(".py")]
        others = {name for other, (names, _) in said.items() if other != path for name in names}
        for node in _public(tree.body):
            name, is_used = f"{module}_{node.name}", node.name in others
            made = [] if is_used else [f"made = {name}()"]
            if isinstance(node, ast.ClassDef):
                names = [one.name for one in _public(node.body) if one.name not in without]
                made += [f"made.{one}()" for one in names if not (is_used and one in attributes)]
            if made and node.name not in without:
                imports.append(f"from kernel.secure.{module} import {node.name} as {name}")
                calls += made
    return imports, calls


def _size(sources: dict[str, bytes], imports: list[str], calls: list[str]) -> int:
    lines = ["", *imports]
    for name in TWICE:
        lines += ["", f"def {name}():", *(f"    {line}" for line in [*calls, "pass"])]
    text = sources[USER] + "\n".join(lines).encode() + b"\n"
    made = shrink({**sources, USER: text}, TWICE + OF_LOOPS)
    made.pop(USER)
    return sum(len(data) for data in mpy.compile_files(made, lines=False).values())


def measure(say: Callable[[str], None]) -> int:
    """Make an image with and one without; beside them, each file as it is written."""
    sources = mpy.read_sources(FIRMWARE)
    for path, text in sources.items():
        if path.startswith(ROOM):
            say(f"as written, {path} {len(mpy.compile_source(text, path, lines=False))}")
    for path in LEFT_OUT:
        del sources[path]
    native_source = (FIRMWARE / NATIVE).read_bytes()
    native = max(
        len(mpy.compile_source(native_source, NATIVE, family, lines=False))
        for family in mpy.FAMILIES
    )
    before = _size(sources, [], [])
    added = _size(sources, *_calls(sources, BY_CABLE)) - before
    by_cable = _size(sources, *_calls(sources, ())) - before - added
    say(f"in the image {added}, machine code {native}; by cable alone {by_cable}")
    return added + native
