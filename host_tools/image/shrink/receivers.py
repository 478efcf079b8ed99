"""Give a method a name of its own where several classes share one and each use is one class's.

What a value's class is comes from annotations, which mypy proves, and from what is made in sight.
A name that is read of anything else somewhere stays as it is, in all classes.

Input    the syntax trees of all sources of our firmware, with their annotations
Bounds   a class that stands for others (a protocol, a port) is no class of a value
"""

import ast
from collections.abc import Collection, Mapping, Sequence

from .bindings import assigned, bindings_of, bound_in_class, is_none
from .names import spoken_names
from .program import Scope, is_property
from .walk import children, walk

_PORTS = "kernel/ports.py"
_ANNOTATED = "kernel/"  # where every parameter of ours has an annotation
_FOREIGN = ast.ClassDef("(a module that is not ours)", [], [], [], [])
Env = Sequence["ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda"]


def tell_apart(trees: Mapping[str, ast.Module], keep: Collection[str]) -> set[str]:
    """Rename methods in place; return the names of those that are read of what may not be ours."""
    types = _Types(trees)
    owners: dict[str, list[ast.ClassDef]] = {}
    for cls in types.classes.values():
        for node in cls.body:
            if isinstance(node, ast.FunctionDef):
                owners.setdefault(node.name, []).append(cls)
    stay = {*keep}
    for tree in trees.values():
        stay |= set(spoken_names(tree))
    uses = _uses(types, stay)
    for name, classes in owners.items():
        groups = {types.group(cls) for cls in classes}
        if len(groups) < 2 or name in stay or name.startswith("__"):
            continue
        for cls in classes:
            for node in cls.body:
                if isinstance(node, ast.FunctionDef) and node.name == name:
                    node.name = f"{name}_of_{types.group(cls)}"
        for use, group in uses.get(name, ()):
            if group:
                use.attr = f"{name}_of_{group}"
    return {node.attr for node, env, path in types.attributes if types.is_others(node, env, path)}


def _uses(types: "_Types", stay: set[str]) -> dict[str, list[tuple[ast.Attribute, str]]]:
    """Return each use of an attribute with the family it is of; add to `stay` what is unclear."""
    found: dict[str, list[tuple[ast.Attribute, str]]] = {}
    for node, env, path in types.attributes:
        cls = types.of(node.value, env, path)
        if not isinstance(node.ctx, ast.Load) or cls is None:
            stay.add(node.attr)
        elif cls is _FOREIGN:
            found.setdefault(node.attr, []).append((node, ""))
        elif not types.has_method(cls, node.attr):
            continue
        else:
            found.setdefault(node.attr, []).append((node, types.group(cls)))
    for cls in types.classes.values():
        for inner in cls.body:
            if not isinstance(inner, ast.FunctionDef):
                stay |= {one.id for one in walk(inner) if isinstance(one, ast.Name)}
        is_ours = types.is_plain(cls)
        for inner in cls.body:
            if isinstance(inner, ast.FunctionDef):
                is_simple = not inner.decorator_list or is_property(inner)
                if not is_ours or not is_simple:
                    stay.add(inner.name)
    return found


