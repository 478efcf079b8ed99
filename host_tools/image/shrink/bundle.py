"""Put the modules of a package into one, in the order in which they need each other.

On a board each module costs some 300 bytes of heap before its first name, and every name it takes
from another is an entry of its own. Our packages import themselves relatively and have no effect
at import, so an image can hold each of them as one module.

Input    the sources of an image, folded
Bounds   a name that has to change may be bound only once in its file: the build says which is not
"""

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from ..errors import ImageError
from .modules import Module, is_dead, read_modules, target_of
from .walk import walk

_DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass
class _Names:
    """What the top-level names of a package's modules are called in their bundle."""

    parts: frozenset[str]
    called: dict[tuple[str, str], str] = field(default_factory=dict)
    origin: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)

    def of(self, module: str, name: str) -> str:
        """Return the name of something that a module has, its own or imported."""
        seen = (module, name)
        while seen in self.origin:
            seen = self.origin[seen]
        return self.called.get(seen, seen[1])


def bundle(
    sources: Mapping[str, bytes], package: str, apart: Collection[str] = (), into: str = ""
) -> dict[str, bytes]:
    """Make one module of the modules of a package and have the others import from it.

    Packages within it go into it, too, but the modules that are named `apart` stay. `into` is the
    module that takes the place of all, by default the package itself.
    Raises: ImageError (our firmware's author) for a name that cannot be told apart.
    """
    into = into or package
    modules = read_modules(sources)
    parts = _parts(modules, package, apart, into)
    names = _named(parts)
    for name, module in modules.items():
        _rewrite(name, module, parts, names, into)
    order = _ordered(parts)
    made = {path: text for path, text in sources.items() if path not in _paths(parts)}
    made |= {
        module.path: module.text_now() for name, module in modules.items() if name not in parts
    }
    texts = [parts[name].text_now().rstrip(b"\n") + b"\n" for name in order]
    end = "/__init__.py" if into == package else ".py"
    made[into.replace(".", "/") + end] = b"".join(text for text in texts if text.strip())
    return made


def names_in_bundle(
    sources: Mapping[str, bytes], package: str, apart: Collection[str] = (), into: str = ""
) -> dict[tuple[str, str], str]:
    """Return what each module's own names are called in the bundle that `bundle` makes."""
    parts = _parts(read_modules(sources), package, apart, into or package)
    names = _named(parts)
    return {
        (name, one): names.of(name, one)
        for name, module in parts.items()
        for one in _own_names(module)
    }


def _parts(
    modules: Mapping[str, Module], package: str, apart: Collection[str], into: str
) -> dict[str, Module]:
    return {
        name: one
        for name, one in modules.items()
        if name not in apart
        and (into == package or name != package)
        and (name == package or name.startswith(package + "."))
    }


def _paths(parts: Mapping[str, Module]) -> set[str]:
    return {module.path for module in parts.values()}


def _own_names(module: Module) -> Iterator[str]:
    """Yield what a module defines at its top level."""
    for node in module.tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif not isinstance(node, ast.Import | ast.ImportFrom):
            inside = {
                id(inner)
                for one in walk(node)
                if isinstance(one, ast.comprehension)
                for inner in walk(one.target)
            }
            for inner in walk(node):
                if not isinstance(inner, ast.Name) or id(inner) in inside:
                    continue
                if isinstance(inner.ctx, ast.Store):
                    yield inner.id


def _foreign_names(module: Module) -> Iterator[str]:
    """Yield what a module has from modules that are not ours or binds within, and builtins."""
    ours = {*module.imported, *module.aliases}
    at_top = {
        id(inner)
        for node in [module.tree, *module.tree.body]
        if isinstance(node, ast.Module | ast.ClassDef)  # a method hides nothing
        for inner in node.body
    }
    for node in walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.asname or alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            local = {alias.asname or alias.name for alias in node.names}
            yield from local - ours
        elif isinstance(node, ast.Name) and node.id not in ours:
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.ExceptHandler) and node.name:
            yield node.name
        elif isinstance(node, ast.Global | ast.Nonlocal):
            yield from node.names
        elif isinstance(node, _DEFINITIONS) and id(node) not in at_top:
            yield node.name


def _named(parts: Mapping[str, Module]) -> _Names:
    names = _Names(frozenset(parts))
    own = {name: set(_own_names(module)) for name, module in parts.items()}
    foreign = {name: set(_foreign_names(module)) - own[name] for name, module in parts.items()}
    for name, module in parts.items():
        for local, (source, original) in module.imported.items():
            if source in parts:
                names.origin[name, local] = (source, original)
        others = {one for other in parts if other != name for one in own[other] | foreign[other]}
        for one in sorted(own[name] & others):
            names.called[name, one] = f"{one}_of_{name.rpartition('.')[2]}"
    return names


