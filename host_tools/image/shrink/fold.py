"""Put the numbers of our own named constants where their names stand.

On a board every module-level name costs heap: an entry in its module, one in each that imports it,
and the interned name. The firmware has hundreds of named numbers, so an image holds them as
numbers. Lines stay where they are: a traceback names the line of the source as it is written.

Input    the sources of packages that import each other relatively and have no effect at import
Bounds   integers only, bound once in their module; what is referred to otherwise stays defined
"""

import ast
import re
from collections.abc import Callable, Mapping

from .modules import FLAG, Module, read_modules
from .names import spoken_names

_CONSTANT = re.compile(r"^_?[A-Z][A-Z0-9_]*$")


def fold(sources: Mapping[str, bytes], *, strip: bool = True) -> dict[str, bytes]:
    """Return the sources with their constants folded.

    With `strip`, definitions that nothing refers to any more are gone, and modules in which
    nothing is left with them; without it they stay, for those who look at them from outside.
    """
    modules = _evaluated(sources)
    for module in modules.values():
        _Uses(module, modules).visit(module.tree)
    kept = {name for module in modules.values() for name in module.left}
    kept |= {name for module in modules.values() for name in spoken_names(module.tree)}
    for module in modules.values():
        _drop_imports(module, modules)
        if strip:
            _drop_definitions(module, kept)
    folded = {**sources, **{module.path: module.text_now() for module in modules.values()}}
    return _without_empty(modules, folded) if strip else folded


def constants(sources: Mapping[str, bytes]) -> dict[str, dict[str, int]]:
    """Return what is folded: by module, each name that stands for a number in it."""
    modules = _evaluated(sources)
    found: dict[str, dict[str, int]] = {}
    for name, module in modules.items():
        values = {one: _constant(module, one, modules) for one in module.stores}
        found[name] = {one: value for one, value in values.items() if value is not None}
    return found


def _evaluated(sources: Mapping[str, bytes]) -> dict[str, Module]:
    modules = read_modules(sources)
    changed = {attribute for module in modules.values() for attribute in module.changed}
    while any([_evaluate(module, modules, changed) for module in modules.values()]):
        pass
    return modules


def _evaluate(module: Module, modules: Mapping[str, Module], changed: set[str]) -> bool:
    """Work out the constants that can be by now; returns whether there were new ones."""
    before = len(module.values)
    for node in module.tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            _assign(module, node.targets[0], node.value, modules)
        elif isinstance(node, ast.AnnAssign) and node.value:
            _assign(module, node.target, node.value, modules)
    for name in changed & set(module.values):
        del module.values[name]
        module.stores[name] = 2
    return len(module.values) > before


def _assign(
    module: Module, target: ast.expr, value: ast.expr, modules: Mapping[str, Module]
) -> None:
    if isinstance(target, ast.Name):
        number = _number(module, value, modules)
        if target.id == FLAG and isinstance(value, ast.Constant) and value.value is False:
            number = 0
        if number is not None and _is_constant(module, target.id):
            module.values[target.id] = number
    elif isinstance(target, ast.Tuple):
        numbers = _numbers(module, value, modules)
        names = [item.id for item in target.elts if isinstance(item, ast.Name)]
        whole = len(names) == len(target.elts) == len(numbers)
        if whole and all(_is_constant(module, name) for name in names):
            module.values.update(zip(names, numbers, strict=True))


def _is_constant(module: Module, name: str) -> bool:
    return bool(_CONSTANT.match(name)) and module.stores.get(name) == 1


def _numbers(module: Module, node: ast.expr, modules: Mapping[str, Module]) -> list[int]:
    if isinstance(node, ast.Tuple):
        found = [_number(module, item, modules) for item in node.elts]
        return [number for number in found if number is not None]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range":
        count = _number(module, node.args[0], modules) if len(node.args) == 1 else None
        return list(range(count)) if count is not None else []
    return []


def _number(module: Module, node: ast.expr, modules: Mapping[str, Module]) -> int | None:
    """Return the value of an expression of numbers and known constants, None if it is none."""
    if isinstance(node, ast.Constant):
        return node.value if type(node.value) is int else None
    if isinstance(node, ast.Name | ast.Attribute):
        return _value(module, node, modules)
    if isinstance(node, ast.UnaryOp):
        one = _number(module, node.operand, modules)
        unary = _UNARY.get(type(node.op))
        return None if one is None or unary is None else unary(one)
    if isinstance(node, ast.BinOp):
        left, right = _number(module, node.left, modules), _number(module, node.right, modules)
        binary = _BINARY.get(type(node.op))
        if left is None or right is None or binary is None:
            return None
        return binary(left, right)
    return None


