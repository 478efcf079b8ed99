"""The firmware does the same by short names: Python's compiler compares the two."""

import ast
import dis
import types
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeGuard

import pytest

from cma_toolkit.host_tools.flash.contents import FIRMWARE
from cma_toolkit.host_tools.image import mpy
from cma_toolkit.host_tools.image.shrink import firmware
from cma_toolkit.host_tools.image.shrink.known_names import ASKED_NAMES, KNOWN_NAMES, ROM_NAMES
from cma_toolkit.host_tools.image.shrink.names import shorten


@dataclass
class _Renaming:
    """What became of all names, as Python's own compiler sees them."""

    attributes: dict[str, str] = field(default_factory=dict)
    globals_: dict[str, dict[str, str]] = field(default_factory=dict)  # by module
    modules: dict[str, dict[str, str]] = field(default_factory=dict)  # by module: local → module
    members: dict[str, set[str]] = field(default_factory=dict)  # by class
    bases: dict[str, list[str]] = field(default_factory=dict)
    outside: set[str] = field(default_factory=set)  # assigned to on other objects than `self`

    def take_file(self, file: str, old: ast.Module, new: ast.Module) -> None:
        """Compare a source with what it became."""
        known = self.modules.setdefault(file, {})
        for one, other in zip(ast.walk(old), ast.walk(new), strict=True):
            if isinstance(one, ast.ImportFrom) and isinstance(other, ast.ImportFrom):
                source = one.module or ""
                assert not one.level
                for was, now in zip(one.names, other.names, strict=True):
                    if f"{source}.{was.name}" in self.globals_:
                        known[was.asname or was.name] = f"{source}.{was.name}"
                        assert was.name == now.name
                    elif source in self.globals_:
                        _note(self.globals_[source], was.name, now.name)
                    else:
                        assert was.name == now.name
            elif isinstance(one, ast.ClassDef) and isinstance(other, ast.ClassDef):
                assert one.name == other.name or not one.name.endswith("Error")
                self.bases[one.name] = [ast.unparse(base).split(".")[-1] for base in one.bases]
                own = {part.attr for part in ast.walk(one) if _is_stored(part) and _is_own(part)}
                self.members[one.name] = own
            elif _is_stored(one) and not _is_own(one):
                self.outside.add(one.attr)
        self._take(file, compile(old, file, "exec"), compile(new, file, "exec"))

    def _take(self, file: str, old: types.CodeType, new: types.CodeType) -> None:
        counts = [(code.co_argcount, len(code.co_freevars), len(code.co_cellvars))
                  for code in (old, new)]  # fmt: skip
        before, after = _instructions(old), _instructions(new)
        assert counts[0] == counts[1], (file, old)
        opcodes = [
            [_METHODS.get(one.opname, one.opname) for one in code] for code in (before, after)
        ]
        assert opcodes[0] == opcodes[1], (file, old)
        in_class = old.co_name if "__module__" in old.co_names else None
        own = {one.argval for one in before if one.opname == "STORE_NAME"} if in_class else set()
        here: dict[str, str] = {}
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            name, now = one.argval, other.argval
            if isinstance(name, types.CodeType):
                self._take(file, name, now)
            elif one.opcode in dis.hasconst:
                if name in self.bases and isinstance(name, str):
                    now = name if now == self.globals_[file].get(name, now) else now
                assert name == now or before[index + 1].opname == "IMPORT_NAME", (file, name)
            elif one.opname in {"MAKE_CELL", "LOAD_CLOSURE"}:
                pass  # in the order of the alphabet
            elif one.opcode in dis.haslocal or one.opcode in dis.hasfree:
                _note(here, name, now)
            elif "ATTR" in one.opname or one.opname == "LOAD_METHOD":
                receiver = before[index - 1].argval if "LOAD" in before[index - 1].opname else ""
                module = self.modules[file].get(receiver)
                _note(self.globals_[module] if module else self.attributes, name, now)
            elif one.opcode in dis.hasname and not one.opname.startswith("IMPORT"):
                _note(self.attributes if name in own else self.globals_[file], name, now)
        if in_class:
            self.members[in_class] |= own
        assert len(set(here.values())) == len(here), (file, old, here)

    def line_of(self, name: str) -> Iterable[str]:
        """Return what instances of a class have."""
        found = set(self.members.get(name, ()))
        return found.union(*(self.line_of(base) for base in self.bases.get(name, ())))


def _is_stored(node: ast.AST) -> TypeGuard[ast.Attribute]:
    return isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load)


def _is_own(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id == "self"


# CPython takes another way to a method of what has the name of something imported.
_METHODS = {"LOAD_METHOD": "LOAD_ATTR"}


def _instructions(code: types.CodeType) -> list[dis.Instruction]:
    return [one for one in dis.get_instructions(code) if one.opname != "PUSH_NULL"]


def _note(names: dict[str, str], old: str, new: str) -> None:
    assert names.setdefault(old, new) == new, old


class _Bare(ast.NodeTransformer):
    """Leave out what a board does not have: annotations, and what is for type checkers."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.copy_location(ast.arg(node.arg), node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is None:
            return ast.copy_location(ast.Pass(), node)
        return ast.copy_location(ast.Assign([node.target], node.value), node)

    def visit_If(self, node: ast.If) -> ast.AST:
        if isinstance(node.test, ast.Constant) and not node.test.value:
            return ast.copy_location(ast.Pass(), node)
        return self.generic_visit(node)


def _trees(sources: Mapping[str, bytes]) -> dict[str, ast.Module]:
    return {
        path.removesuffix(".py")
        .removesuffix("/__init__")
        .replace("/", "."): ast.fix_missing_locations(_Bare().visit(ast.parse(text)))
        for path, text in sources.items()
        if path.endswith(".py")
    }


def _renaming(monkeypatch: pytest.MonkeyPatch) -> tuple[_Renaming, set[str]]:
    seen: list[tuple[Mapping[str, bytes], Mapping[str, bytes], set[str]]] = []

    def spy(sources: Mapping[str, bytes], keep: Iterable[str]) -> dict[str, bytes]:
        made = shorten(sources, keep)
        seen.append((sources, made, set(keep)))
        return made

    monkeypatch.setattr(firmware, "shorten", spy)
    firmware.shrink(mpy.read_sources(FIRMWARE))
    [(sources, made, keep)] = seen
    before, after = _trees(sources), _trees(made)
    found = _Renaming(globals_={name: {} for name in before})
    for name, tree in before.items():
        found.take_file(name, tree, after[name])
    return found, keep


def test_the_firmware_does_the_same_by_other_names(monkeypatch: pytest.MonkeyPatch) -> None:
    found, keep = _renaming(monkeypatch)
    assert len(found.members) > 30 and len(found.attributes) > 300  # it was looked at
    for name in found.members:
        had = found.line_of(name)
        assert len({found.attributes.get(one, one) for one in had}) == len(list(had)), name
    for names in found.globals_.values():
        assert len(set(names.values())) == len(names)
    members = {one for name in found.members for one in found.line_of(name)}
    times = Counter(found.attributes.get(one, one) for one in members)
    assert {one for one in found.outside if times[found.attributes[one]] > 1} == set()
    for names in [found.attributes, *found.globals_.values()]:
        changed = {old: new for old, new in names.items() if old != new}
        assert not set(changed) & (keep | ROM_NAMES)
        assert not set(changed.values()) & (keep | KNOWN_NAMES - ROM_NAMES | ASKED_NAMES)
    assert not {old for old, new in found.attributes.items() if old != new} & KNOWN_NAMES
