"""What the functions of an image are, and who calls them: the facts that inlining needs.

A method is known by the class of what it is called on where that is plain, else by a name that one
class alone has. Whatever else mentions a name makes it unknown: it may then be called in any way.

Input    the syntax trees of all sources of our firmware
Bounds   nobody outside calls what is not in `keep`; attributes are set in sight, never by setattr
"""

import ast
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from .known_names import KNOWN_NAMES
from .modules import dotted
from .names import spoken_names
from .walk import children, walk

Scope = ast.FunctionDef | ast.AsyncFunctionDef
NESTED = (ast.Lambda, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_UNFIT = (
    *NESTED,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
    ast.Yield,
    ast.YieldFrom,
    ast.Await,
    ast.Global,
    ast.Nonlocal,
    ast.NamedExpr,
    ast.Delete,
    ast.Import,
    ast.ImportFrom,
)


@dataclass
class Function:
    """A function or method, and the places where it is called; `uses` holds their nodes."""

    path: str
    owner: str  # its class, "" if it is none's
    node: ast.FunctionDef
    uses: list[tuple[Scope | None, ast.expr]] = field(default_factory=list)
    is_known: bool = True  # every use is in sight

    @property
    def is_property(self) -> bool:
        """Tell whether it is called without parentheses."""
        return bool(self.node.decorator_list)


@dataclass
class Class:
    """A class of ours, by what its names are; `base` is its one base of ours, "" if none."""

    path: str
    node: ast.ClassDef
    base: str
    names: frozenset[str]


@dataclass
class Module:
    """A source: what its top-level names are bound to."""

    path: str
    tree: ast.Module
    bound: Counter[str] = field(default_factory=Counter)
    imported: dict[str, tuple[str, str]] = field(default_factory=dict)  # name → (module, name)
    inner: frozenset[str] = frozenset()  # names bound within its functions
    plain_imports: set[str] = field(default_factory=set)  # modules by their own names


class Program:
    """All of the sources, and where each function of theirs is used."""

    def __init__(self, trees: Mapping[str, ast.Module], keep: Collection[str]) -> None:
        self.modules = {path: _module(path, tree) for path, tree in sorted(trees.items())}
        self.functions: dict[tuple[str, str, str], Function] = {}
        self.classes: dict[str, Class] = {}
        self._twice: set[str] = set()  # names of classes that two files have
        self.methods: dict[str, list[Function]] = {}
        self.stored: Counter[str] = Counter()  # attributes, by how often they are assigned to
        self._volatile: set[str] = set()  # assigned to after construction
        self._is_begun_again = False  # by a call of __init__ other than a derived class's
        self._top = {name for one in self.modules.values() for name in one.bound}
        self._rebound: set[str] = set()  # from within functions
        self._members: Counter[str] = Counter()
        self._of: dict[int, Function] = {}  # a use, by its node
        self.properties: set[str] = set()
        self._paths: dict[int, str] = {}
        for module in self.modules.values():
            self._take(module)
        unknown = {*keep}
        for module in self.modules.values():
            unknown |= set(spoken_names(module.tree))
        for name in unknown:
            self._forget(name)
        for module in self.modules.values():
            _Uses(self, module).visit(module.tree)

    def used_at(self, node: ast.AST) -> Function | None:
        """Return which function is called there, None if that is not known."""
        return self._of.get(id(node))

    def is_steady(self, node: ast.Name | ast.Attribute) -> bool:
        """Tell whether a name keeps its value, an attribute from construction on."""
        if isinstance(node, ast.Name):
            return node.id not in self._rebound
        if node.attr in self._volatile or node.attr in self.properties or self._is_begun_again:
            return False
        is_ours = node.attr in {*self.stored, *self.methods, *self._members}
        return is_ours or (isinstance(node.value, ast.Name) and node.value.id in self._top)

    def path_of(self, scope: Scope) -> str:
        """Return in which file a function stands."""
        return self._paths[id(scope)]

    def family(self, name: str) -> list[Class]:
        """Return a class with all that it derives from and that derive from it."""
        found = {name}
        while True:
            more = {
                one
                for one, cls in self.classes.items()
                if cls.base in found or any(self.classes[two].base == one for two in found)
            }
            if more <= found:
                return [self.classes[one] for one in sorted(found)]
            found |= more

    def _take(self, module: Module) -> None:
        for node in module.tree.body:
            if isinstance(node, ast.FunctionDef):
                self.functions[module.path, "", node.name] = Function(module.path, "", node)
            elif isinstance(node, ast.ClassDef):
                self._take_class(module, node)
        for outer in walk(module.tree):
            if isinstance(outer, Scope):
                self._paths[id(outer)] = module.path
            if isinstance(outer, ast.Global | ast.Nonlocal):
                self._rebound |= set(outer.names)
            is_start = isinstance(outer, ast.FunctionDef) and outer.name == "__init__"
            for within in _directly_in(outer):
                if isinstance(within, ast.Attribute) and within.attr == "__init__":
                    self._is_begun_again |= not (is_start and isinstance(within.value, ast.Call))
                if isinstance(within, ast.Attribute) and not isinstance(within.ctx, ast.Load):
                    self.stored[within.attr] += 1
                    if not (is_start and _is_named(within.value, "self")):
                        self._volatile.add(within.attr)

    def _take_class(self, module: Module, node: ast.ClassDef) -> None:
        names = set()
        for inner in node.body:
            if isinstance(inner, ast.FunctionDef):
                function = Function(module.path, node.name, inner)
                self.functions[module.path, node.name, inner.name] = function
                self.methods.setdefault(inner.name, []).append(function)
                names.add(inner.name)
                if function.is_property:
                    self.properties.add(inner.name)
            else:
                bound = {one.id for one in walk(inner) if isinstance(one, ast.Name)}
                names |= bound
                self._members.update(bound)
        base = next((one.id for one in node.bases if isinstance(one, ast.Name)), "")
        if node.name in self.classes:
            self._twice.add(node.name)
        self.classes[node.name] = Class(module.path, node, base, frozenset(names))

    def _forget(self, name: str) -> None:
        for function in self.methods.get(name, ()):
            function.is_known = False
        for module in self.modules.values():
            one = self.functions.get((module.path, "", name))
            if one:
                one.is_known = False

    def _method(self, name: str, owner: str) -> Function | None:
        """Return the method of that name on a class's instances, "" for that of any class."""
        found = self.methods.get(name, [])
        if owner and owner not in self._twice:
            family = self.family(owner)
            own = [one for one in found if any(one.owner == cls.node.name for cls in family)]
            members = sum(name in cls.names for cls in family)
            if len(own) == members == 1:
                return own[0]
        elif len(found) == 1 and name not in KNOWN_NAMES and not self._members[name]:
            return found[0]
        return None

    def use(
        self, scope: Scope | None, node: ast.Attribute, owner: str, call: ast.Call | None
    ) -> None:
        """Take note that an attribute is read, and called if `call` is given."""
        if node.attr not in self.methods:
            self._forget(node.attr)
            return
        function = self._method(node.attr, owner)
        site: ast.expr | None = call
        if function and function.is_property:
            site = node
        if function is None or site is None or self.stored[node.attr]:
            self._forget(node.attr)
            return
        function.uses.append((scope, site))
        self._of[id(site)] = function

    def use_name(
        self, module: Module, scope: Scope | None, node: ast.Name, call: ast.Call | None
    ) -> None:
        """Take note that a name is read, and called if `call` is given."""
        path, name = module.path, node.id
        if name in module.imported:
            source, name = module.imported[name]
            path = next((one for one in self.modules if dotted(one) == source), "")
        function = self.functions.get((path, "", name))
        if function is None:
            return
        is_plain = module.bound[node.id] == 1 and node.id not in module.inner
        if call is None or not is_plain or self.modules[path].bound[name] != 1:
            function.is_known = False
            return
        function.uses.append((scope, call))
        self._of[id(call)] = function


class _Uses(ast.NodeVisitor):
    """Tell the program of every use of a name in a module."""

    def __init__(self, program: Program, module: Module) -> None:
        self._program = program
        self._module = module
        self._scope: Scope | None = None
        self._class = ""
        self._called: dict[int, ast.Call] = {}
        self._rebinding: dict[int, bool] = {}  # functions by their node: is their `self` rebound?

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        outer, self._class = self._class, node.name
        self.generic_visit(node)
        self._class = outer

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._enter(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._enter(node)

    def _enter(self, node: Scope) -> None:
        for default in [*node.args.defaults, *node.args.kw_defaults, *node.decorator_list]:
            if default:
                self.visit(default)
        outer = self._scope
        self._scope = outer or node
        for statement in node.body:
            self.visit(statement)
        self._scope = outer

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if self._scope or node.col_offset:
            for alias in node.names:
                self._program._forget(alias.name)

    def visit_Call(self, node: ast.Call) -> None:
        self._called[id(node.func)] = node
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if isinstance(node.ctx, ast.Load):
            owner = self._class if self._is_self(node.value) else ""
            self._program.use(self._scope, node, owner, self._called.get(id(node)))
        else:
            self._program._forget(node.attr)
        self.visit(node.value)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self._program.use_name(self._module, self._scope, node, self._called.get(id(node)))

    def _is_self(self, node: ast.expr) -> bool:
        if not self._class or not self._scope or not self._scope.args.args:
            return False
        first = self._scope.args.args[0].arg
        if not _is_named(node, first) or (
            self._scope.decorator_list and not is_property(self._scope)
        ):
            return False
        if id(self._scope) not in self._rebinding:
            self._rebinding[id(self._scope)] = any(
                _is_named(one, first) and not isinstance(one.ctx, ast.Load)  # type: ignore[attr-defined]
                for one in walk(self._scope)
            )
        return not self._rebinding[id(self._scope)]


def is_property(node: Scope) -> bool:
    """Tell whether a method is a property, and nothing else."""
    return len(node.decorator_list) == 1 and _is_named(node.decorator_list[0], "property")


def _is_named(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _directly_in(outer: ast.AST) -> Iterator[ast.AST]:
    """Yield what stands in a function or module, but not in functions within."""
    if not isinstance(outer, Scope | ast.Module | ast.Lambda):
        return
    stack = list(children(outer))
    while stack:
        node = stack.pop()
        if isinstance(node, Scope | ast.Lambda):
            continue
        yield node
        stack += children(node)


def _module(path: str, tree: ast.Module) -> Module:
    module = Module(path, tree)
    for node in tree.body:
        module.bound.update(_bound_by(node))
        if isinstance(node, ast.Import):
            module.plain_imports |= {one.name for one in node.names if not one.asname}
        elif isinstance(node, ast.ImportFrom):
            source = _source(path, node)
            for alias in node.names:
                module.imported[alias.asname or alias.name] = (source, alias.name)
    module.inner = frozenset(
        name
        for node in walk(tree)
        if isinstance(node, Scope | ast.Lambda)
        for name in bound_in(node)
    )
    return module


def _source(path: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = dotted(path) if path.endswith("__init__.py") else dotted(path).rpartition(".")[0]
    parts = package.split(".")
    parts = parts[: len(parts) - node.level + 1]
    return ".".join([*parts, *([node.module] if node.module else [])])


def _bound_by(node: ast.stmt) -> Iterable[str]:
    if isinstance(node, Scope | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [alias.asname or alias.name.split(".")[0] for alias in node.names]
    return [
        one.id
        for one in walk(node)
        if isinstance(one, ast.Name) and not isinstance(one.ctx, ast.Load)
    ]


def bound_in(node: ast.AST) -> set[str]:
    """Return every name that a function binds, those of functions within it too."""
    found = set()
    for one in walk(node):
        if isinstance(one, ast.arg):
            found.add(one.arg)
        elif isinstance(one, ast.Name) and not isinstance(one.ctx, ast.Load):
            found.add(one.id)
        elif isinstance(one, ast.ExceptHandler) and one.name:
            found.add(one.name)
        elif isinstance(one, ast.alias):
            found.add(one.asname or one.name.split(".")[0])
        elif isinstance(one, Scope | ast.ClassDef) and one is not node:
            found.add(one.name)
        elif isinstance(one, ast.Global | ast.Nonlocal):
            found |= set(one.names)
    return found


def is_fit(function: Function) -> bool:
    """Tell whether a function is of a form that can stand at its place of call."""
    node = function.node
    arguments = node.args
    if arguments.vararg or arguments.kwarg or arguments.kwonlyargs or arguments.posonlyargs:
        return False
    if node.name.startswith("__") or (node.decorator_list and not is_property(node)):
        return False
    if any(not isinstance(default, ast.Constant) for default in arguments.defaults):
        return False
    if function.owner and not arguments.args:
        return False
    return not any(
        isinstance(one, _UNFIT) or _is_named(one, "super")
        for statement in node.body
        for one in walk(statement)
    )
