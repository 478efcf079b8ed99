"""What the names of a function and a class are bound to.

Input    syntax trees
Bounds   a function's own names and those of functions within it are not told apart
"""

import ast

from .program import Scope, bound_in
from .walk import walk


def is_none(node: ast.AST | None) -> bool:
    """Tell whether an expression is None itself."""
    return isinstance(node, ast.Constant) and node.value is None


def assigned(node: ast.AST) -> list[tuple[ast.expr, ast.expr | None]]:
    """Return what a statement assigns to, each with its value if that is plain."""
    if isinstance(node, ast.AnnAssign):
        return [(node.target, node.value)]
    if not isinstance(node, ast.Assign):
        return []
    found: list[tuple[ast.expr, ast.expr | None]] = []
    for target in node.targets:
        if not isinstance(target, ast.Tuple):
            found.append((target, node.value))
        elif isinstance(node.value, ast.Tuple) and len(node.value.elts) == len(target.elts):
            found += zip(target.elts, node.value.elts, strict=True)
    return found


def bindings_of(  # noqa: PLR0912 - one for each way to bind a name
    scope: "ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda",
) -> dict[str, list[ast.AST | None]]:
    """Return what a function's names are bound to: a parameter, an import, a value, or unknown."""
    found: dict[str, list[ast.AST | None]] = {}
    arguments = scope.args
    for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        found.setdefault(one.arg, []).append(one)
    plain: set[int] = set()
    nodes = list(walk(scope))
    for node in nodes:
        for target, value in assigned(node):
            if isinstance(target, ast.Name) and value is not None:
                plain.add(id(target))
                found.setdefault(target.id, []).append(value)
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                found.setdefault(alias.asname or alias.name, []).append(alias)
    others = [one for one in (arguments.vararg, arguments.kwarg) if one]
    for name in bound_in(scope) | {one.arg for one in others}:
        found.setdefault(name, [None])
    for node in nodes:
        is_bound = isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
        if is_bound and id(node) not in plain:
            found[node.id].append(None)  # type: ignore[attr-defined]
        elif isinstance(node, ast.ExceptHandler) and node.name:
            found[node.name].append(None)
        elif isinstance(node, ast.Global | ast.Nonlocal):
            for name in node.names:
                found[name].append(None)
        elif isinstance(node, Scope | ast.ClassDef) and node is not scope:
            found[node.name].append(None)
    return found


def bound_in_class(cls: ast.ClassDef) -> set[str]:
    """Return the names that a class binds: methods, and attributes of the class itself."""
    found: set[str] = set()
    for node in cls.body:
        if isinstance(node, Scope):
            found.add(node.name)
        else:
            found |= {one.id for one in walk(node) if isinstance(one, ast.Name)}
    return found
