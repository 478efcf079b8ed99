"""Put a function's body at its place of call: its names and arguments there.

Input    a function and a call of it
Bounds   arguments are evaluated once, in their order; a name means there what it meant here
"""

import ast
import builtins
from collections.abc import Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass, field

from .modules import dotted
from .order import is_looking, is_read, is_stable, parts
from .program import Function, Program, Scope, bound_in
from .returns import UnfitError
from .walk import walk

_CHAIN_USES_MAX = 2  # a longer way to a value, more often, is worth a local
_IMPORTS_MAX = 1
_BUILTINS = frozenset(dir(builtins)) | {"const"}


def expression(function: Function) -> ast.expr | None:
    """Return what a function returns if that is all it does."""
    body = function.node.body
    if len(body) == 1 and isinstance(body[0], ast.Return):
        return body[0].value
    return None


def arguments(function: Function, site: ast.expr) -> list[tuple[str, ast.expr]]:
    """Return each parameter with what is given for it, in the order of evaluation.

    Raises: UnfitError.
    """
    names = [one.arg for one in function.node.args.args]
    if not isinstance(site, ast.Call):
        assert isinstance(site, ast.Attribute)
        return [(names[0], site.value)]
    given = list(site.args)
    if function.owner:
        assert isinstance(site.func, ast.Attribute)
        given.insert(0, site.func.value)
    if len(given) > len(names) or any(isinstance(one, ast.Starred) for one in given):
        raise UnfitError
    found = list(zip(names, given, strict=False))
    for keyword in site.keywords:
        if keyword.arg not in names or keyword.arg in dict(found):
            raise UnfitError
        found.append((keyword.arg, keyword.value))
    defaults = function.node.args.defaults
    there = dict(found)
    for name, default in zip(names[len(names) - len(defaults) :], defaults, strict=True):
        if name not in there:
            found.append((name, deepcopy(default)))
    if len(found) != len(names):
        raise UnfitError
    return found


