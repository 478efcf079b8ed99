"""Make our firmware small for a board's heap and flash, without changing what it does.

Numbers take the place of their names, what nothing refers to is left out, the modules of the
kernel become one, functions go where they are called from, and names that only we use become
short ones. To see the names and lines of our own code in a traceback, build with `--plain`.

Input    the sources of `kernel` and `device`
Bounds   the same sources give the same result
"""

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from .bundle import bundle, names_in_bundle
from .fold import fold
from .inline import inline
from .layout import forget, needed_by, rarely_loaded
from .modules import Module, dotted, read_modules
from .names import defined_names, shorten
from .texts import put_texts
from .unused import drop_unused

KERNEL, DEVICE = "kernel", "device"
# What a board's loop starts with, and all that comes with it.
AGENT = "kernel.agent"
# What boot.py and main.py call, before and without the rest: a board must start with a broken
# kernel too, to say so.
START = "device.start"
MAIN = "device.loop"
# Of what these define a boot has one object, which does not stay.
ONCE = frozenset({"kernel.config"})
_ROOTS = (KERNEL, DEVICE, START, MAIN, AGENT)
# Whose classes applications and drivers have objects of: what these offer keeps its name. Nobody
# outside imports or derives from them, as an image has no modules of these names.
INTERFACES = (
    "kernel/application.py",
    "kernel/state/values.py",
    "device/board.py",
    "device/settings.py",
)
# What `agent.state` offers to the kernel alone.
NOT_FOR_APPLICATIONS = {
    *("load", "has_critical", "find_changes", "is_critical_changed", "stage", "on_stored"),
    *("lent", "is_touched"),
}


@dataclass(frozen=True)
class Arranged:
    """The modules of an image, and where what the sources define is in them."""

    sources: Mapping[str, bytes]
    # Module and name → module and name in the image, before names become short.
    places: Mapping[tuple[str, str], tuple[str, str]]


def shrink(sources: Mapping[str, bytes], keep: Iterable[str] = ()) -> dict[str, bytes]:
    """Return the firmware as an image holds it; `keep` are names that stay besides.

    Raises: ImageError (our firmware's author) for a name that cannot be told apart.
    """
    keep = {*keep, *names_kept(sources)}
    return finish(arrange(sources, keep).sources, keep)


def finish(sources: Mapping[str, bytes], keep: Collection[str]) -> dict[str, bytes]:
    """Do the rest to what is arranged."""
    # Again: what only annotations named is named no more.
    made = shorten(drop_unused(inline(sources, keep), keep), keep)
    return forget(made, (KERNEL, DEVICE), needed_by(_ROOTS, read_modules(made)), ONCE)


def names_kept(sources: Mapping[str, bytes]) -> set[str]:
    """Return the names of our sources that others use."""
    names = {name for path in INTERFACES for name in _public_names(sources, path)}
    return names - NOT_FOR_APPLICATIONS | set(_names_of_start(sources))


def arrange(sources: Mapping[str, bytes], keep: Collection[str]) -> Arranged:
    """Fold, and put the modules together as an image has them.

    Raises: ImageError (our firmware's author) for a name that cannot be told apart.
    """
    made: Mapping[str, bytes] = drop_unused(put_texts(fold(sources), keep), keep)
    modules = read_modules(made)
    places: dict[tuple[str, str], tuple[str, str]] = {}
    for into, parts in _plan(modules):
        package = into.partition(".")[0]
        apart = set(read_modules(made)) - parts
        found = names_in_bundle(made, package, apart, into)
        places |= {place: (into, name) for place, name in found.items()}
        made = bundle(made, package, apart, into)
    made = on_boards(made)  # the rooms are in their bundles now
    there = {place: at for place, at in places.items() if at[0].replace(".", "/") + ".py" in made}
    return Arranged(made, there)


def on_boards(sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the sources that a board imports at some time; what nobody imports is for hosts."""
    modules = read_modules(sources)
    others = [name for name in modules if name.partition(".")[0] not in {KERNEL, DEVICE}]
    wanted = needed_by([*_ROOTS, *others], modules, within=True)
    wanted |= {name.rpartition(".")[0] for name in wanted}  # the packages that they are in
    return {
        path: text
        for path, text in sources.items()
        if dotted(path) in wanted or not path.endswith(".py")
    }


def _plan(
    modules: Mapping[str, Module],
) -> Iterator[tuple[str, set[str]]]:
    """Yield bundles: the name of each and what goes into it."""
    resident = needed_by(_ROOTS, modules)
    kernel = {
        name
        for name, module in modules.items()
        if name.startswith(KERNEL + ".") and not module.path.endswith("__init__.py")
    }
    yield AGENT, kernel & resident
    for name, parts in sorted(rarely_loaded(kernel - resident, modules).items()):
        yield f"{KERNEL}.{name.rpartition('.')[2]}", parts
    if START in modules:
        main = needed_by([MAIN], modules) - needed_by([START], modules)
        yield MAIN, {one for one in main if one.startswith(DEVICE + ".")}


def _public_names(sources: Mapping[str, bytes], path: str) -> Iterator[str]:
    for node in ast.parse(sources.get(path, b"")).body:
        if isinstance(node, ast.ClassDef):
            yield from (name for name in defined_names(node) if not name.startswith("_"))


def _names_of_start(sources: Mapping[str, bytes]) -> Iterator[str]:
    path = START.replace(".", "/") + ".py"
    if path in sources:
        for node in ast.parse(sources[path]).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                yield node.name
