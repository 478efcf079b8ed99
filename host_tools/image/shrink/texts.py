"""Put a text, bytes or a tuple of constants where its name stands, if it stands in one place only.

Such a name costs an entry in its module and in the one that imports it, and the name itself.

Input    the sources of an image, folded
Bounds   bound once, at the top of a module, and used once; names that others use stay
"""

import ast
from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from .modules import Module, read_modules
from .names import spoken_names

Place = tuple[str, str]  # a module and a name of its own


def put_texts(sources: Mapping[str, bytes], keep: Collection[str]) -> dict[str, bytes]:
    """Return the sources without the names of what is used once, but for those kept."""
    modules = read_modules(sources)
    spoken = {name for module in modules.values() for name in spoken_names(module.tree)}
    found = {
        (name, one): node
        for name, module in modules.items()
        for one, node in _literals(module)
        if one not in keep and one not in spoken
    }
    uses: Counter[Place] = Counter()
    for name, module in modules.items():
        uses.update(place for place, _ in _uses(name, module, modules))
    once = {place for place in found if uses[place] == 1}
    for name, module in modules.items():
        for place, use in _uses(name, module, modules):
            if place in once:
                module.put(use, repr(ast.literal_eval(found[place].value)))
        for inner in module.nodes:
            if isinstance(inner, ast.ImportFrom):
                _drop_imports(module, inner, once, modules)
    for place in once:
        modules[place[0]].put(found[place], "pass")
    return {**sources, **{module.path: module.text_now() for module in modules.values()}}


def _literals(module: Module) -> Iterator[tuple[str, ast.Assign]]:
    for node in module.tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
            if (
                isinstance(target, ast.Name)
                and module.stores.get(target.id) == 1
                and _is_literal(node.value)
            ):
                yield target.id, node


def _is_literal(node: ast.expr) -> bool:
    if isinstance(node, ast.Tuple):
        return all(map(_is_constant, node.elts))
    return isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)


def _is_constant(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = node.operand
        return isinstance(value, ast.Constant) and isinstance(value.value, int | float)
    return isinstance(node, ast.Constant)


def _uses(
    name: str, module: Module, modules: Mapping[str, Module]
) -> Iterator[tuple[Place, ast.expr]]:
    """Yield where a module uses what stands at the top of one."""
    for node in module.nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield _origin((name, node.id), modules), node
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield _origin((module.aliases.get(node.value.id, ""), node.attr), modules), node


def _origin(place: Place, modules: Mapping[str, Module]) -> Place:
    """Return where a name is bound that a module may have from another, and that from a third."""
    seen: set[Place] = set()
    while place[0] in modules and place not in seen:
        seen.add(place)
        place = modules[place[0]].imported.get(place[1], place)
    return place


def _drop_imports(
    module: Module, node: ast.ImportFrom, once: Collection[Place], modules: Mapping[str, Module]
) -> None:
    left = [
        one
        for one in node.names
        if _origin(module.imported.get(one.asname or one.name, ("", "")), modules) not in once
    ]
    if len(left) < len(node.names):
        listed = ", ".join(one.name + (f" as {one.asname}" if one.asname else "") for one in left)
        source = "." * node.level + (node.module or "")
        module.put(node, f"from {source} import {listed}" if left else "pass")
