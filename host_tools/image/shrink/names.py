"""Give the names of our firmware short ones that many of them share.

On a board every name costs heap, 12 bytes and more, and bytes of every file that uses it. Where
two names never meet they can have the same short one. What stays: the names that applications
use, those that MicroPython knows, and those that a text mentions. Lines stay where they are.

Input    all sources that use each other's names, but for those in `keep`
Bounds   names are told apart within a file, in files whose classes inherit, and wherever one of
         them is used across files
"""

import ast
import io
import itertools
import re
import string
import tokenize
from collections.abc import Iterable, Iterator, Mapping

from .known_names import KNOWN_NAMES

_LETTERS = string.ascii_lowercase
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")


def shorten(sources: Mapping[str, bytes], keep: Iterable[str] = ()) -> dict[str, bytes]:
    """Return the sources with their own names shortened, but for those in `keep`."""
    trees = {
        path: ast.parse(text, path)
        for path, text in sorted(sources.items())
        if path.endswith(".py")
    }
    used = {path: set(names_in(tree)) for path, tree in trees.items()}
    kept = {*KNOWN_NAMES, *keep, *_parts_of_paths(sources)}
    kept |= {name for tree in trees.values() for name in [*spoken_names(tree), *_errors(tree)]}
    ours = {name for tree in trees.values() for name in defined_names(tree)}
    ours = {name for name in ours - kept if not name.startswith("__") and len(name) > 1}
    taken = {name for names in used.values() for name in names} - ours | kept
    short = _colour(_places(trees, used), ours, taken)
    return {
        path: _renamed(text, short) if path in trees else text for path, text in sources.items()
    }


def _errors(tree: ast.Module) -> Iterator[str]:
    """Yield the names of exceptions: a person reads them."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name.endswith("Error"):
            yield node.name


def _parts_of_paths(paths: Iterable[str]) -> Iterator[str]:
    for path in paths:
        yield from path.removesuffix(".py").split("/")


def names_in(tree: ast.AST) -> Iterator[str]:
    """Yield every identifier of a file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.arg | ast.keyword) and node.arg:
            yield node.arg
        elif isinstance(node, ast.alias):
            yield from node.name.split(".")
            if node.asname:
                yield node.asname
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from node.module.split(".")
        elif isinstance(node, ast.Global | ast.Nonlocal):
            yield from node.names
        elif isinstance(node, ast.ExceptHandler) and node.name:
            yield node.name


def defined_names(tree: ast.AST, *, within: bool = False) -> Iterator[str]:
    """Yield the names that a file makes and that cost something; what it only uses is another's.

    Local variables cost nothing: `within` says that this is the inside of a function.
    """
    for node in ast.iter_child_nodes(tree):
        inside = within
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            inside = True
        elif isinstance(node, ast.ClassDef):
            inside = False
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and not within:
            yield node.id
        elif isinstance(node, ast.alias) and node.asname:
            yield node.asname
        yield from defined_names(node, within=inside)


def spoken_names(tree: ast.AST) -> Iterator[str]:
    """Yield the names that stand in texts: for getattr, or in an f-string.

    Annotations and docstrings are texts too, but nobody reads them on a board.
    """
    unread = {
        id(node) for owner in ast.walk(tree) for note in _unread(owner) for node in ast.walk(note)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) not in unread:
                yield from _IDENTIFIER.findall(node.value)
        elif isinstance(node, ast.JoinedStr):
            yield from names_in(node)


def _unread(owner: ast.AST) -> Iterator[ast.AST]:
    if isinstance(owner, ast.Expr) and isinstance(owner.value, ast.Constant):
        yield owner.value
    for note in (getattr(owner, "annotation", None), getattr(owner, "returns", None)):
        if isinstance(note, ast.AST):
            yield note


def _places(
    trees: Mapping[str, ast.Module], used: Mapping[str, set[str]]
) -> dict[str, frozenset[str]]:
    """Return, for each name, the groups of files in which it must differ from others.

    A group is a file, together with those whose classes its own derive from.
    """
    classes = {
        node.name: path
        for path, tree in trees.items()
        for node in tree.body
        if isinstance(node, ast.ClassDef)
    }
    group = {path: path for path in trees}
    for path, tree in trees.items():
        for base in sorted(set(_bases(tree)) & set(classes)):
            old, new = group[classes[base]], group[path]
            group = {other: new if one == old else one for other, one in group.items()}
    found: dict[str, set[str]] = {}
    for path, names in used.items():
        for name in names:
            found.setdefault(name, set()).add(group[path])
    return {name: frozenset(places) for name, places in found.items()}


def _bases(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            for base in node.bases:
                yield base.id if isinstance(base, ast.Name) else getattr(base, "attr", "")


def _colour(
    places: Mapping[str, frozenset[str]], ours: set[str], taken: set[str]
) -> dict[str, str]:
    """Return a short name for each name of ours, the same for names that share no place."""
    short: dict[str, str] = {}
    used: dict[str, set[str]] = {}
    for name in sorted(ours & set(places), key=lambda name: (-len(places[name]), name)):
        busy = taken.union(*(used.setdefault(place, set()) for place in places[name]))
        short[name] = next(candidate for candidate in _candidates() if candidate not in busy)
        for place in places[name]:
            used[place].add(short[name])
    return short


def _candidates() -> Iterator[str]:
    for length in itertools.count(1):
        for letters in itertools.product(_LETTERS, repeat=length):
            yield "_" + "".join(letters)


def _renamed(source: bytes, short: Mapping[str, str]) -> bytes:
    lines = source.decode().split("\n")
    tokens = list(tokenize.generate_tokens(io.StringIO(source.decode()).readline))
    for token in reversed(tokens):
        if token.type == tokenize.NAME and token.string in short:
            (row, begin), (_, end) = token.start, token.end
            line = lines[row - 1]
            lines[row - 1] = line[:begin] + short[token.string] + line[end:]
    return "\n".join(lines).encode()
