"""Make our firmware small for a board's heap and flash, without changing what it does.

Numbers take the place of their names, what nothing refers to is left out, the rooms of the kernel
become one module, and names that only we use become short ones. To see the names and lines of
our own code in a traceback, build with `--plain`.

Input    the sources of `kernel` and `device`
Bounds   the same sources give the same result
"""

import ast
from collections.abc import Iterable, Iterator, Mapping

from .bundle import bundle
from .fold import fold
from .modules import read_modules, target_of
from .names import defined_names, shorten
from .unused import drop_unused

KERNEL, DEVICE = "kernel", "device"
# Imported by itself, after all it needs: its classes are the largest, and so it is loaded apart.
AGENT = "kernel.agent"
# What boot.py and main.py call, before and without the rest: a board must start with a broken
# kernel too, to say so.
START = "device.start"
MAIN = "device.loop"
# Whose public names applications and drivers use.
INTERFACES = (
    "kernel/application.py",
    "kernel/ports.py",
    "kernel/state/values.py",
    "device/board.py",
    "device/settings.py",
    "device/parts.py",
)
# Ports that drivers of a board do not derive from: those of emulators and hosts.
NOT_ON_BOARDS = {"Flash", "Parts"}


def shrink(sources: Mapping[str, bytes], keep: Iterable[str] = ()) -> dict[str, bytes]:
    """Return the firmware as an image holds it; `keep` are names that stay besides.

    Raises: ImageError (our firmware's author) for a name that cannot be told apart.
    """
    keep = {*keep, *_names_of_start(sources)}
    keep |= {name for path in INTERFACES for name in _public_names(sources, path)} - NOT_ON_BOARDS
    made: Mapping[str, bytes] = drop_unused(fold(sources), keep)
    made = bundle(made, KERNEL, (AGENT,))
    if START.replace(".", "/") + ".py" in made:
        # What is imported within functions, such as a link that few boards have, stays apart.
        whole = _needed_by(MAIN, made) - _needed_by(START, made)
        made = bundle(made, DEVICE, set(read_modules(made)) - whole, MAIN)
    return shorten(made, keep)


def _public_names(sources: Mapping[str, bytes], path: str) -> Iterator[str]:
    if path in sources:
        for name in defined_names(ast.parse(sources[path])):
            if not name.startswith("_"):
                yield name


def _names_of_start(sources: Mapping[str, bytes]) -> Iterator[str]:
    path = START.replace(".", "/") + ".py"
    if path in sources:
        for node in ast.parse(sources[path]).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                yield node.name


def _needed_by(name: str, sources: Mapping[str, bytes]) -> set[str]:
    """Return a module and those of its package that are imported with it."""
    modules = read_modules(sources)
    found: set[str] = set()
    left = [name]
    while left:
        one = left.pop()
        if one in found or one not in modules or not one.startswith(DEVICE):
            continue
        found.add(one)
        for node in modules[one].tree.body:
            if isinstance(node, ast.ImportFrom):
                source = target_of(one, modules[one], node)
                left += [source, *(f"{source}.{alias.name}" for alias in node.names)]
    return found