class _Types:
    """What is known of the classes of values."""

    def __init__(self, trees: Mapping[str, ast.Module]) -> None:
        self._trees = trees
        self.classes: dict[str, ast.ClassDef] = {}
        self._paths: dict[str, str] = {}
        self._twice: set[str] = set()
        self._imports: dict[tuple[str, str], set[tuple[str, str]]] = {}
        self._foreign: set[tuple[str, str]] = set()  # what files import of others than ours
        self.attributes: list[tuple[ast.Attribute, Env, str]] = []
        self._owners: dict[int, ast.ClassDef] = {}
        self._stores: dict[str, list[tuple[ast.Attribute, ast.expr | None, Env, str]]] = {}
        self._annotated: dict[int, ast.expr] = {}
        self._bindings: dict[int, dict[str, list[ast.AST | None]]] = {}
        self._busy: set[tuple[str, str]] = set()
        ours = {path.partition("/")[0].removesuffix(".py") for path in trees}
        for path, tree in trees.items():
            for node in tree.body:
                if isinstance(node, ast.ClassDef):
                    if node.name in self.classes:
                        self._twice.add(node.name)
                    self.classes[node.name] = node
                    self._paths[node.name] = path
                    for inner in node.body:
                        if isinstance(inner, Scope):
                            self._owners[id(inner)] = node
            for one in walk(tree):
                if isinstance(one, ast.Import):
                    for alias in one.names:
                        name = alias.asname or alias.name
                        self._imports.setdefault((path, name), set()).add(("", name))
                elif isinstance(one, ast.ImportFrom):
                    for alias in one.names:
                        name = alias.asname or alias.name
                        self._imports.setdefault((path, name), set()).add(
                            (one.module or "", alias.name)
                        )
                        if not one.level and (one.module or "").partition(".")[0] not in ours:
                            self._foreign.add((path, name))
            self._look(tree, (), path)

    def group(self, cls: ast.ClassDef) -> str:
        """Return the first class that a class derives from."""
        while cls.bases and isinstance(cls.bases[0], ast.Name):
            base = self.classes.get(cls.bases[0].id)
            if base is None:
                break
            cls = base
        return cls.name

    def has_method(self, cls: ast.ClassDef, name: str) -> bool:
        """Tell whether a class of this family has such a method."""
        return bool(self._methods(cls, name))

    def _methods(self, cls: ast.ClassDef, name: str) -> list[ast.FunctionDef]:
        return [
            inner
            for one in self._family(cls)
            for inner in one.body
            if isinstance(inner, ast.FunctionDef) and inner.name == name
        ]

    def of(self, node: ast.expr | None, env: Env, path: str) -> ast.ClassDef | None:
        """Return the class of an expression's value, if that is not None; None if unknown."""
        if isinstance(node, ast.Name):
            return self._of_name(node.id, env, path)
        if isinstance(node, ast.Attribute):
            cls = self.of(node.value, env, path)
            return cls if cls is None or cls is _FOREIGN else self._of_attribute(cls, node.attr)
        if isinstance(node, ast.Call):
            return self._of_call(node.func, env, path)
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
            return self._one_of([(one, env, path) for one in node.values])
        return None

    def is_others(self, node: ast.expr, env: Env, path: str) -> bool:
        """Tell whether an attribute may well be read of an object that is none of ours."""
        if not isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Load):
            return False
        cls = self.of(node.value, env, path)
        return cls is _FOREIGN or (cls is None and not self._is_said(node.value, env, path))

    def _is_said(  # noqa: PLR0911 - one for each kind of node
        self, node: ast.expr | None, env: Env, path: str, depth: int = 9
    ) -> bool:
        """Tell whether annotations say what an expression is, if not by a class of ours."""
        if not depth or self.of(node, env, path) is not None:
            return True
        if isinstance(node, ast.Attribute):
            stores = self._stores.get(node.attr, [])
            if any(id(store) in self._annotated for store, *_ in stores):
                return True
            values = [one for one in stores if one[1] is not None]
            return self._is_said(node.value, env, path, depth - 1) and all(
                is_none(value) or self._is_said(value, inner, there, depth - 1)
                for _, value, inner, there in values
            )
        if isinstance(node, ast.Call):
            # Of a class of ours, or of a function or method with an annotation.
            is_class = isinstance(node.func, ast.Name) and node.func.id in self.classes
            return is_class or self._is_said(node.func, env, path, depth - 1)
        if not isinstance(node, ast.Name):
            return not isinstance(node, ast.Constant)
        if (path, node.id) in self._foreign or node.id in {*self.classes, "super"}:
            return False
        scope = next((one for one in reversed(env) if node.id in self._bindings[id(one)]), None)
        found = self._bindings[id(scope)][node.id] if scope else [ast.Pass()]
        return not all(map(is_none, found)) and all(
            one.annotation is not None or not path.startswith(_ANNOTATED)
            if isinstance(one, ast.arg)
            else not isinstance(one, ast.expr)
            or is_none(one)
            or self._is_said(one, env, path, depth - 1)
            for one in found
        )

    def _one_of(self, values: "Sequence[tuple[ast.expr | None, Env, str]]") -> ast.ClassDef | None:
        """Return the class that all of these have but for None."""
        found = [
            self.of(*one)
            for one in values
            if not (isinstance(one[0], ast.Constant) and one[0].value is None)
        ]
        return found[0] if found and all(one is found[0] for one in found) else None

    def _of_call(self, called: ast.expr, env: Env, path: str) -> ast.ClassDef | None:
        if isinstance(called, ast.Name):
            cls = self._class_named(called.id, env, path)
            if cls is not None:
                return cls
        elif isinstance(called, ast.Attribute):
            owner = self.of(called.value, env, path)
            methods = self._methods(owner, called.attr) if owner else []
            if len(methods) == 1 and not methods[0].decorator_list:
                path = self._paths[self._owners[id(methods[0])].name]
                return self._annotation(methods[0].returns, (), path)
        return None

    def _of_attribute(self, cls: ast.ClassDef, name: str) -> ast.ClassDef | None:
        key = (self.group(cls), name)
        if key in self._busy:
            return None
        self._busy.add(key)
        try:
            return self._of_attribute_now(cls, name)
        finally:
            self._busy.remove(key)

    def _of_attribute_now(self, cls: ast.ClassDef, name: str) -> ast.ClassDef | None:
        family = self._family(cls)
        if any(name in bound_in_class(one) for one in family):
            return None
        values = []
        for store, value, env, path in self._stores.get(name, ()):
            owner = self.of(store.value, env, path)
            if owner is not None and owner not in family:
                continue
            if owner is not None and id(store) in self._annotated:
                return self._annotation(self._annotated[id(store)], env, path)
            values.append((value, env, path))
        return self._one_of(values)

    def _of_name(self, name: str, env: Env, path: str) -> ast.ClassDef | None:
        for depth in range(len(env), 0, -1):
            scope = env[depth - 1]
            bound = self._bindings[id(scope)]
            if name in bound:
                return self._of_local(name, env[:depth], path)
        sources = self._imports.get((path, name), set())
        if ("", name) in sources and len(sources) == 1:
            return _FOREIGN
        return None

    def _of_local(self, name: str, env: Env, path: str) -> ast.ClassDef | None:
        scope = env[-1]
        key = (str(id(scope)), name)
        if key in self._busy:
            return None
        self._busy.add(key)
        try:
            found: list[ast.ClassDef | None] = []
            for value in self._bindings[id(scope)][name]:
                if isinstance(value, ast.arg):
                    found.append(self._of_parameter(value, scope, path))
                elif isinstance(value, ast.expr):
                    if not (isinstance(value, ast.Constant) and value.value is None):
                        found.append(self.of(value, env, path))
                else:
                    return None
            return found[0] if found and all(one is found[0] for one in found) else None
        finally:
            self._busy.remove(key)

    def _of_parameter(self, node: ast.arg, scope: ast.AST, path: str) -> ast.ClassDef | None:
        owner = self._owners.get(id(scope))
        assert isinstance(scope, Scope | ast.Lambda)
        is_first = bool(scope.args.args) and scope.args.args[0] is node
        if owner is not None and is_first:
            assert isinstance(scope, Scope)
            return owner if not scope.decorator_list or is_property(scope) else None
        return self._annotation(node.annotation, (), path)

    def _annotation(self, node: ast.expr | None, env: Env, path: str) -> ast.ClassDef | None:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node = ast.parse(node.value, mode="eval").body
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            sides = [
                one
                for one in (node.left, node.right)
                if not (isinstance(one, ast.Constant) and one.value is None)
            ]
            return self._annotation(sides[0], env, path) if len(sides) == 1 else None
        return self._class_named(node.id, env, path) if isinstance(node, ast.Name) else None

    def _class_named(self, name: str, env: Env, path: str) -> ast.ClassDef | None:
        """Return the class of ours that a name stands for, in annotations too."""
        inner = [one for scope in env for one in self._bindings[id(scope)].get(name, ())]
        if any(not isinstance(one, ast.alias) for one in inner):
            return None
        own = self.classes.get(name)
        origins = self._imports.get((path, name), set())
        if own is not None and self._paths[name] == path and not origins:
            return self._if_plain(own)
        found = set()
        for module, original in origins:
            stem = module.rpartition(".")[2]
            # A class of another file has its file's name behind its own if two share that.
            names = {original, f"{original}_of_{stem}"} & set(self.classes)
            if len(names) != 1 or stem == "shapes":
                return None
            found |= names
        if own is not None and self._paths[name] == path:
            found.add(name)
        return self._if_plain(self.classes[found.pop()]) if len(found) == 1 else None

    def is_plain(self, cls: ast.ClassDef) -> bool:
        """Tell whether all that is of this class is made from a class in sight."""
        is_port = any(self._paths[one.name] == _PORTS for one in self._family(cls))
        is_twice = any(one.name in self._twice for one in self._family(cls))
        has_others = any(
            not isinstance(base, ast.Name) or base.id not in self.classes
            for one in self._family(cls)
            for base in one.bases
        )
        return not (is_port or is_twice or has_others)

    def _if_plain(self, cls: ast.ClassDef) -> ast.ClassDef | None:
        return cls if self.is_plain(cls) else None

    def _family(self, cls: ast.ClassDef) -> list[ast.ClassDef]:
        group = self.group(cls)
        return [one for one in self.classes.values() if self.group(one) == group]

    def _look(self, node: ast.AST, env: Env, path: str) -> None:
        """Take note of all attributes, and of what is stored in them."""
        for one in children(node):
            inner = env
            if isinstance(one, Scope | ast.Lambda):
                inner = (*env, one)
                self._bindings[id(one)] = bindings_of(one)
            self._note(one, env, path)
            self._look(one, inner, path)

    def _note(self, node: ast.AST, env: Env, path: str) -> None:
        if isinstance(node, ast.Attribute):
            self.attributes.append((node, env, path))
            if not isinstance(node.ctx, ast.Load):
                found = self._stores.setdefault(node.attr, [])
                if not any(one[0] is node for one in found):
                    found.append((node, None, env, path))
            return
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Attribute):
            self._annotated[id(node.target)] = node.annotation
        for target, value in assigned(node):
            if isinstance(target, ast.Attribute):
                self._stores.setdefault(target.attr, []).append((target, value, env, path))