@dataclass
class Placed:
    """A function's body on its way to a place of call: what its names become there."""

    function: Function
    change: dict[str, ast.expr]
    before: list[ast.stmt] = field(default_factory=list)
    imports: list[tuple[ast.Module, ast.ImportFrom | ast.Import]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    globals_: set[str] = field(default_factory=set)  # what no later body may hide

    @classmethod
    def at(cls, program: Program, function: Function, site: ast.expr) -> "Placed":
        """Return the way to a place where the arguments can be put in directly."""
        return cls(function, dict(arguments(function, site)))

    def put(self, value: ast.expr) -> ast.expr:
        """Return an expression of the function as it stands there."""
        made = _Renamed(self.change).visit(value)
        assert isinstance(made, ast.expr)
        return made

    def body(self) -> list[ast.stmt]:
        """Return all of the body as it stands there; the function is used up."""
        renamed = _Renamed(self.change)
        made = [renamed.visit(one) for one in self.function.node.body]
        return [*self.before, *(one for one in made if not isinstance(one, ast.Pass))]

    def take_effect(self) -> None:
        """Import in the caller's module what the body needs."""
        for tree, node in self.imports:
            tree.body.insert(0, node)


class _Renamed(ast.NodeTransformer):
    def __init__(self, change: Mapping[str, ast.expr]) -> None:
        self._change = change
        self._is_used: set[str] = set()

    def visit_Name(self, node: ast.Name) -> ast.AST:
        new = self._change.get(node.id)
        if new is None:
            return node
        if isinstance(new, ast.Name):
            return ast.Name(new.id, node.ctx)
        if node.id in self._is_used:
            return deepcopy(new)
        self._is_used.add(node.id)  # the first is the node itself: it may hold a call we know
        return new

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        if node.name and node.name in self._change:
            new = self._change[node.name]
            assert isinstance(new, ast.Name)
            node.name = new.id
        return self.generic_visit(node)


def substitutes(  # noqa: PLR0911, PLR0912 - each reason against it by itself
    program: Program, function: Function, scope: Scope, site: ast.expr, value: ast.expr
) -> bool:
    """Tell whether an expression can stand at a place of call, the arguments put into it."""
    try:
        given = arguments(function, site)
        path = program.path_of(scope)
        _, imports = _names_there(program, function, path, bound_in(scope))
    except UnfitError:
        return False
    if imports or (path != function.path and _globals_of(function)):
        return False
    unstable = []
    for name, argument in given:
        uses = [one for one in walk(value) if isinstance(one, ast.Name) and one.id == name]
        if is_stable(argument, program.is_steady):
            is_short = isinstance(argument, ast.Name | ast.Constant)
            if not is_short and len(uses) > _CHAIN_USES_MAX:
                return False
        elif uses:
            if len(uses) > 1:
                return False
            unstable.append((argument, uses[0]))
        elif not is_read(argument, program.properties):
            return False
    names = {name for name, _ in given}
    are_looking = all(is_looking(argument, program.properties) for argument, _ in unstable)
    if len(unstable) > 1 and not are_looking:
        return False
    for argument, use in unstable:
        before, is_certain = _evaluated_before(value, use)
        if not is_certain and not is_read(argument, program.properties):
            return False
        if are_looking:
            if not all(is_looking(one, program.properties) for one in before):
                return False
        elif not all(
            is_stable(one, program.is_steady) or (isinstance(one, ast.Name) and one.id in names)
            for one in before
        ):
            return False
    return True


def _evaluated_before(value: ast.expr, use: ast.expr) -> tuple[list[ast.expr], bool]:
    """Return what is evaluated before a part of an expression, and whether that part always is."""
    before: list[ast.expr] = []
    node: ast.AST = value
    is_certain = True
    while node is not use:
        inner = parts(node)
        if isinstance(node, ast.BoolOp):
            inner = node.values
        elif isinstance(node, ast.IfExp):
            inner = [node.test, node.body, node.orelse]
        elif isinstance(node, ast.Compare):
            inner = [node.left, *node.comparators]
        if inner is None:
            return [value], False
        at = next(index for index, one in enumerate(inner) if any(two is use for two in walk(one)))
        if (isinstance(node, ast.BoolOp | ast.IfExp) and at) or (
            isinstance(node, ast.Compare) and at > 1
        ):
            is_certain = False
        before += inner[:at]
        node = inner[at]
    return before, is_certain


def bind(  # noqa: PLR0917 - what a place of call is
    program: Program,
    function: Function,
    call: ast.Call,
    path: str,
    local: Collection[str],
    taken: Collection[str],
) -> Placed:
    """Return how a function's body stands at a place of call.

    Shape: `local` are the local names there, `taken` all that are used there.

    Raises: UnfitError.
    """
    change, imports = _names_there(program, function, path, local)
    placed = Placed(function, change, imports=imports)
    for name in _globals_of(function):
        new_name = change.get(name)
        placed.globals_.add(new_name.id if isinstance(new_name, ast.Name) else name)
    own = bound_in(function.node)
    stored = {
        one.id
        for one in walk(function.node)
        if isinstance(one, ast.Name) and not isinstance(one.ctx, ast.Load)
    }
    stored |= {
        one.name for one in walk(function.node) if isinstance(one, ast.ExceptHandler) and one.name
    }
    busy = {*taken, *(one.id for one in change.values() if isinstance(one, ast.Name))}
    busy |= _globals_of(function)
    for name, argument in arguments(function, call):
        uses = sum(isinstance(one, ast.Name) and one.id == name for one in walk(function.node))
        own.discard(name)
        if name not in stored and is_stable(argument, program.is_steady):
            is_short = isinstance(argument, ast.Name | ast.Constant)
            if is_short or uses <= _CHAIN_USES_MAX:
                change[name] = argument
                continue
        if not uses and is_read(argument, program.properties):
            continue
        new = _fresh(name, busy)
        busy.add(new)
        placed.names.add(new)
        change[name] = ast.Name(new, ast.Load())
        placed.before.append(ast.Assign([ast.Name(new, ast.Store())], argument))
    for name in sorted(own):
        new = _fresh(name, busy)
        busy.add(new)
        placed.names.add(new)
        change[name] = ast.Name(new, ast.Load())
    return placed


def _fresh(name: str, busy: Collection[str]) -> str:
    if name not in busy:
        return name
    number = 2
    while f"{name}_{number}" in busy:
        number += 1
    return f"{name}_{number}"


def _globals_of(function: Function) -> set[str]:
    """Return the names of its module, or of Python, that a function uses."""
    own = bound_in(function.node)
    return {
        one.id
        for statement in function.node.body
        for one in walk(statement)
        if isinstance(one, ast.Name) and one.id not in own
    }


def _names_there(
    program: Program, function: Function, path: str, local: Collection[str]
) -> tuple[dict[str, ast.expr], list[tuple[ast.Module, ast.ImportFrom | ast.Import]]]:
    """Return what a function's global names are called in another module, and what it imports.

    Raises: UnfitError.
    """
    change: dict[str, ast.expr] = {}
    imports: list[tuple[ast.Module, ast.ImportFrom | ast.Import]] = []
    here, there = program.modules[function.path], program.modules[path]
    for name in sorted(_globals_of(function)):
        new = name
        if path != function.path and (here.bound[name] or name not in _BUILTINS):
            if here.bound[name] != 1 or not program.is_steady(ast.Name(name, ast.Load())):
                raise UnfitError
            origin = here.imported.get(name, (dotted(function.path), name))
            found = [one for one, what in there.imported.items() if what == origin]
            if found:
                new = found[0]
            elif there.bound[name] or name in here.plain_imports:
                if not (name in here.plain_imports and name in there.plain_imports):
                    raise UnfitError
            else:
                alias = ast.alias(origin[1])
                node = ast.ImportFrom(origin[0], [alias], 0, lineno=1, col_offset=0)
                if origin[1] != name or origin[0] not in {
                    one for one, _ in there.imported.values()
                }:
                    raise UnfitError
                imports.append((there.tree, node))
        elif path != function.path and there.bound[name]:
            raise UnfitError
        if new in local:
            raise UnfitError
        if new != name:
            change[name] = ast.Name(new, ast.Load())
    if len(imports) > _IMPORTS_MAX:
        raise UnfitError
    return change, imports
