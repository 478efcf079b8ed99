"""What each name in a source stands for: a global, an attribute, or something in a function.

A name that `names.py` may change is found here with its place in the text. Annotations, docstrings
and what is there for type checkers only are passed over: no code is made of them.

Input    the sources of an image
Bounds   what cannot be told apart is refused: classes that are not at the top level, `import` and
         `import *` of our own modules, a module as a value, and attributes named by composed texts
"""

import ast
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NoReturn

from ..errors import ImageError
from .modules import Module, is_dead, read_modules, target_of
from .walk import walk

_BY_TEXT = {"getattr", "setattr", "hasattr", "delattr"}
_ALL_BY_TEXT = {"globals", "locals", "vars", "eval", "exec"}


@dataclass(eq=False)
class Scope:
    """A module, a class or a function; comprehensions and lambdas are functions, too."""

    kind: str
    parent: "Scope | None" = None
    name: str = ""
    bound: Counter[str] = field(default_factory=Counter)
    deleted: Counter[str] = field(default_factory=Counter)  # among these
    declared: set[str] = field(default_factory=set)  # by `global`
    outer: set[str] = field(default_factory=set)  # by `nonlocal`
    arguments: tuple[str, ...] = ()
    inner_functions: set[str] = field(default_factory=set)
    is_static: bool = False
    is_comprehension: bool = False

    @property
    def top(self) -> "Scope":
        """Return the module."""
        return self.parent.top if self.parent else self

    @property
    def unit(self) -> "Scope | None":
        """Return the outermost function around, None outside of all."""
        if self.kind == "function":
            above = self.parent.unit if self.parent else None
            return above or self
        return None

    @property
    def owner(self) -> "Scope | None":
        """Return the class of which this is a method."""
        parent = self.parent
        return parent if self.kind == "function" and parent and parent.kind == "class" else None

    def home(self, name: str) -> "Scope | None":
        """Return the scope in which a name that stands here is bound, None for a builtin."""
        one: Scope | None = self
        while one is not None:
            if name in one.declared:
                return self.top
            visible = one is self or one.kind != "class"
            if visible and name in one.bound and name not in one.outer:
                return one
            one = one.parent
        return None


@dataclass(frozen=True)
class Use:
    """A name in the text; `line` is 0 where it cannot be changed, or not alone."""

    name: str
    scope: Scope
    line: int = 0
    column: int = 0
    is_receiver: bool = False
    is_bound: bool = False
    is_fixed: bool = False  # in an f-string


@dataclass(frozen=True)
class Attribute:
    """A name behind a dot."""

    name: str
    line: int
    column: int
    is_stored: bool
    receiver: str  # the name before the dot, "" for anything else
    scope: Scope


@dataclass(frozen=True)
class Import:
    """One name of an import; `source` is a module of ours, "" if it is not."""

    node: ast.alias
    source: str
    local: str
    scope: Scope
    is_module: bool


@dataclass
class File:
    """The names of one source."""

    name: str
    module: Module
    top: Scope
    uses: list[Use] = field(default_factory=list)
    attributes: list[Attribute] = field(default_factory=list)
    imports: list[Import] = field(default_factory=list)
    classes: dict[str, tuple[Scope, list[ast.expr]]] = field(default_factory=dict)
    functions: list[Scope] = field(default_factory=list)
    keywords: set[str] = field(default_factory=set)  # of calls
    spreads: bool = False  # a call takes its keywords from a mapping
    texts: set[str] = field(default_factory=set)
    fixed_attributes: set[str] = field(default_factory=set)
    is_open: bool = False  # its globals and variables may be reached by texts

    def source_of(self, local: str, scope: Scope) -> str:
        """Return the module of ours that a name stands for, "" for anything else."""
        found = [one for one in self.imports if one.local == local and one.scope is scope]
        sources = {f"{one.source}.{one.node.name}" for one in found if one.is_module}
        if not sources:
            return ""
        if len(sources) > 1 or len(found) < scope.bound[local] - scope.deleted[local]:
            self.refuse(found[0].node.lineno, f'"{local}" is bound again: rename one.')
        return sources.pop()

    def refuse(self, line: int, why: str) -> NoReturn:
        """Raise the error of a source that we cannot take apart."""
        raise ImageError(f"{self.module.path}:{line}: {why}")


