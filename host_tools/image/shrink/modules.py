"""The sources of an image as syntax trees, with what they say by themselves and of each other.

A pass has stretches of a text replaced, whose lines keep their numbers, and hands the texts on.
"""

import ast
import functools
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .walk import children

FLAG = "TYPE_CHECKING"  # False on a board: what stands below it is for type checkers


@dataclass
class Module:
    """One source: its tree, what its imports bring in, and what is to be replaced in it."""

    path: str
    text: str
    tree: ast.Module
    nodes: tuple[ast.AST, ...]  # those of which code is made
    stores: dict[str, int] = field(default_factory=dict)
    values: dict[str, int] = field(default_factory=dict)
    imported: dict[str, tuple[str, str]] = field(default_factory=dict)  # name → (module, name)
    aliases: dict[str, str] = field(default_factory=dict)  # name → module
    changed: frozenset[str] = frozenset()  # attributes that are assigned to
    left: dict[str, int] = field(default_factory=dict)  # names still referred to, how often
    edits: list["_Edit"] = field(default_factory=list)

    def put(self, node: ast.expr | ast.stmt, text: str) -> None:
        """Have a node's text replaced, and what was to be replaced within it forgotten."""
        assert node.end_lineno is not None and node.end_col_offset is not None
        start, end = (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)
        self.edits = [edit for edit in self.edits if not start <= edit.start < end]
        self.edits.append(_Edit(start, end, text))

    def put_at(self, line: int, column: int, length: int, text: str) -> None:
        """Have a stretch of one line replaced."""
        self.edits.append(_Edit((line, column), (line, column + length), text))

    def text_now(self) -> bytes:
        """Return the source with its edits; every line keeps its number."""
        lines = [line.encode() for line in self.text.split("\n")]
        for edit in sorted(self.edits, key=lambda edit: edit.start, reverse=True):
            (first, begin), (last, end) = edit.start, edit.end
            text = lines[first - 1][:begin] + edit.text.encode() + lines[last - 1][end:]
            lines[first - 1 : last] = [text, *[b""] * (last - first)]
        return b"\n".join(lines)


@dataclass(frozen=True)
class _Edit:
    """A stretch of a source, from (line, column) to (line, column), and what to put there."""

    start: tuple[int, int]
    end: tuple[int, int]
    text: str


def read_modules(sources: Mapping[str, bytes]) -> dict[str, Module]:
    """Return the Python sources by dotted name, their imports from each other resolved."""
    modules = {
        dotted(path): _parse(path, text)
        for path, text in sorted(sources.items())
        if path.endswith(".py")
    }
    for name, module in modules.items():
        _resolve_imports(name, module, modules)
    return modules


def dotted(path: str) -> str:
    """Return by which name a file is imported."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _parse(path: str, source: bytes) -> Module:
    text = source.decode()
    facts = _facts(text)
    return Module(path, text, facts.tree, facts.nodes, dict(facts.stores), changed=facts.changed)


@dataclass(frozen=True)
class _Facts:
    """What a text says by itself; it is asked for again after each pass."""

    tree: ast.Module
    nodes: tuple[ast.AST, ...]
    stores: Mapping[str, int]
    changed: frozenset[str]


@functools.lru_cache(maxsize=512)
def _facts(text: str) -> _Facts:
    tree = ast.parse(text)
    nodes = tuple(_live(tree))
    methods = {
        id(inner) for node in nodes if isinstance(node, ast.ClassDef) for inner in node.body
    }
    stores: Counter[str] = Counter()
    changed = set()
    imported = set()
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            # To import the same again binds the same.
            imported |= {
                (alias.asname or alias.name, node.level, node.module, alias.name)
                for alias in node.names
            }
        elif isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
            changed.add(node.attr)
        if id(node) not in methods or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            stores.update(_bound(node))  # a method is reached through its class alone
    stores.update(name for name, *_ in imported)
    return _Facts(tree, nodes, stores, frozenset(changed))


def _bound(node: ast.AST) -> Iterator[str]:
    """Yield the names that a node binds, wherever: a name bound twice is no constant."""
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, ast.Import):
        yield from (alias.asname or alias.name.split(".")[0] for alias in node.names)
    elif isinstance(node, ast.Global | ast.Nonlocal):
        yield from node.names
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name


def _resolve_imports(name: str, module: Module, modules: Mapping[str, Module]) -> None:
    for node in module.nodes:
        if not isinstance(node, ast.ImportFrom):
            continue
        source = target_of(name, module, node)
        for alias in node.names:
            local, below = alias.asname or alias.name, f"{source}.{alias.name}"
            if module.stores.get(local) != 1:
                continue
            if below in modules:
                module.aliases[local] = below
            elif source in modules:
                module.imported[local] = (source, alias.name)


def _live(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and all below it of which code is made, in the order of the text."""
    stack = [tree]
    while stack:
        node = stack.pop()
        yield node
        stack += [inner for inner in children(node) if not is_dead(inner)][::-1]


def is_dead(node: ast.AST) -> bool:
    """Tell whether a node is there for type checkers only."""
    if not isinstance(node, ast.If):
        return False
    flag, zero = isinstance(node.test, ast.Name), isinstance(node.test, ast.Constant)
    return (flag and node.test.id == FLAG) or (zero and not node.test.value)  # type: ignore[attr-defined]


def target_of(name: str, module: Module, node: ast.ImportFrom) -> str:
    """Return the dotted name of the module that an import names."""
    if not node.level:
        return node.module or ""
    package = name if module.path.endswith("__init__.py") else name.rpartition(".")[0]
    parts = package.split(".")
    parts = parts[: len(parts) - node.level + 1]
    return ".".join([*parts, *([node.module] if node.module else [])])
