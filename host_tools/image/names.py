"""Give the private names of our firmware short ones that many of them share.

On a board every name costs heap, 12 bytes and more, and bytes of every file that uses it. A name
with a leading underscore is a matter of few files: where two never meet, they can have the same
short name. Lines stay where they are, and so do public names and those that a text mentions.

Input    sources that are compiled together, and no others that use their private names
Bounds   names are told apart within a file, and within files whose classes inherit or whose
         private names are used across
"""

import ast
import io
import itertools
import re
import string
import tokenize
from collections.abc import Iterator, Mapping

_LETTERS = string.ascii_lowercase
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")


def shorten(sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the sources with their private names shortened."""
    trees = {
        path: ast.parse(text, path)
        for path, text in sorted(sources.items())
        if path.endswith(".py")
    }
    names = {
        path: {name for name in _names(tree) if _is_private(name)} for path, tree in trees.items()
    }
    defined = {name for tree in trees.values() for name in _defined(tree)}
    spoken = {name for tree in trees.values() for name in spoken_names(tree)}
    public = {name for tree in trees.values() for name in _names(tree) if not _is_private(name)}
    short = _colour(_families(trees, names), defined - spoken, public | spoken)
    return {
        path: _renamed(text, short) if path in trees else text for path, text in sources.items()
    }


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name != "_"


def _names(tree: ast.AST) -> Iterator[str]:
    """Yield every identifier of a file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.arg) or (isinstance(node, ast.keyword) and node.arg):
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


def _defined(tree: ast.AST) -> Iterator[str]:
    """Yield the names that a file makes; what it only uses is somebody else's."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name


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
            yield from _names(node)


def _unread(owner: ast.AST) -> Iterator[ast.AST]:
    if isinstance(owner, ast.Expr) and isinstance(owner.value, ast.Constant):
        yield owner.value
    for note in (getattr(owner, "annotation", None), getattr(owner, "returns", None)):
        if isinstance(note, ast.AST):
            yield note


def _families(
    trees: Mapping[str, ast.Module], names: Mapping[str, set[str]]
) -> dict[str, frozenset[str]]:
    """Return, for each private name, the groups of files in which it must differ from others.

    A group is a file, together with those whose classes its own derive from.
    """
    bases = {path: {name for name in _bases(tree)} for path, tree in trees.items()}
    classes = {
        node.name: path
        for path, tree in trees.items()
        for node in tree.body
        if isinstance(node, ast.ClassDef)
    }
    group = {path: path for path in trees}
    for path in trees:
        for base in sorted(bases[path]):
            if base in classes and group[classes[base]] != group[path]:
                old, new = group[classes[base]], group[path]
                group = {other: new if one == old else one for other, one in group.items()}
    found: dict[str, set[str]] = {}
    for path, inner in names.items():
        for name in inner:
            found.setdefault(name, set()).add(group[path])
    return {name: frozenset(places) for name, places in found.items()}


def _bases(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            for base in node.bases:
                yield base.id if isinstance(base, ast.Name) else getattr(base, "attr", "")


def _colour(
    places: Mapping[str, frozenset[str]], wanted: set[str], taken: set[str]
) -> dict[str, str]:
    """Return a short name for each name, the same for names that share no place."""
    short: dict[str, str] = {}
    used: dict[str, set[str]] = {}
    kept = taken | (set(places) - wanted)
    for name in sorted(wanted & set(places), key=lambda name: (-len(places[name]), name)):
        for candidate in _candidates():
            busy = any(candidate in used.setdefault(place, set()) for place in places[name])
            if candidate not in kept and not busy:
                break
        short[name] = candidate
        for place in places[name]:
            used[place].add(candidate)
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
