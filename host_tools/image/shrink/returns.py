"""Turn the returns of a function's body into assignments, so that it can stand where it is called.

What follows a return that is not the last becomes the other branch of its condition, the `else` of
its loop, or that of its `try`.

Input    the statements of a function that has no functions within
Bounds   statements are never doubled: a body that would need it is refused
"""

import ast
from collections.abc import Callable, Sequence

from .walk import walk

Give = Callable[[ast.expr | None], list[ast.stmt]]
LOOPS = (ast.For, ast.While, ast.AsyncFor)


class UnfitError(Exception):
    """A body cannot be rewritten in that way."""


def without_returns(  # noqa: PLR0911 - one for each kind of statement
    body: Sequence[ast.stmt], give: Give
) -> list[ast.stmt]:
    """Return a body that ends at its end; `give` makes what takes a return's place.

    Raises: UnfitError.
    """
    made: list[ast.stmt] = []
    for index, statement in enumerate(body):
        rest = list(body[index + 1 :])
        if isinstance(statement, ast.Return):
            return made + give(statement.value)
        if not has_return(statement):
            made.append(statement)
            if leaves([statement]):
                return made
        elif isinstance(statement, ast.If):
            return [*made, _if(statement, rest, give)]
        elif isinstance(statement, ast.For | ast.While):
            return [*made, _loop(statement, rest, give)]
        elif isinstance(statement, ast.Try):
            return [*made, _try(statement, rest, give)]
        elif isinstance(statement, ast.With) and not rest:
            body_now = _filled(without_returns(statement.body, give))
            return [*made, ast.With(statement.items, body_now)]
        else:
            raise UnfitError
    return made + give(None)


def _if(statement: ast.If, rest: list[ast.stmt], give: Give) -> ast.stmt:
    first, other = list(statement.body), list(statement.orelse)
    if leaves(first):
        other += rest
    elif other and leaves(other):
        first += rest
    elif rest:
        raise UnfitError
    first, other = without_returns(first, give), without_returns(other, give)
    if not first and other:
        return ast.If(ast.UnaryOp(ast.Not(), statement.test), other, [])
    return ast.If(statement.test, _filled(first), other)


def _loop(statement: ast.For | ast.While, rest: list[ast.stmt], give: Give) -> ast.stmt:
    if statement.orelse or has_break(statement.body):
        raise UnfitError
    body = _leaving(statement.body, give)
    if isinstance(statement, ast.For):
        after = without_returns(rest, give)
        return ast.For(statement.target, statement.iter, body, after)
    after = [] if is_true(statement.test) else without_returns(rest, give)
    return ast.While(statement.test, body, after)


def _leaving(body: Sequence[ast.stmt], give: Give) -> list[ast.stmt]:
    """Return a loop's body that breaks where it returned."""
    made: list[ast.stmt] = []
    for statement in body:
        if isinstance(statement, ast.Return):
            return [*made, *give(statement.value), ast.Break()]
        if not has_return(statement):
            made.append(statement)
        elif isinstance(statement, ast.If):
            made.append(
                ast.If(
                    statement.test,
                    _leaving(statement.body, give),
                    _leaving(statement.orelse, give),
                )
            )
        elif isinstance(statement, ast.Try) and not any(map(has_return, statement.finalbody)):
            handlers = [
                ast.ExceptHandler(one.type, one.name, _leaving(one.body, give))
                for one in statement.handlers
            ]
            made.append(
                ast.Try(
                    _leaving(statement.body, give),
                    handlers,
                    _leaving(statement.orelse, give),
                    statement.finalbody,
                )
            )
        else:
            raise UnfitError
    return made


def _try(statement: ast.Try, rest: list[ast.stmt], give: Give) -> ast.stmt:
    if any(map(has_return, statement.finalbody)) or (rest and statement.finalbody):
        raise UnfitError
    body, orelse = list(statement.body), list(statement.orelse)
    handlers = [list(one.body) for one in statement.handlers]
    falling = [one for one in handlers if not leaves(one)]
    if any(map(has_return, body)):
        if orelse or (rest and not leaves(body)) or (rest and len(falling) > 1):
            raise UnfitError
        for one in falling:
            one.extend(rest)
        body = without_returns(body, give)
    else:
        if rest and falling and not leaves(body):
            raise UnfitError
        for one in falling if leaves(body) else []:
            one.extend(rest)
        if not leaves(body):
            orelse = without_returns(orelse + rest, give)
    new = [
        ast.ExceptHandler(one.type, one.name, _filled(without_returns(within, give)))
        for one, within in zip(statement.handlers, handlers, strict=True)
    ]
    return ast.Try(_filled(body), new, orelse, statement.finalbody)


def _filled(body: list[ast.stmt]) -> list[ast.stmt]:
    return body or [ast.Pass()]


def has_return(statement: ast.stmt) -> bool:
    """Tell whether there is a return within."""
    return any(isinstance(one, ast.Return) for one in walk(statement))


def is_true(test: ast.expr) -> bool:
    """Tell whether a condition always holds."""
    return isinstance(test, ast.Constant) and bool(test.value)


def has_break(body: Sequence[ast.stmt]) -> bool:
    """Tell whether a loop's body has a break that ends this loop."""
    for statement in body:
        if isinstance(statement, ast.Break):
            return True
        if isinstance(statement, LOOPS):
            if has_break(statement.orelse):
                return True
            continue
        for name in ("body", "orelse", "finalbody"):
            if has_break(getattr(statement, name, [])):
                return True
        if any(has_break(one.body) for one in getattr(statement, "handlers", [])):
            return True
    return False


def leaves(body: Sequence[ast.stmt]) -> bool:
    """Tell whether the end of some statements is never reached."""
    for one in body:
        if isinstance(one, ast.Return | ast.Raise | ast.Break | ast.Continue):
            return True
        if isinstance(one, ast.If) and leaves(one.body) and leaves(one.orelse):
            return True
        if isinstance(one, ast.While) and is_true(one.test) and not has_break(one.body):
            return True
        if isinstance(one, ast.Try):
            through = leaves(one.body) or leaves(one.orelse)
            if leaves(one.finalbody) or (
                through and all(leaves(two.body) for two in one.handlers)
            ):
                return True
        if isinstance(one, ast.With) and leaves(one.body):
            return False  # it may swallow what was raised
    return False
