"""Put functions that are called from one place there, and short ones wherever they are called.

On a board a function costs some 50 bytes of heap, an entry in its class and its name, although its
code runs from flash. The sources are cut into small functions for people; an image needs few.

Input    the bundled sources of our firmware
Bounds   what a name may mean somewhere counts: a function that anybody may call otherwise stays.
         Nothing is put into coroutines and generators but expressions: their frame lives long, and
         would keep alive what a call forgets at its end
"""

import ast
import functools
from collections import deque
from collections.abc import Collection, Iterator, Mapping
from copy import deepcopy
from dataclasses import replace

from .bare import bare, text_of
from .order import calls, can_come_first, headers, is_conditional, is_read
from .place import Placed, bind, expression, substitutes
from .program import Function, Program, Scope, bound_in, is_fit
from .receivers import tell_apart
from .returns import UnfitError, has_return, is_true, leaves, without_returns
from .slots import share_slots
from .walk import walk

_ROUNDS_MAX = 9


_GROWTH_OF_BODIES_MAX = 60  # the same for bodies of statements: what a function is worth in flash
_GROWTH_MAX = 6  # nodes of all places together, above what a function itself is worth


def inline(sources: Mapping[str, bytes], keep: Collection[str]) -> dict[str, bytes]:
    """Return the sources with fewer functions; those in `keep` stay."""
    return dict(_inlined(tuple(sorted(sources.items())), frozenset(keep)))


@functools.lru_cache(maxsize=8)
def _inlined(
    items: tuple[tuple[str, bytes], ...], keep: frozenset[str]
) -> tuple[tuple[str, bytes], ...]:
    sources = dict(items)
    trees = {path: ast.parse(text) for path, text in sources.items() if path.endswith(".py")}
    keep |= tell_apart(trees, keep)
    trees = {path: bare(tree) for path, tree in trees.items()}
    _put_all(trees, keep)
    refused: set[tuple[str, str, str]] = set()
    while True:
        trial = deepcopy(trees)
        again = _Inliner(Program(trial, keep), refused)
        again.run()
        if not again.left_over():
            break
        refused |= again.left_over()
    trees = trial
    _put_all(trees, keep)
    for tree in trees.values():
        for node in walk(tree):
            if isinstance(node, Scope):
                share_slots(node)
    return tuple((path, text_of(trees[path]) if path in trees else text) for path, text in items)


def _put_all(trees: Mapping[str, ast.Module], keep: Collection[str]) -> None:
    """Put what is used once where it is, until there is nothing left to do."""
    for _ in range(_ROUNDS_MAX):
        program = Program(trees, keep)
        if not _put_expressions(program) and not _Inliner(program).run():
            break


def _drop(program: Program, functions: Collection[Function]) -> None:
    """Leave out definitions that nothing refers to any more."""
    gone = {id(one.node) for one in functions}
    for module in program.modules.values():
        for owner in [module.tree, *module.tree.body]:
            if isinstance(owner, ast.Module | ast.ClassDef):
                owner.body = [one for one in owner.body if id(one) not in gone] or [ast.Pass()]
        wanted = {one.id for one in walk(module.tree) if isinstance(one, ast.Name)}
        names = {one.node.name for one in functions if not one.owner}
        for node in module.tree.body:
            if isinstance(node, ast.ImportFrom):
                node.names = [
                    one
                    for one in node.names
                    if one.name not in names or (one.asname or one.name) in wanted
                ]
        module.tree.body = [
            one for one in module.tree.body if not isinstance(one, ast.ImportFrom) or one.names
        ]


def _put_expressions(program: Program) -> bool:
    """Put what a function returns where it is called, if that is all it does."""
    chosen: dict[int, Function] = {}
    functions: list[Function] = []
    for function in program.functions.values():
        value = expression(function)
        if value is None or not function.uses or not function.is_known or not is_fit(function):
            continue
        inner = [program.used_at(one) for one in walk(value)]
        if any(one in functions or one is function for one in inner if one):
            continue
        if any(scope is one.node for one in functions for scope, _ in function.uses):
            continue  # what another puts into place in this round stays as it is
        if any(id(node) in chosen for _, site in function.uses for node in walk(site)):
            continue
        if _is_too_long(function, value):
            continue
        if all(
            scope is not None and substitutes(program, function, scope, site, value)
            for scope, site in function.uses
        ):
            functions.append(function)
            chosen |= {id(site): function for _, site in function.uses}
    for module in program.modules.values():
        _Expressions(program, chosen).visit(module.tree)
    _drop(program, functions)
    return bool(functions)


def _is_too_long(function: Function, value: ast.expr) -> bool:
    length = sum(isinstance(one, ast.expr) for one in walk(value))
    call = 2 + len(function.node.args.args)
    return (length - call) * (len(function.uses) - 1) > _GROWTH_MAX


