"""In which order a statement is evaluated, and whether a call in it can be done before the rest.

That is so if all that comes before the call is the same after it: constants, local names, global
ones bound once, attributes that keep their value from construction on, whether two of these are
the same, and what can only be computed of numbers and texts. What an object holds may change
meanwhile: its truth, its sums and `==` are not the same after a call.

Input    a statement and a call in it
Bounds   MicroPython's order differs from CPython's in displays of dicts: neither is relied on
"""

import ast
from collections.abc import Callable, Iterator

from .program import COMPREHENSIONS
from .walk import children, walk

_ORDER = ast.Lt | ast.LtE | ast.Gt | ast.GtE
# What fails for no number; text formats itself by `%`, which is left out with the remainder.
_SAFE = ast.Add | ast.Sub | ast.Mult | ast.BitAnd | ast.BitOr | ast.BitXor
Steady = Callable[[ast.Name | ast.Attribute], bool]


def headers(statement: ast.stmt) -> list[ast.expr]:  # noqa: PLR0911 - one for each kind of node
    """Return the expressions of a statement itself, in the order in which they are evaluated."""
    if isinstance(statement, ast.Assign):
        return [statement.value, *statement.targets]
    if isinstance(statement, ast.AugAssign):
        # A local is the same after a call; what an attribute was must be read before it.
        is_local = isinstance(statement.target, ast.Name)
        return [statement.value] if is_local else [statement.target, statement.value]
    if isinstance(statement, ast.Return | ast.Expr):
        return [statement.value] if statement.value else []
    if isinstance(statement, ast.If | ast.While):
        return [statement.test]
    if isinstance(statement, ast.For):
        return [statement.iter]
    if isinstance(statement, ast.Raise):
        return [one for one in (statement.exc, statement.cause) if one]
    if isinstance(statement, ast.With):
        return [item.context_expr for item in statement.items[:1]]
    return []


def parts(node: ast.AST) -> list[ast.expr] | None:
    """Return what an expression is made of, in order; None if not all of it is evaluated."""
    if isinstance(node, ast.BoolOp | ast.IfExp | ast.Lambda | ast.Dict | COMPREHENSIONS):
        return None
    if isinstance(node, ast.Call):
        function = node.func
        return [function, *node.args, *(one.value for one in node.keywords)]
    if isinstance(node, ast.Compare) and len(node.ops) > 1:
        return None
    found: list[ast.expr] = []
    for one in children(node):
        if isinstance(one, ast.expr):
            found.append(one)
    return found


def calls(node: ast.AST) -> Iterator[ast.expr]:
    """Yield all that may be a call in an expression, what is evaluated first before the others."""
    if isinstance(node, ast.Lambda | COMPREHENSIONS):
        return
    for one in children(node):
        yield from calls(one)
    if isinstance(node, ast.Call | ast.Attribute):
        yield node


def can_come_first(statement: ast.stmt, call: ast.AST, is_steady: Steady) -> bool:
    """Tell whether all that is evaluated before a call in a statement is the same after it."""
    return _before(headers(statement), call, is_steady)


def _before(nodes: list[ast.expr], call: ast.AST, is_steady: Steady) -> bool:
    for node in nodes:
        if node is call:
            return True
        if any(one is call for one in walk(node)):
            inner = parts(node)
            if isinstance(node, ast.BoolOp):
                inner = node.values[:1]
            elif isinstance(node, ast.IfExp):
                inner = [node.test]
            elif isinstance(node, ast.Compare):
                inner = [node.left, node.comparators[0]]
            return inner is not None and _before(inner, call, is_steady)
        if not is_stable(node, is_steady):
            return False
    return False


def is_stable(node: ast.expr, is_steady: Steady) -> bool:  # noqa: PLR0911 - one for each kind of node
    """Tell whether an expression has the same value whatever is called meanwhile."""
    if isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.Name):
        return isinstance(node.ctx, ast.Load) and is_steady(node)
    if isinstance(node, ast.Attribute):
        is_read = isinstance(node.ctx, ast.Load)
        return is_read and is_steady(node) and is_stable(node.value, is_steady)
    if isinstance(node, ast.UnaryOp):
        return _is_number(node.operand) and is_stable(node.operand, is_steady)
    if isinstance(node, ast.BinOp):
        return _is_number(node) and all(_is_stable_part(one, is_steady) for one in _sides(node))
    if isinstance(node, ast.Compare):
        values = [node.left, *node.comparators]
        is_same = all(isinstance(op, ast.Is | ast.IsNot) for op in node.ops)
        is_order = all(isinstance(op, _ORDER) for op in node.ops) and any(map(_is_number, values))
        return (is_same or is_order) and all(_is_stable_part(one, is_steady) for one in values)
    return False


