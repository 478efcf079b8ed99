"""Let local variables that are never needed at the same time share a name, and so a place.

MicroPython gives each local of a function a place of its own for as long as the function runs. A
frame of more than eleven words is taken from the heap at each call; and what a place holds lives
until the function ends, needed or not.

Input    a function's syntax tree
Bounds   a local is needed from the first place in the text that names it to the last, in a loop
         for all of the loop unless each turn sets it anew; what functions within use is left alone
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from .program import COMPREHENSIONS, Scope
from .walk import children, walk

_WITHIN = Scope | ast.Lambda | ast.ClassDef | COMPREHENSIONS
_LOOPS = ast.For | ast.AsyncFor | ast.While


@dataclass
class _Local:
    """One local: the span of the text in which it is needed."""

    name: str
    first: int
    last: int
    copies: str = ""  # the local of which it is a copy at first
    places: list[tuple[ast.stmt, ...]] = field(default_factory=list)  # the statements around each


def share_slots(function: Scope) -> None:
    """Rename the locals of a function."""
    spans = _Spans(function)
    if not spans.locals:
        return
    slot: dict[str, str] = {}
    ends: dict[str, int] = {}
    for parameter in _parameters(function):
        slot[parameter] = parameter
        last = spans.locals[parameter].last if parameter in spans.locals else 0
        ends[parameter] = last if parameter not in spans.fixed else spans.end
    for one in sorted(spans.locals.values(), key=lambda one: (one.first, one.name)):
        if one.name in slot:
            continue
        if one.name in spans.fixed:
            slot[one.name] = one.name
            ends[one.name] = spans.end
            continue
        free = [name for name, end in ends.items() if end < one.first]
        source = slot.get(one.copies, "")
        chosen = source if source in free else (free[-1] if free else one.name)
        slot[one.name] = chosen
        ends[chosen] = one.last
    _Renamed({name: new for name, new in slot.items() if name != new}).visit(function)


def _parameters(function: Scope) -> list[str]:
    given = function.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    return [one.arg for one in [*every, *filter(None, (given.vararg, given.kwarg))]]


class _Spans:
    """Where each local of a function is needed."""

    def __init__(self, function: Scope) -> None:
        self.locals: dict[str, _Local] = {}
        self.fixed: set[str] = set()
        self.end = 0
        self._around: list[ast.stmt] = []
        self._loops: dict[int, tuple[int, int]] = {}
        self._blocks: dict[int, int] = {}  # a statement → the list in which it stands
        self._own = set(_parameters(function)) | set(_stored(function))
        self._body(function.body)
        self.end += 1
        for one in self.locals.values():
            self._extend(one)

    def _body(self, body: list[ast.stmt]) -> None:
        for statement in body:
            self._blocks[id(statement)] = id(body)
            self._around.append(statement)
            start = self.end
            self._statement(statement)
            self._around.pop()
            if isinstance(statement, _LOOPS):
                self.end += 1
                self._loops[id(statement)] = (start, self.end)

    def _statement(self, statement: ast.stmt) -> None:  # noqa: PLR0912 - each kind of statement
        if isinstance(statement, _WITHIN):
            self._fix(statement)
        elif isinstance(statement, ast.Assign):
            self._expression(statement.value)
            for target in statement.targets:
                self._expression(target)
            target = statement.targets[0]
            if isinstance(target, ast.Name) and isinstance(statement.value, ast.Name):
                one = self.locals.get(target.id)
                if one and one.first == self.end:
                    one.copies = statement.value.id
        elif isinstance(statement, ast.AugAssign):
            self._expression(statement.target)
            self._expression(statement.value)
            self._expression(statement.target)
        elif isinstance(statement, ast.For | ast.AsyncFor):
            self._expression(statement.iter)
            self._expression(statement.target)
            self._body(statement.body)
            self._body(statement.orelse)
        else:
            for child in children(statement):
                if isinstance(child, ast.expr):
                    self._expression(child)
                elif isinstance(child, ast.withitem):
                    self._expression(child.context_expr)
                    if child.optional_vars:
                        self._expression(child.optional_vars)
            if isinstance(statement, ast.Global | ast.Nonlocal):
                self.fixed |= set(statement.names)
            elif isinstance(statement, ast.Delete):
                self._fix(statement)
            self._bodies(statement)

    def _bodies(self, statement: ast.stmt) -> None:
        self._body(getattr(statement, "body", []))
        for handler in getattr(statement, "handlers", []):
            if handler.type:
                self._expression(handler.type)
            if handler.name:
                self.fixed.add(handler.name)
                self._see(handler.name)
            self._body(handler.body)
        self._body(getattr(statement, "orelse", []))
        self._body(getattr(statement, "finalbody", []))

    def _expression(self, node: ast.expr) -> None:
        if isinstance(node, _WITHIN):
            self._fix(node)
        elif isinstance(node, ast.Name):
            self._see(node.id)
        else:
            if isinstance(node, ast.NamedExpr):
                self._fix(node)
            for child in children(node):
                if isinstance(child, ast.expr):
                    self._expression(child)
                elif isinstance(child, ast.keyword):
                    self._expression(child.value)

    def _fix(self, node: ast.AST) -> None:
        for one in walk(node):
            if isinstance(one, ast.Name):
                self.fixed.add(one.id)
                self._see(one.id)
            elif isinstance(one, Scope):
                self.fixed.add(one.name)

    def _see(self, name: str) -> None:
        if name not in self._own:
            return
        self.end += 1
        one = self.locals.setdefault(name, _Local(name, self.end, self.end))
        one.last = self.end
        one.places.append(tuple(self._around))

    def _extend(self, one: _Local) -> None:
        depth = self._depth_of_block(one)
        for around in one.places:
            for statement in around[depth:]:
                if id(statement) in self._loops:
                    first, last = self._loops[id(statement)]
                    one.first, one.last = min(one.first, first), max(one.last, last)

    def _depth_of_block(self, one: _Local) -> int:
        """Return how deep the block lies whose first word about a local sets it; 0 if none."""
        shared = 0
        while all(
            len(around) > shared + 1 and around[shared] is one.places[0][shared]
            for around in one.places
        ) and self._is_one_list(one, shared + 1):
            shared += 1
        return shared if _sets(one.places[0][shared], one.name) else 0

    def _is_one_list(self, one: _Local, depth: int) -> bool:
        lists = {self._blocks[id(around[depth])] for around in one.places}
        return len(lists) == 1


def _sets(statement: ast.stmt, name: str) -> bool:
    """Tell whether the first that a statement does with a local is to set it, come what may."""
    if not isinstance(statement, ast.Assign):
        return False
    if any(isinstance(one, ast.Name) and one.id == name for one in walk(statement.value)):
        return False
    target = statement.targets[0]
    names = target.elts if isinstance(target, ast.Tuple) else [target]
    return any(isinstance(one, ast.Name) and one.id == name for one in names)


def _stored(function: Scope) -> Iterator[str]:
    for one in walk(function):
        if isinstance(one, ast.Name) and not isinstance(one.ctx, ast.Load):
            yield one.id
        elif isinstance(one, ast.ExceptHandler) and one.name:
            yield one.name


class _Renamed(ast.NodeTransformer):
    def __init__(self, change: dict[str, str]) -> None:
        self._change = change

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self._change.get(node.id, node.id)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        self.generic_visit(node)
        target = node.targets[0]
        is_same = isinstance(target, ast.Name) and isinstance(node.value, ast.Name)
        if is_same and len(node.targets) == 1 and target.id == node.value.id:  # type: ignore[attr-defined]
            return ast.Pass()
        return node
