"""Make mutants of a source: one small mistake each, as a tired engineer makes it.

A mutant is a place and an operator; its source comes from the syntax tree, so that layout and
comments do not matter. Module constants, annotations and what only a type checker reads are left
alone: what counts is what runs.
"""

import ast
import functools
import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

OFF_BY_ONE = "off by one"
BOUNDARY = "boundary"
FLIPPED = "flipped condition"
DROPPED = "dropped call"
SWAPPED = "swapped order"
UNCHECKED = "removed check"
UNCHANGED = "nothing"  # no mistake: what a test says of that one, it says of none
OPERATORS = (OFF_BY_ONE, BOUNDARY, FLIPPED, DROPPED, SWAPPED, UNCHECKED)

SHOWN_MAX = 90  # characters of a statement

_BOUNDARIES: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}
_SIMPLE = ast.Expr | ast.Assign | ast.AugAssign
_Made = Iterator[tuple[ast.AST, str, Callable[[], None]]]


@dataclass(frozen=True)
class Mutant:
    """One mistake: in which file and function, on which line, which kind, what stood there."""

    path: str
    line: int
    function: str
    operator: str
    text: str
    number: int  # among those of its file

    @property
    def name(self) -> str:
        """Name the mutant so that a list of reviewed ones can hold it over edits elsewhere."""
        return f"{self.path} {self.function}, {self.operator}: {self.text}"

    def tree(self, original: str) -> ast.Module:
        """Return the file with the mistake in it, each line where it was."""
        tree = ast.parse(original)
        if self.operator != UNCHANGED:
            next(itertools.islice(_changes(tree), self.number, None)).make()
        return ast.fix_missing_locations(tree)

    def source(self, original: str) -> str:
        """Return the file with the mistake in it as text."""
        return ast.unparse(self.tree(original)) + "\n"


# In no function, so that every test of a stage is asked.
CONTROL = Mutant("firmware/kernel/agent.py", 0, "", UNCHANGED, "", -1)


class _Change(NamedTuple):
    node: ast.AST
    statement: ast.AST
    function: str
    operator: str
    make: Callable[[], None]

    @property
    def text(self) -> str:
        """Say what stood there, and in which statement."""
        what, where = (_shown(node) for node in (self.node, self.statement))
        return what if what == where else f"`{what}` in `{where}`"


@functools.lru_cache(maxsize=64)  # the mutants of a statement follow each other
def _shown(node: ast.AST) -> str:
    line = ast.unparse(node).splitlines()[0]
    return line if len(line) <= SHOWN_MAX else line[:SHOWN_MAX] + "…"


def mutants(path: str, source: str) -> list[Mutant]:
    """Return every mutant of a source, in order of function and place."""
    found = []
    times: Counter[tuple[str, str, str]] = Counter()
    for number, change in enumerate(_changes(ast.parse(source))):
        text = change.text
        same = (change.function, change.operator, text)
        times[same] += 1
        if times[same] > 1:
            text += f" #{times[same]}"
        line = getattr(change.node, "lineno", 0)
        found.append(Mutant(path, line, change.function, change.operator, text, number))
    return found


def _changes(tree: ast.Module) -> Iterator[_Change]:
    for name, function in _functions_of(tree, ""):
        for node, statement in _own_nodes(function):
            made = itertools.chain(_of_expression(node), _of_statements(node))
            for place, operator, make in made:
                where = place if isinstance(place, ast.stmt) else statement
                yield _Change(place, where, name, operator, make)


def _functions_of(tree: ast.AST, prefix: str) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Yield each function with its name, those of classes and of functions too."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef):
            yield prefix + node.name, node
        inner = isinstance(node, ast.FunctionDef | ast.ClassDef)
        yield from _functions_of(node, f"{prefix}{node.name}." if inner else prefix)


def _own_nodes(function: ast.FunctionDef) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Yield a function's nodes, each with its statement; inner functions' and annotations not."""
    yield function, function
    waiting: list[tuple[ast.AST, ast.AST]] = [(node, node) for node in reversed(function.body)]
    while waiting:
        node, statement = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            continue
        if isinstance(node, ast.stmt):
            statement = node
        yield node, statement
        children = list(ast.iter_child_nodes(node))
        if isinstance(node, ast.AnnAssign):
            children = [child for child in children if child is not node.annotation]
        waiting.extend((child, statement) for child in reversed(children))


def _of_expression(node: ast.AST) -> _Made:
    if isinstance(node, ast.Constant) and type(node.value) is int:
        yield node, OFF_BY_ONE, lambda: setattr(node, "value", _next(node))
    if isinstance(node, ast.Compare) and type(node.ops[0]) in _BOUNDARIES:
        other = _BOUNDARIES[type(node.ops[0])]
        yield node, BOUNDARY, lambda: node.ops.__setitem__(0, other())
    if isinstance(node, ast.If | ast.While | ast.IfExp) and not _is_constant(node.test):
        flipped = ast.UnaryOp(ast.Not(), node.test)
        yield node.test, FLIPPED, lambda: setattr(node, "test", flipped)


def _next(node: ast.Constant) -> int:
    assert isinstance(node.value, int)
    return node.value + 1


def _is_constant(test: ast.expr) -> bool:
    return isinstance(test, ast.Constant)


def _of_statements(node: ast.AST) -> _Made:
    for field in ("body", "orelse", "finalbody"):
        block = getattr(node, field, None)
        if not isinstance(block, list):
            continue
        for index, statement in enumerate(block):
            if _is_call(statement):
                yield statement, DROPPED, _put(block, index, ast.Pass())
            if _is_check(statement):
                yield statement, UNCHECKED, _put(block, index, ast.Pass())
            if index and _may_swap(block[index - 1], statement):
                yield statement, SWAPPED, _swap(block, index)


def _put(block: list[ast.stmt], index: int, statement: ast.stmt) -> Callable[[], None]:
    return lambda: block.__setitem__(index, statement)


def _swap(block: list[ast.stmt], index: int) -> Callable[[], None]:
    pair = [block[index], block[index - 1]]
    return lambda: block.__setitem__(slice(index - 1, index + 1), pair)


def _is_check(statement: ast.stmt) -> bool:
    """Tell whether a statement only leaves, on a condition."""
    return (
        isinstance(statement, ast.If)
        and not statement.orelse
        and isinstance(statement.body[-1], ast.Return | ast.Raise | ast.Continue | ast.Break)
    )


def _may_swap(first: ast.stmt, second: ast.stmt) -> bool:
    """Tell whether order matters: of two calls, or where one stores what the other uses."""
    if _is_call(first) and _is_call(second):
        return True
    if not isinstance(first, _SIMPLE) or not isinstance(second, _SIMPLE):
        return False
    stored, read = _stored(first), _read(first)
    return bool(stored & (_read(second) | _stored(second)) or read & _stored(second))


def _is_call(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)


def _stored(statement: ast.stmt) -> set[str]:
    return {ast.unparse(node) for node in ast.walk(statement) if _context(node) is ast.Store}


def _read(statement: ast.stmt) -> set[str]:
    read = {ast.unparse(node) for node in ast.walk(statement) if _context(node) is ast.Load}
    return read | (_stored(statement) if isinstance(statement, ast.AugAssign) else set())


def _context(node: ast.AST) -> type[ast.expr_context]:
    return type(getattr(node, "ctx", None))  # type: ignore[return-value]