def _is_stable_part(node: ast.expr, is_steady: Steady) -> bool:
    """Tell the same of a part of what is a number, and thus made of numbers."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, _SAFE):
        return all(_is_stable_part(one, is_steady) for one in _sides(node))
    return is_stable(node, is_steady)


def _sides(node: ast.BinOp) -> tuple[ast.expr, ast.expr]:
    return node.left, node.right


def _is_number(node: ast.expr) -> bool:
    """Tell whether a value is a number or a text, or else to compute it fails.

    A list or an object of ours is neither: what it holds may change meanwhile.
    """
    if isinstance(node, ast.Constant):
        return isinstance(node.value, int | float | str)
    if isinstance(node, ast.UnaryOp):
        return not isinstance(node.op, ast.Not) or _is_number(node.operand)
    if isinstance(node, ast.BinOp) and isinstance(node.op, _SAFE):
        is_product = isinstance(node.op, ast.Mult)  # of a list, too
        return (all if is_product else any)(map(_is_number, _sides(node)))
    return isinstance(node, ast.Compare)


def is_read(node: ast.expr, properties: set[str]) -> bool:  # noqa: PLR0911 - one for each kind of node
    """Tell whether an expression only looks: it changes nothing and cannot fail."""
    if isinstance(node, ast.Constant | ast.Name):
        return True
    if isinstance(node, ast.Attribute):
        return node.attr not in properties and is_read(node.value, properties)
    if isinstance(node, ast.UnaryOp):
        return is_read(node.operand, properties)
    if isinstance(node, ast.BinOp):
        is_safe = isinstance(node.op, _SAFE)
        return is_safe and is_read(node.left, properties) and is_read(node.right, properties)
    if isinstance(node, ast.BoolOp):
        return all(is_read(one, properties) for one in node.values)
    if isinstance(node, ast.IfExp):
        return all(is_read(one, properties) for one in (node.test, node.body, node.orelse))
    if isinstance(node, ast.Compare):
        is_order = all(not isinstance(op, ast.In | ast.NotIn) for op in node.ops)
        return is_order and all(is_read(one, properties) for one in [node.left, *node.comparators])
    return False


def is_looking(node: ast.expr, properties: set[str]) -> bool:
    """Tell whether an expression calls nothing; it may index, and thus fail."""
    if isinstance(node, ast.Subscript):
        whole = not isinstance(node.slice, ast.Slice)
        return whole and is_looking(node.value, properties) and is_looking(node.slice, properties)
    if isinstance(node, ast.Constant | ast.Name | ast.Attribute):
        return is_read(node, properties) or (
            isinstance(node, ast.Attribute)
            and node.attr not in properties
            and is_looking(node.value, properties)
        )
    if isinstance(node, ast.Tuple):
        return all(is_looking(one, properties) for one in node.elts)
    if isinstance(node, ast.UnaryOp | ast.BinOp | ast.BoolOp | ast.IfExp | ast.Compare):
        return all(
            is_looking(one, properties) for one in children(node) if isinstance(one, ast.expr)
        )
    return False


def is_conditional(statement: ast.stmt, call: ast.AST) -> ast.expr | None:
    """Return the outermost `and`, `or` or `if` that decides whether a call is evaluated."""
    for header in headers(statement):
        node: ast.AST | None = header if _holds(header, call) else None
        while node is not None and node is not call:
            first: ast.AST | None = None
            if isinstance(node, ast.BoolOp):
                first = node.values[0]
            elif isinstance(node, ast.IfExp):
                first = node.test
            if first is not None and not _holds(first, call):
                return node  # type: ignore[return-value]
            node = next((one for one in children(node) if _holds(one, call)), None)
    return None


def _holds(node: ast.AST, call: ast.AST) -> bool:
    return any(one is call for one in walk(node))
