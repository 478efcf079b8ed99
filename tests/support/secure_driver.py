"""A program that calls all that `kernel/secure` offers to the rest of an agent.

What the room itself calls needs no caller. Left out is what no code of an image is made of: what a
board runs by cable alone, lent to it for that while (`BY_CABLE`); the loops in Python, for which
machine code stands; the protocols of `port.py`, which are for type checkers.
"""

import ast
from collections.abc import Collection, Iterator, Mapping

ROOM = "kernel/secure/"
LEFT_OUT = (ROOM + "loops.py", "device/crypto.py")
# What the port loads when it is called, and what has no code.
_NOT_CALLED = tuple(f"{ROOM}{name}.py" for name in ("x25519", "ed25519", "sha512", "port"))
# Keys are made, and a technician's question is answered, by code that comes over the cable.
BY_CABLE = ("Entropy", "make", "prove", "proven", "signed", "sign", "signer_of")


def driver(
    sources: Mapping[str, bytes], without: Collection[str] = BY_CABLE
) -> tuple[list[str], list[str]]:
    """Return imports of what is public in the room and not used by it, and calls of it."""
    trees = {path: _code(text) for path, text in sources.items() if path.startswith(ROOM)}
    said = {path: _said(tree) for path, tree in trees.items()}
    attributes = {name for _, names in said.values() for name in names}
    imports, calls = [], []
    for path, tree in sorted(trees.items()):
        if path in _NOT_CALLED:
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
