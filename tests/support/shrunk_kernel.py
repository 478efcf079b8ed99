"""The kernel as an image holds it, importable by the names under which it was written.

The unit tests import `kernel.codec.cbor`; in an image that is a part of a bundle. Here a stub for
each module takes from there what tests use, and what an image leaves out is there as it is
written. The names that tests use keep their names; all else is shrunk as in an image.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from cma_toolkit.host_tools.flash.contents import FIRMWARE
from cma_toolkit.host_tools.image import mpy
from cma_toolkit.host_tools.image.shrink.firmware import KERNEL, arrange, finish, names_kept
from cma_toolkit.host_tools.image.shrink.fold import constants, fold
from cma_toolkit.host_tools.image.shrink.modules import Module, dotted, read_modules
from cma_toolkit.host_tools.image.shrink.names import names_in


def shrunk_kernel(tests: Iterable[Path]) -> dict[str, bytes]:
    """Return the compiled files of a kernel that these tests can import."""
    plain = mpy.read_sources(FIRMWARE)
    used = {name for path in tests for name in names_in(ast.parse(path.read_text()))}
    used |= set(_taken_by_left_out(plain))
    keep = {*used, *names_kept(plain)}
    arranged = arrange(plain, keep)
    keep |= {name for (_, one), (_, name) in arranged.places.items() if one in used}
    made = finish(arranged.sources, keep)
    held = {path: set(names_in(ast.parse(text))) for path, text in made.items()}
    places = {
        place: there
        for place, there in arranged.places.items()
        if there[1] in held[_path(there[0])]
    }
    numbers, modules = constants(plain), read_modules(fold(plain, strip=False))
    for path in plain:
        if path.endswith("__init__.py"):
            made.setdefault(path, b"")
            continue
        lines = [f"{one} = {value}" for one, value in numbers[dotted(path)].items()]
        taken = _imports(path, modules, places, used - set(numbers[dotted(path)]))
        if path in made:  # the module of that name is the bundle, with names of its own
            made[path] += "\n".join(["", *lines, *taken, ""]).encode()
            continue
        lines += taken
        is_there = any(module == dotted(path) for module, _ in arranged.places)
        made[path] = "\n".join([*sorted(lines), ""]).encode() if is_there else plain[path]
    ours = {path: text for path, text in made.items() if path.startswith(KERNEL + "/")}
    return mpy.compile_files(ours, lines=False)


def _taken_by_left_out(plain: Mapping[str, bytes]) -> Iterator[str]:
    """Yield what the files of the kernel that no image holds import from others."""
    held = {module for module, _ in arrange(plain, names_kept(plain)).places}
    for path, text in plain.items():
        if path.startswith(KERNEL + "/") and dotted(path) not in held:
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.ImportFrom):
                    yield from (alias.name for alias in node.names)


def _path(module: str) -> str:
    return module.replace(".", "/") + ".py"


def _imports(
    path: str,
    modules: Mapping[str, Module],
    places: Mapping[tuple[str, str], tuple[str, str]],
    used: set[str],
) -> Iterator[str]:
    """Yield how a stub takes what tests use of a module, its own or what it had from others."""
    module = modules[dotted(path)]
    for one in sorted(used & set(module.stores)):
        place = dotted(path), one
        while place not in places and place[1] in modules[place[0]].imported:
            place = modules[place[0]].imported[place[1]]
        if place in places:
            where, name = places[place]
            if where != dotted(path):
                yield f"from {where} import {name} as {one}"
            elif name != one:
                yield f"{one} = {name}"