class _Expressions(ast.NodeTransformer):
    def __init__(self, program: Program, chosen: Mapping[int, Function]) -> None:
        self._program = program
        self._chosen = chosen

    def visit(self, node: ast.AST) -> ast.AST:
        self.generic_visit(node)
        function = self._chosen.get(id(node))
        if function is None:
            return node
        value = deepcopy(expression(function))
        assert isinstance(node, ast.expr) and value is not None
        return Placed.at(self._program, function, node).put(value)


class _Inliner:
    """Put each function that is called once where that is, short ones in each of their places.

    Only the former without `refused`, which names those that cannot stand in all of their places.
    """

    def __init__(
        self, program: Program, refused: Collection[tuple[str, str, str]] | None = None
    ) -> None:
        self._program = program
        self._refused = refused
        self._begun: set[int] = set()
        self._done_with: set[int] = set()
        self._failed: set[int] = set()
        self._placed: list[Function] = []
        self._times: dict[int, int] = {}  # in how many places a function stands by now
        self._names: set[str] = set()  # of the function at hand
        self._locals: set[str] = set()
        self._made: set[str] = set()  # locals that nothing but the next statement reads
        self._path = ""

    def run(self) -> bool:
        """Return whether there was anything to do."""
        for function in self._program.functions.values():
            self._expand(function)
        _drop(self._program, self._placed)
        return bool(self._placed)

    def left_over(self) -> set[tuple[str, str, str]]:
        """Return the functions that are in some of their places and not in others."""
        return {
            key
            for key, one in self._program.functions.items()
            if one not in self._placed and self._times.get(id(one))
        }

    def _expand(self, function: Function) -> None:
        if id(function) in self._begun:
            return
        self._begun.add(id(function))
        if any(isinstance(one, ast.Yield | ast.YieldFrom) for one in walk(function.node)):
            return
        for site in list(calls_in(function.node)):
            used = self._program.used_at(site)
            if used:
                self._expand(used)
        self._names = {one.id for one in walk(function.node) if isinstance(one, ast.Name)}
        self._names |= {one.arg for one in walk(function.node) if isinstance(one, ast.arg)}
        self._locals = bound_in(function.node)
        self._made = set()
        self._path = function.path
        function.node.body = self._block(function.node.body) or [ast.Pass()]
        self._done_with.add(id(function))

    def _block(self, body: list[ast.stmt]) -> list[ast.stmt]:
        left, made = deque(body), list[ast.stmt]()
        while left:
            statement = left.popleft()
            if isinstance(statement, Scope | ast.ClassDef):
                made.append(statement)
                continue
            found = self._step(statement)
            if found is not None:
                left.extendleft(reversed(found))
                continue
            for name in ("body", "orelse", "finalbody"):
                inner = getattr(statement, name, [])
                if inner:
                    setattr(statement, name, self._block(inner) or [ast.Pass()])
            for handler in getattr(statement, "handlers", []):
                handler.body = self._block(handler.body) or [ast.Pass()]
            made.append(statement)
        return made

    def _step(self, statement: ast.stmt) -> list[ast.stmt] | None:
        """Return what takes a statement's place after one step, None if there is none to do."""
        for header in headers(statement):
            for call in calls(header):
                used = self._program.used_at(call)
                if used is None or id(call) in self._failed or not self._is_wanted(used):
                    continue
                try:
                    return self._put(statement, call, used)
                except UnfitError:
                    self._failed.add(id(call))
        return None

    def _is_wanted(self, function: Function) -> bool:
        return (
            function.is_known
            and (len(function.uses) == 1 or self._is_worth_more(function))
            and not function.is_property
            and id(function) in self._done_with
            and function not in self._placed
            and is_fit(function)
        )

    def _is_worth_more(self, function: Function) -> bool:
        """Tell whether it pays to have a function in all of its places."""
        key = (function.path, function.owner, function.node.name)
        if self._refused is None or key in self._refused:
            return False
        length = sum(isinstance(one, ast.expr) for one in walk(function.node))
        return length * (len(function.uses) - 1) <= _GROWTH_OF_BODIES_MAX

    def _put(self, statement: ast.stmt, call: ast.expr, used: Function) -> list[ast.stmt]:
        assert isinstance(call, ast.Call)
        _check_returns(used)
        again = replace(used, node=deepcopy(used.node)) if len(used.uses) > 1 else used
        placed = bind(self._program, again, call, self._path, self._locals, self._names)
        value = getattr(statement, "value", None)
        if value is call and isinstance(statement, ast.Return):
            body = placed.body()
            self._done(used, placed)
            return body if leaves(body) else [*body, ast.Return(None)]
        if value is call and isinstance(statement, ast.Expr):
            self._done(used, placed)
            return without_returns(placed.body(), self._dropped)
        is_assigned = value is call and isinstance(statement, ast.Assign)
        if is_assigned and any(map(_may_swallow, walk(used.node))):
            raise UnfitError
        if value is call and self._is_plain(statement, used):
            assert isinstance(statement, ast.Assign)
            self._done(used, placed)
            return without_returns(
                placed.body(),
                lambda value: [
                    ast.Assign(deepcopy(statement.targets), value or ast.Constant(None))
                ],
            )
        if isinstance(statement, ast.While):
            return self._repeated(statement)
        condition = is_conditional(statement, call)
        if condition is not None:
            return self._decided(statement, condition)
        if not can_come_first(statement, call, self._program.is_steady):
            raise UnfitError
        name = self._fresh("value")
        _Exchange(call, ast.Name(name, ast.Load())).visit(statement)
        return [ast.Assign([ast.Name(name, ast.Store())], call), statement]

    def _done(self, used: Function, placed: Placed) -> None:
        self._times[id(used)] = self._times.get(id(used), 0) + 1
        if self._times[id(used)] == len(used.uses):
            self._placed.append(used)
        placed.take_effect()
        self._names |= placed.names | placed.globals_
        self._locals |= placed.names

    def _dropped(self, value: ast.expr | None) -> list[ast.stmt]:
        if value is None or is_read(value, self._program.properties):
            return []
        return [ast.Expr(value)]

    @staticmethod
    def _repeated(statement: ast.While) -> list[ast.stmt]:
        if statement.orelse or is_true(statement.test):
            raise UnfitError
        end = ast.If(ast.UnaryOp(ast.Not(), statement.test), [ast.Break()], [])
        return [ast.While(ast.Constant(True), [end, *statement.body], [])]

    def _decided(self, statement: ast.stmt, condition: ast.expr) -> list[ast.stmt]:
        """Make statements of an expression that is evaluated in part."""
        if not can_come_first(statement, condition, self._program.is_steady):
            raise UnfitError
        if isinstance(condition, ast.BoolOp):
            is_and = isinstance(condition.op, ast.And)
            first, rest = condition.values[0], condition.values[1:]
            other = ast.BoolOp(condition.op, rest) if len(rest) > 1 else rest[0]
            if (
                is_and
                and isinstance(statement, ast.If)
                and statement.test is condition
                and not statement.orelse
            ):
                return [ast.If(first, [ast.If(other, statement.body, [])], [])]
        name = self._fresh("value")
        target: list[ast.expr] = [ast.Name(name, ast.Store())]
        read = ast.Name(name, ast.Load())
        _Exchange(condition, read).visit(statement)
        if isinstance(condition, ast.BoolOp):
            test: ast.expr = ast.Name(name, ast.Load())
            if not is_and:
                test = ast.UnaryOp(ast.Not(), test)
            return [
                ast.Assign(target, first),
                ast.If(test, [ast.Assign(deepcopy(target), other)], []),
                statement,
            ]
        assert isinstance(condition, ast.IfExp)
        either = ast.If(
            condition.test,
            [ast.Assign(target, condition.body)],
            [ast.Assign(deepcopy(target), condition.orelse)],
        )
        return [either, statement]

    def _is_plain(self, statement: ast.stmt, used: Function) -> bool:
        """Tell whether to assign is the last thing that happens, wherever it returned."""
        if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
            return False
        tries = [one for one in walk(used.node) if isinstance(one, ast.Try) and has_return(one)]
        target = statement.targets[0]
        if isinstance(target, ast.Name):
            # What a `finally` calls may read it, and it keeps its value if that fails.
            return target.id in self._made or not any(one.finalbody for one in tries)
        return not tries

    def _fresh(self, name: str) -> str:
        number = 1
        while f"{name}_{number}" in self._names:
            number += 1
        self._names.add(f"{name}_{number}")
        self._locals.add(f"{name}_{number}")
        self._made.add(f"{name}_{number}")
        return f"{name}_{number}"


class _Exchange(ast.NodeTransformer):
    """Put one node in the place of another."""

    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self._old = old
        self._new = new

    def visit(self, node: ast.AST) -> ast.AST:
        return self._new if node is self._old else self.generic_visit(node)


def calls_in(node: ast.AST) -> Iterator[ast.AST]:
    """Yield all calls in a function."""
    for one in walk(node):
        if isinstance(one, ast.Call):
            yield one


def _check_returns(function: Function) -> None:
    without_returns(function.node.body, lambda _: [])


def _may_swallow(node: ast.AST) -> bool:
    """Tell whether a `with` may end what is raised before the return in it: None is returned then.

    A file does not.
    """
    return (
        isinstance(node, ast.With)
        and has_return(node)
        and not all(
            isinstance(one.context_expr, ast.Call)
            and isinstance(one.context_expr.func, ast.Name)
            and one.context_expr.func.id == "open"
            for one in node.items
        )
    )