def _rewrite(
    name: str, module: Module, parts: Mapping[str, Module], names: _Names, into: str
) -> None:
    """Have a module call everything of the package as its bundle does."""
    inside = name in parts
    if not inside and not _imports_any(name, module, parts):
        return
    change: dict[str, str] = {}
    if inside:
        change = {one: new for (owner, one), new in names.called.items() if owner == name}
        change |= {
            local: names.of(name, local)
            for local, (source, _) in module.imported.items()
            if source in parts and names.of(name, local) != local
        }
    for one in sorted(change):
        if module.stores.get(one, 0) > 1:
            raise ImageError(f'{module.path}: "{one}" is bound twice: give one another name.')
    rewriter = _Rewriter(module, change, names, None if inside else into)
    rewriter.visit(module.tree)
    for node in module.nodes:
        if isinstance(node, ast.ImportFrom):
            source = target_of(name, module, node)
            found = [alias for alias in node.names if f"{source}.{alias.name}" in parts]
            if source not in parts and not found:
                if inside and node.level:  # seen from the bundle it is elsewhere
                    module.put(node, _absolute(source, node))
                continue
            for alias in node.names:
                local = alias.asname or alias.name
                if local not in module.aliases and local not in module.imported:
                    raise ImageError(
                        f'{module.path}:{node.lineno}: "{local}" is bound again: rename one.'
                    )
            module.put(node, "pass" if inside else rewriter.import_of(source, node))


def _absolute(source: str, node: ast.ImportFrom) -> str:
    listed = (one.name + (f" as {one.asname}" if one.asname else "") for one in node.names)
    return f"from {source} import {', '.join(listed)}"


def _imports_any(name: str, module: Module, parts: Mapping[str, Module]) -> bool:
    for node in module.nodes:
        if isinstance(node, ast.ImportFrom):
            source = target_of(name, module, node)
            below = [f"{source}.{alias.name}" for alias in node.names]
            if any(one in parts for one in (source, *below)):
                return True
    return False


class _Rewriter(ast.NodeVisitor):
    """Put the new names where the old ones stand."""

    def __init__(
        self, module: Module, change: Mapping[str, str], names: _Names, package: str | None
    ) -> None:
        """`package` is from where a module outside imports; None for a part of the bundle."""
        self._module = module
        self._change = change
        self._aliases = {
            local: source for local, source in module.aliases.items() if source in names.parts
        }
        self._names = names
        self._package = package
        self._taken: dict[str, dict[str, str]] = {}  # module → name in the bundle → name here

    def import_of(self, source: str, node: ast.ImportFrom) -> str:
        """Return how a module outside imports from the bundle what it imported from a part."""
        listed, others = [], []
        for alias in node.names:
            below, local = f"{source}.{alias.name}", alias.asname or alias.name
            if below in self._names.parts:
                taken = self._taken.get(below, {})
                listed += [f"{new} as {here}" for new, here in sorted(taken.items())]
            elif source in self._names.parts:
                new = self._names.of(source, alias.name)
                listed.append(new + (f" as {local}" if new != local else ""))
            else:
                others.append(alias.name + (f" as {alias.asname}" if alias.asname else ""))
        lines = [f"from {self._package} import {', '.join(listed)}"] if listed else []
        if others:
            lines.append(f"from {source} import {', '.join(others)}")
        return "; ".join(lines) or "pass"

    def visit_Name(self, node: ast.Name) -> None:
        if node.id in self._change:
            self._module.put(node, self._change[node.id])
        elif node.id in self._aliases:
            raise ImageError(
                f"{self._module.path}:{node.lineno}: {node.id} is used as a value: "
                "import what is needed of it."
            )

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if isinstance(node.value, ast.Name) and node.value.id in self._aliases:
            source = self._aliases[node.value.id]
            if not isinstance(node.ctx, ast.Load):
                raise ImageError(
                    f"{self._module.path}:{node.lineno}: {node.value.id}.{node.attr} is assigned "
                    "to from another file: have a function of its own file do it."
                )
            called = self._names.of(source, node.attr)
            if self._package:
                here = f"_{node.value.id}_{node.attr}"
                self._taken.setdefault(source, {})[called] = here
                called = here
            self._module.put(node, called)
        else:
            self.visit(node.value)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._rename(node, "def ")

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._rename(node, "class ")

    def visit_If(self, node: ast.If) -> None:
        if not is_dead(node):
            self.generic_visit(node)

    def _rename(self, node: ast.FunctionDef | ast.ClassDef, word: str) -> None:
        top = node.col_offset == 0
        if top and node.name in self._change:
            self._module.put_at(
                node.lineno, node.col_offset + len(word), len(node.name), self._change[node.name]
            )
        self.generic_visit(node)


def _ordered(parts: Mapping[str, Module]) -> list[str]:
    """Return the modules, each behind those that it imports."""
    order: list[str] = []

    def place(name: str, above: tuple[str, ...]) -> None:
        if name in order or name in above:
            return
        needs = {*parts[name].aliases.values(), *(one for one, _ in parts[name].imported.values())}
        for other in sorted(needs & set(parts)):
            place(other, (*above, name))
        order.append(name)

    # First what needs nothing of ours outside: others there may need it while this is half done.
    for name in sorted(parts, key=lambda name: (_needs_others(name, parts), name)):
        place(name, ())
    return order


def _needs_others(name: str, parts: Mapping[str, Module]) -> bool:
    module = parts[name]
    outside = {*module.aliases.values(), *(one for one, _ in module.imported.values())}
    return bool(outside - set(parts))