_UNARY: dict[type[ast.unaryop], Callable[[int], int]] = {
    ast.USub: lambda one: -one,
    ast.Invert: lambda one: ~one,
    ast.UAdd: lambda one: one,
}
_BINARY: dict[type[ast.operator], Callable[[int, int], int | None]] = {
    ast.Add: lambda left, right: left + right,
    ast.Sub: lambda left, right: left - right,
    ast.Mult: lambda left, right: left * right,
    ast.FloorDiv: lambda left, right: left // right if right else None,
    ast.Mod: lambda left, right: left % right if right else None,
    ast.LShift: lambda left, right: left << right if 0 <= right < 64 else None,
    ast.RShift: lambda left, right: left >> right if right >= 0 else None,
    ast.BitOr: lambda left, right: left | right,
    ast.BitAnd: lambda left, right: left & right,
    ast.BitXor: lambda left, right: left ^ right,
}


def _value(module: Module, node: ast.expr, modules: Mapping[str, Module]) -> int | None:
    """Return what a name or `module.name` stands for, None if that is no constant of ours."""
    if isinstance(node, ast.Name):
        return _constant(module, node.id, modules)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        source = module.aliases.get(node.value.id, "")
        return _constant(modules[source], node.attr, modules) if source else None
    return None


def _constant(module: Module, name: str, modules: Mapping[str, Module]) -> int | None:
    """Return a constant that a module has, its own or from another that may have it likewise."""
    for _ in modules:
        if name in module.values or name not in module.imported:
            break
        source, name = module.imported[name]
        module = modules[source]
    return module.values.get(name)


class _Uses(ast.NodeVisitor):
    """Replace every use of a constant, and count what is left of the names."""

    def __init__(self, module: Module, modules: Mapping[str, Module]) -> None:
        self._module = module
        self._modules = modules
        self._in_text = 0

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load) and not self._replace(node, "%d"):
            self._leave(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if isinstance(node.ctx, ast.Load) and self._replace(node, "%d"):
            return
        self._leave(node.attr)
        # `5.x` is no expression, `(5).x` is one.
        if not (isinstance(node.value, ast.Name) and self._replace(node.value, "(%d)")):
            self.visit(node.value)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        self._in_text += 1  # Python below 3.12 does not say where in the text an expression is
        self.generic_visit(node)
        self._in_text -= 1

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self._leave(node.value)  # for getattr, or an annotation

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.col_offset:  # within a function or a block: its names are not resolved
            for alias in node.names:
                self._leave(alias.name)

    def _replace(self, node: ast.expr, form: str) -> bool:
        number = _value(self._module, node, self._modules)
        if number is None or self._in_text:
            return False
        self._module.put(node, form % number if number >= 0 else f"({number})")
        return True

    def _leave(self, name: str) -> None:
        self._module.left[name] = self._module.left.get(name, 0) + 1


def _drop_imports(module: Module, modules: Mapping[str, Module]) -> None:
    """Import no more what was replaced everywhere."""
    for node in module.tree.body:
        if not isinstance(node, ast.ImportFrom):
            continue
        names = [alias for alias in node.names if not _is_replaced(module, alias, modules)]
        if len(names) == len(node.names):
            continue
        source = "." * node.level + (node.module or "")
        listed = ", ".join(
            alias.name + (f" as {alias.asname}" if alias.asname else "") for alias in names
        )
        module.put(node, f"from {source} import {listed}" if names else "pass")


def _is_replaced(module: Module, alias: ast.alias, modules: Mapping[str, Module]) -> bool:
    local = alias.asname or alias.name
    if local in module.left:
        return False
    if local in module.imported:
        return _constant(module, local, modules) is not None
    # A module that was imported for its constants alone.
    return bool(modules[module.aliases[local]].values) if local in module.aliases else False


def _drop_definitions(module: Module, kept: set[str]) -> None:
    for node in module.tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target: ast.expr = node.targets[0]
        elif isinstance(node, ast.AnnAssign):
            target = node.target
        else:
            continue
        names = target.elts if isinstance(target, ast.Tuple) else [target]
        found = [name.id for name in names if isinstance(name, ast.Name)]
        if len(found) == len(names) and all(
            name in module.values and name not in kept for name in found
        ):
            module.put(node, "pass")


def _without_empty(modules: Mapping[str, Module], folded: Mapping[str, bytes]) -> dict[str, bytes]:
    """Leave out the modules that folding emptied, if nothing imports them any more."""
    left = dict(folded)
    after = read_modules({module.path: folded[module.path] for module in modules.values()})
    wanted = {
        source
        for module in after.values()
        for source in [*module.aliases.values(), *(found for found, _ in module.imported.values())]
    }
    for name, module in after.items():
        if _is_empty(module.tree) and not _is_empty(modules[name].tree) and name not in wanted:
            del left[module.path]
    return left


def _is_empty(tree: ast.Module) -> bool:
    return all(
        isinstance(node, ast.Pass)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        for node in tree.body
    )
