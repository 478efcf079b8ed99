"""Trees of sources with nothing but what code is made of, and the texts of such trees.

Input    the tree of a source
Bounds   a module's `__doc__` and annotations are gone: nothing of ours reads them
"""

import ast

from .walk import walk


def text_of(tree: ast.Module) -> bytes:
    """Return a tree as a text, `a, b = c, d` without parentheses: with them it makes a tuple."""
    for node in walk(tree):
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Tuple)
            and isinstance(node.targets[0], ast.Tuple)
            and len(node.value.elts) > 1
        ):
            node.value = ast.Name(", ".join(map(ast.unparse, node.value.elts)), ast.Load())
    return ast.unparse(ast.fix_missing_locations(tree)).encode() + b"\n"


class _Bare(ast.NodeTransformer):
    """Leave out what no code is made of: annotations, docstrings, what type checkers read."""

    def visit_Expr(self, node: ast.Expr) -> ast.stmt:
        return ast.Pass() if isinstance(node.value, ast.Constant) else self._inner(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt:
        if node.value is None:
            return ast.Pass()
        return self._inner(ast.Assign([node.target], node.value))

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(node.arg)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.stmt:
        node.returns = None
        return self._inner(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.stmt:
        node.returns = None
        return self._inner(node)

    def visit_If(self, node: ast.If) -> ast.stmt:
        is_dead = isinstance(node.test, ast.Constant) and not node.test.value and not node.orelse
        return ast.Pass() if is_dead else self._inner(node)

    def _inner(self, node: ast.stmt) -> ast.stmt:
        self.generic_visit(node)
        for name in ("body", "orelse", "finalbody"):
            body = getattr(node, name, None)
            if isinstance(body, list):
                left = [one for one in body if not isinstance(one, ast.Pass)]
                setattr(node, name, left or ([ast.Pass()] if name == "body" else []))
        return node


def bare(tree: ast.Module) -> ast.Module:
    """Return a tree without what no code is made of; it is used up."""
    _Bare().visit(tree)
    tree.body = [one for one in tree.body if not isinstance(one, ast.Pass)]
    return tree
