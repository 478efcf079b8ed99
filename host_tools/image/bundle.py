"""Put the modules of a package into one, in the order in which they need each other.

On a board each module costs some 300 bytes of heap before its first name, and every name it takes
from another is an entry of its own. Our packages import themselves relatively and have no effect
at import, so an image can hold each of them as one module. Its lines are those of its parts, one
after the other; `Bundle.place` tells which.

Input    the sources of an image, folded
Bounds   a name that has to change may be bound only once in its file: the build says which is not
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .errors import ImageError
from .fold import Module, read_modules, target_of


@dataclass(frozen=True)
class Bundle:
    """The sources with a package made one module, and where each part of it begins."""

    sources: Mapping[str, bytes]
    starts: tuple[tuple[int, str], ...]  # (line, path), in order

    def place(self, line: int) -> tuple[str, int]:
        """Return the file and the line in it of a line of the bundle."""
        start, path = max((start, path) for start, path in self.starts if start <= line)
        return path, line - start + 1


@dataclass
class _Names:
    """What the top-level names of a package's modules are called in their bundle."""

    called: dict[tuple[str, str], str] = field(default_factory=dict)
    origin: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)

    def of(self, module: str, name: str) -> str:
        """Return the name of something that a module has, its own or imported."""
        seen = (module, name)
        while seen in self.origin:
            seen = self.origin[seen]
        return self.called.get(seen, seen[1])


def bundle(sources: Mapping[str, bytes], package: str) -> Bundle:
    """Make one module of a package and have the others import from it.

    Raises: ImageError (our firmware's author) for a name that cannot be told apart.
    """
    modules = read_modules(sources)
    parts = {name: one for name, one in modules.items() if _is_within(name, package)}
    names = _named(parts)
    for name, module in modules.items():
        _rewrite(name, module, parts, names, package)
    order = _ordered(parts)
    made = {path: text for path, text in sources.items() if path not in _paths(parts)}
    made |= {
        module.path: module.text_now() for name, module in modules.items() if name not in parts
    }
    starts, texts, line = [], [], 1
    for name in order:
        text = parts[name].text_now()
        if not text.endswith(b"\n"):
            text += b"\n"
        if text.strip():
            starts.append((line, parts[name].path))
            texts.append(text)
            line += text.count(b"\n")
    made[f"{package}/__init__.py"] = b"".join(texts)
    return Bundle(made, tuple(starts))


def _is_within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def _paths(parts: Mapping[str, Module]) -> set[str]:
    return {module.path for module in parts.values()}


def _own_names(module: Module) -> Iterator[str]:
    """Yield what a module defines at its top level."""
    for node in module.tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif not isinstance(node, ast.Import | ast.ImportFrom):
            for inner in ast.walk(node):
                if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                    yield inner.id


def _foreign_names(module: Module) -> Iterator[str]:
    """Yield what a module has from modules that are not ours, and builtins that it uses."""
    ours = {*module.imported, *module.aliases}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.asname or alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            local = {alias.asname or alias.name for alias in node.names}
            yield from local - ours
        elif isinstance(node, ast.Name) and node.id not in ours:
            yield node.id


def _named(parts: Mapping[str, Module]) -> _Names:
    names = _Names()
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
    name: str, module: Module, parts: Mapping[str, Module], names: _Names, package: str
) -> None:
    """Have a module call everything of the package as its bundle does."""
    inside = name in parts
    change: dict[str, str] = {}
    if inside:
        change = {one: new for (owner, one), new in names.called.items() if owner == name}
        change |= {
            local: names.of(name, local)
            for local, (source, _) in module.imported.items()
            if source in parts and names.of(name, local) != local
        }
    aliases = {local: source for local, source in module.aliases.items() if source in parts}
    for one in sorted([*change, *aliases]):
        if module.stores.get(one, 0) > 1:
            raise ImageError(f'{module.path}: "{one}" is bound twice: give one another name.')
    _Rewriter(module, change, aliases, names, "" if inside else f"{package}.").visit(module.tree)
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom):
            source = target_of(name, module, node)
            if _is_within(source, package):
                inner = "pass" if inside else _import_of(source, node, parts, names, package)
                module.put(node, inner)


class _Rewriter(ast.NodeVisitor):
    """Put the new names where the old ones stand."""

    def __init__(
        self,
        module: Module,
        change: Mapping[str, str],
        aliases: Mapping[str, str],
        names: _Names,
        prefix: str,
    ) -> None:
        self._module = module
        self._change = change
        self._aliases = aliases
        self._names = names
        self._prefix = prefix

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
            self._module.put(node, self._prefix + self._names.of(source, node.attr))
        else:
            self.visit(node.value)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._rename(node, "def ")

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._rename(node, "class ")

    def visit_If(self, node: ast.If) -> None:
        if not (isinstance(node.test, ast.Constant) and not node.test.value):
            self.generic_visit(node)  # else no code is made of it

    def _rename(self, node: ast.FunctionDef | ast.ClassDef, word: str) -> None:
        top = node.col_offset == 0
        if top and node.name in self._change:
            self._module.put_at(
                node.lineno, node.col_offset + len(word), len(node.name), self._change[node.name]
            )
        self.generic_visit(node)


def _import_of(
    source: str, node: ast.ImportFrom, parts: Mapping[str, Module], names: _Names, package: str
) -> str:
    """Return how a module outside imports from the bundle what it imported from a part."""
    listed = []
    for alias in node.names:
        if f"{source}.{alias.name}" not in parts:
            new, local = names.of(source, alias.name), alias.asname or alias.name
            listed.append(new + (f" as {local}" if new != local else ""))
    lines = [f"from {package} import {', '.join(listed)}"] if listed else []
    if len(listed) < len(node.names):
        lines.append(f"import {package}")
    return "; ".join(lines)


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

    for name in sorted(parts):
        place(name, ())
    return order
