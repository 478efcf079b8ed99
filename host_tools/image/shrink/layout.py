"""Say which modules of a package are loaded with an agent, and which when a function needs them.

What is imported at the top of a module is there as long as that is. What is imported within
functions alone, such as the code that only a boot needs, is a module of its own in an image; it is
loaded from flash each time and forgotten at once, so that its code is garbage when the function
that needed it returns.

Input    the sources of an image
"""

import ast
from collections.abc import Collection, Iterable, Mapping, Sequence

from ..errors import ImageError
from .modules import Module, read_modules, target_of
from .program import COMPREHENSIONS, Scope, bound_in
from .walk import walk

_MAKERS = ("bytearray", "dict", "list", "set")

# Written into the packages of an image, which import nothing else.
_LOADER = b"""
import sys

def load(name, *others):
    try:
        return __import__(name, None, None, (name,))
    finally:
        for one in [name] + list(others):
            if sys.modules.pop(one, None):
                package, _, one = one.partition(".")
                delattr(sys.modules[package], one)
"""


def needed_by(
    roots: Iterable[str], modules: Mapping[str, Module], *, within: bool = False
) -> set[str]:
    """Return modules and all that are imported with them, as far as they are ours.

    `within` counts what is imported within functions, too.
    """
    found: set[str] = set()
    left = list(roots)
    while left:
        one = left.pop()
        if one in found or one not in modules:
            continue
        found.add(one)
        for node in modules[one].nodes:
            if isinstance(node, ast.ImportFrom) and (within or not node.col_offset):
                left += _sources(one, modules, node)
    return found


def rarely_loaded(rest: Collection[str], modules: Mapping[str, Module]) -> dict[str, set[str]]:
    """Return the modules that are to be apart among those not always there, with what goes along.

    A module that only one of them imports goes with that one.
    """
    needs = {name: needed_by([name], modules).intersection(rest) for name in rest}
    entries = {
        source
        for name, module in modules.items()
        for node in module.nodes
        if isinstance(node, ast.ImportFrom) and (node.col_offset or name not in rest)
        for source in _sources(name, modules, node)
        if source in needs
    }
    users = {one: {entry for entry in entries if one in needs[entry]} for one in rest}
    alone = entries | {one for one in rest if len(users[one]) > 1}
    return {name: {name, *(one for one in rest if users[one] == {name})} for name in alone}


def _sources(name: str, modules: Mapping[str, Module], node: ast.ImportFrom) -> list[str]:
    source = target_of(name, modules[name], node)
    return [source, *(f"{source}.{alias.name}" for alias in node.names)]


def forget(
    sources: Mapping[str, bytes],
    packages: Sequence[str],
    resident: Collection[str],
    once: Collection[str] = (),
) -> dict[str, bytes]:
    """Have each import within a function load what is not resident, and forget it at once.

    Modules with classes stay: what a class made lives on, and to load it again would make another.
    Those in `once` are forgotten all the same.
    """
    modules = read_modules(sources)
    ours = {name for name in modules if name.partition(".")[0] in packages}  # they have a loader
    rare = {name for name in ours if name in once or not _has_class(modules[name])}
    rare -= set(resident)
    for name in sorted(rare):
        _check_stateless(modules[name])
    using: set[str] = set()
    for name, module in modules.items():
        for node in module.nodes:
            if isinstance(node, ast.ImportFrom) and node.col_offset:
                package = name.partition(".")[0]
                source, names = target_of(name, module, node), _names_around(module, node)
                text = _loading(node, source, package, modules, rare, names)
                if text:
                    module.put(node, text)
                    using.add(package)
    made = {**sources, **{module.path: module.text_now() for module in modules.values()}}
    for package in packages:
        if package in using:
            path = f"{package}/__init__.py"
            made[path] = made.get(path, b"") + _LOADER
    return made


def _has_class(module: Module) -> bool:
    return any(isinstance(node, ast.ClassDef) for node in module.nodes)


def _loading(  # noqa: PLR0917 - what an import says, and where
    node: ast.ImportFrom,
    source: str,
    package: str,
    modules: Mapping[str, Module],
    rare: set[str],
    names: Collection[str],
) -> str:
    """Return what takes the place of an import, "" if it stays; `names` are those used there."""
    load, loaded = _fresh("load", names), _fresh("_module", names)

    def call(name: str) -> str:
        with_it = sorted(needed_by([name], modules) & rare - {name})
        return f"{load}({', '.join(repr(one) for one in (name, *with_it))})"

    said = []
    if source in rare:
        said.append(f"{loaded} = {call(source)}")
        said += [f"{one.asname or one.name} = {loaded}.{one.name}" for one in node.names]
    elif all(f"{source}.{one.name}" in rare for one in node.names):
        said += [
            f"{one.asname or one.name} = {call(f'{source}.{one.name}')}" for one in node.names
        ]
    first = f"from {package} import load" + (f" as {load}" if load != "load" else "")
    return "; ".join([first, *said]) if said else ""


def _names_around(module: Module, node: ast.stmt) -> set[str]:
    """Return all names in the function that a statement stands in, and in those within it."""
    owner = next(
        (
            one
            for one in module.nodes
            if isinstance(one, Scope) and one.lineno <= node.lineno <= (one.end_lineno or 0)
        ),
        module.tree,
    )
    return bound_in(owner) | {one.id for one in walk(owner) if isinstance(one, ast.Name)}


def _fresh(name: str, names: Collection[str]) -> str:
    number = 2
    while name in names:
        name, number = f"{name.partition('_of')[0]}_of_{number}", number + 1
    return name


def _check_stateless(module: Module) -> None:
    """Raise ImageError for what a module would have to remember, as it is forgotten."""
    said = [
        f"global {', '.join(one.names)}" for one in module.nodes if isinstance(one, ast.Global)
    ]
    for node in module.tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value and _changes(node.value):
            said.append(ast.unparse(node)[:40])
    if said:
        raise ImageError(
            f"{module.path}: {said[0]}: this file is forgotten after each use, as only functions "
            "import it: keep elsewhere what may change."
        )


def _changes(node: ast.expr) -> bool:
    """Tell whether a value may change in itself."""
    if isinstance(node, ast.Tuple):
        return any(map(_changes, node.elts))
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in _MAKERS
    return isinstance(node, ast.List | ast.Dict | ast.Set | COMPREHENSIONS)