def read_files(sources: Mapping[str, bytes]) -> dict[str, File]:
    """Return the sources by dotted name, with the role of each of their names.

    Raises: ImageError (our firmware's author) for what cannot be told apart.
    """
    modules = read_modules(sources)
    files = {}
    for name, module in modules.items():
        files[name] = File(name, module, Scope("module"))
        _Reader(files[name], modules).visit(module.tree)
    for file in files.values():
        _refuse_modules_as_values(file)
    return files


def _refuse_modules_as_values(file: File) -> None:
    locals_ = {one.local for one in file.imports if one.is_module}
    for use in file.uses:
        if use.name in locals_ and not use.is_receiver and not use.is_bound:
            home = use.scope.home(use.name)
            if home and file.source_of(use.name, home):
                file.refuse(
                    use.line, f"{use.name} is used as a value: import what is needed of it."
                )


class _Reader(ast.NodeVisitor):
    def __init__(self, file: File, modules: Mapping[str, Module]) -> None:
        self._file = file
        self._modules = modules
        self._packages = {name.split(".")[0] for name in modules}
        self._scope = file.top
        self._in_text = False
        self._lines = [line.encode() for line in file.module.text.split("\n")]

    def _use(self, name: str, at: tuple[int, int] = (0, 0), *, bind: bool = False) -> None:
        scope = self._scope
        if bind:
            scope.bound[name] += 1
        line, column = (0, 0) if self._in_text else at
        self._file.uses.append(
            Use(name, scope, line, column, is_bound=bind, is_fixed=self._in_text)
        )

    def _find(self, line: int, column: int, before: str, name: str) -> tuple[int, int]:
        """Return where a name stands behind a word."""
        pattern = re.compile(rb"%s\b(%s)\b" % (before.encode(), name.encode()))
        found = pattern.search(self._lines[line - 1], column)
        if not found:
            self._file.refuse(line, f'"{name}" is not where it should be: put it on one line.')
        return line, found.start(1)

    def _all(self, *nodes: ast.AST | None) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node)

    def _within(self, scope: Scope, *nodes: ast.AST | None) -> None:
        outside, self._scope = self._scope, scope
        self._all(*nodes)
        self._scope = outside

    # --- what makes a scope ---

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._all(*node.decorator_list, *node.args.defaults, *node.args.kw_defaults)
        self._use(
            node.name, self._find(node.lineno, node.col_offset, r"def\s+", node.name), bind=True
        )
        if self._scope.unit:
            self._scope.unit.inner_functions.add(node.name)
        decorators = {one.id for one in node.decorator_list if isinstance(one, ast.Name)}
        scope = Scope("function", self._scope, node.name, is_static="staticmethod" in decorators)
        self._arguments(node.args, scope)
        self._within(scope, *node.body)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - ast's name

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._all(*node.args.defaults, *node.args.kw_defaults)
        scope = Scope("function", self._scope)
        self._arguments(node.args, scope)
        self._within(scope, node.body)

    def _arguments(self, node: ast.arguments, scope: Scope) -> None:
        self._file.functions.append(scope)
        every = [*node.posonlyargs, *node.args, node.vararg, *node.kwonlyargs, node.kwarg]
        found = [one for one in every if one]
        scope.arguments = tuple(one.arg for one in found)
        outside, self._scope = self._scope, scope
        for one in found:
            self._use(one.arg, (one.lineno, one.col_offset), bind=True)
        self._scope = outside

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> None:
        self._generators(node.generators, node.elt)

    visit_ListComp = visit_SetComp = visit_GeneratorExp = _comprehension  # noqa: N815

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self._generators(node.generators, node.key, node.value)

    def _generators(self, generators: list[ast.comprehension], *results: ast.expr) -> None:
        self.visit(generators[0].iter)
        scope = Scope("function", self._scope, is_comprehension=True)
        self._file.functions.append(scope)
        for index, one in enumerate(generators):
            self._within(scope, one.target, one.iter if index else None, *one.ifs)
        self._within(scope, *results)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        if self._scope is not self._file.top or node.col_offset:
            self._file.refuse(node.lineno, f"class {node.name}: put it at the top level.")
        self._all(*node.decorator_list, *node.bases, *(one.value for one in node.keywords))
        self._use(node.name, self._find(node.lineno, 0, r"class\s+", node.name), bind=True)
        if node.name in self._file.classes:
            self._file.refuse(node.lineno, f"class {node.name} is there twice: rename one.")
        scope = Scope("class", self._scope, node.name)
        self._file.classes[node.name] = (scope, node.bases)
        self._within(scope, *node.body)

    # --- what has names ---

    def visit_Name(self, node: ast.Name) -> None:
        self._use(node.id, (node.lineno, node.col_offset), bind=not isinstance(node.ctx, ast.Load))
        self._scope.deleted[node.id] += isinstance(node.ctx, ast.Del)
        if node.id in _BY_TEXT:
            self._file.refuse(node.lineno, f"{node.id} as a value: call it here.")
        if node.id == "const":
            self._file.refuse(node.lineno, "const: it hides what begins with _; fold.py folds.")
        self._file.is_open |= node.id in _ALL_BY_TEXT

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        scope = self._scope
        while scope.is_comprehension and scope.parent:
            scope = scope.parent
        self._within(scope, node.target)

    def visit_Global(self, node: ast.Global) -> None:
        self._scope.declared.update(node.names)
        self._file.top.bound.update(node.names)
        for name in node.names:
            self._use(name, self._find(node.lineno, node.col_offset, r"(?<=[\s,])", name))

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        self._scope.outer.update(node.names)
        for name in node.names:
            self._use(name, self._find(node.lineno, node.col_offset, r"(?<=[\s,])", name))

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name and node.type and node.type.end_lineno and node.type.end_col_offset:
            at = self._find(node.type.end_lineno, node.type.end_col_offset, r"as\s+", node.name)
            self._use(node.name, at, bind=True)
        self._all(node.type, *node.body)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        assert node.end_lineno is not None and node.end_col_offset is not None
        if self._in_text:
            self._file.fixed_attributes.add(node.attr)
        receiver = node.value.id if isinstance(node.value, ast.Name) else ""
        column = node.end_col_offset - len(node.attr)
        line = 0 if self._in_text else node.end_lineno
        stored = not isinstance(node.ctx, ast.Load)
        self._file.attributes.append(
            Attribute(node.attr, line, column, stored, receiver, self._scope)
        )
        self.visit(node.value)
        if receiver:
            self._file.uses.append(replace(self._file.uses.pop(), is_receiver=True))

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            if alias.name.split(".")[0] in self._packages:
                self._file.refuse(node.lineno, f"import {alias.name}: write from … import ….")
            self._bind_import(alias, "", alias.asname or alias.name.split(".")[0])

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        source = target_of(self._file.name, self._file.module, node)
        for alias in node.names:
            if alias.name == "*":
                self._file.refuse(node.lineno, "import *: name what is needed.")
            is_ours = source in self._modules or f"{source}.{alias.name}" in self._modules
            self._bind_import(alias, source if is_ours else "", alias.asname or alias.name)

    def _bind_import(self, alias: ast.alias, source: str, local: str) -> None:
        self._use(local, bind=True)
        is_module = bool(source) and f"{source}.{alias.name}" in self._modules
        self._file.imports.append(Import(alias, source, local, self._scope, is_module))

    # --- what names something by a text, or does not name it at all ---

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Name) and node.func.id in _BY_TEXT:
            self._use(node.func.id, (node.func.lineno, node.func.col_offset))
            if not (len(node.args) > 1 and isinstance(node.args[1], ast.Constant | ast.Name)):
                self._file.refuse(node.lineno, "an attribute's name is composed: write it out.")
        else:
            self.visit(node.func)
        self._all(*node.args)
        for keyword in node.keywords:
            self._file.spreads |= keyword.arg is None
            self._file.keywords.update([keyword.arg] if keyword.arg else [])
            self.visit(keyword.value)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and node.value.isidentifier():
            self._file.texts.add(node.value)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        # Python below 3.12 does not say where in the text a name is.
        was, self._in_text = self._in_text, True
        self.generic_visit(node)
        self._in_text = was

    def visit_Try(self, node: ast.Try) -> None:
        caught = {
            name.id
            for handler in node.handlers
            if handler.type
            for name in walk(handler.type)
            if isinstance(name, ast.Name)
        }
        if "AttributeError" in caught:
            # Somebody wants to know that there is no such attribute: no other may take its name.
            self._file.fixed_attributes.update(
                one.attr
                for part in node.body
                for one in walk(part)
                if isinstance(one, ast.Attribute)
            )
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):
            self.visit(node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value or not isinstance(node.target, ast.Name) or self._scope.unit:
            self._all(node.target, node.value)

    def visit_If(self, node: ast.If) -> None:
        if is_dead(node):
            self._all(*node.orelse)
        else:
            self.generic_visit(node)
