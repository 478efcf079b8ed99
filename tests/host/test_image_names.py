"""Names become short where nothing can be taken for another; what others know stays."""

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
from cma_toolkit.host_tools.image.errors import ImageError
from cma_toolkit.host_tools.image.shrink import firmware
from cma_toolkit.host_tools.image.shrink.known_names import KNOWN_NAMES, ROM_NAMES
from cma_toolkit.host_tools.image.shrink.names import shorten
from support.images import run_micropython

ROOT = FIRMWARE.parent

INTROSPECT = """
import array, asyncio, binascii, collections, gc, hashlib, io, json, machine, micropython, os
import random, re, select, socket, struct, sys, time, vfs
found = set()
def take(thing):
    for name in dir(thing):
        if name[0] != "_":
            found.add(name)
for thing in list(sys.modules.values()): take(thing)
for module in (array, asyncio, binascii, collections, gc, hashlib, io, json, machine, micropython,
               os, random, re, select, socket, struct, sys, time, vfs):
    take(module)
    for name in dir(module): take(getattr(module, name))
for thing in ("", b"", 1, 1.5, [], {}, (), set(), bytearray(), memoryview(b""), io.BytesIO(),
              re.compile("a"), hashlib.sha256(), OSError(1), socket.socket(), select.poll(),
              asyncio.Event(), open("/dev/null"), array.array("b"), collections.deque((), 1)):
    take(thing)
print(" ".join(found))
"""


def short(*keep: str, **texts: str) -> dict[str, str]:
    sources = {f"{name}.py": text.encode() for name, text in texts.items()}
    return {path[:-3]: text.decode() for path, text in shorten(sources, keep).items()}


@pytest.mark.parametrize(
    ("source", "result"),
    [
        # Globals differ within their file.
        ("first = 1\ndef second(): ...\nclass Third: ...\n",
         "_b = 1\ndef _c(): ...\nclass _a: ...\n"),
        ("def first():\n    global second\n    second = 1\n",
         "def _a():\n    global _b\n    _b = 1\n"),
        # Attributes, too, may have the names of globals.
        ("class One:\n    def go(self): ...\n    def stay(self): ...\n",
         "class _a:\n    def _a(self): ...\n    def _b(self): ...\n"),
        # Classes that have nothing to do with each other share.
        ("class A:\n    def go(self):\n        self.x1 = 1\nclass B:\n    def rest(self): ...\n",
         "class _a:\n    def _a(self):\n        self._b = 1\nclass _b:\n    def _a(self): ...\n"),
        # What a nested function assigns to is the instance's, too.
        ("class A:\n    def go(self):\n        def f():\n            self.x1 = 1\n        f()\n",
         "class _a:\n    def _a(self):\n"
         "        def _a():\n            self._b = 1\n        _a()\n"),
        # Another object's attribute differs from all.
        ("class A:\n    def go(self): ...\nclass B:\n    x1 = 1\n"
         "def f(b2):\n    b2.x1 = 2\n",
         "class _a:\n    def _b(self): ...\nclass _b:\n    _a = 1\n"
         "def _c(_a):\n    _a._a = 2\n"),
        # `self` may be bound again, or be no instance at all.
        ("class A:\n    def go(self, other):\n        self = other\n        self.x1 = 1\n"
         "class B:\n    x1 = 2\n    def rest(self): ...\n",
         "class _a:\n    def _b(self, _a):\n        self = _a\n        self._a = 1\n"
         "class _b:\n    _a = 2\n    def _b(self): ...\n"),
        # A parameter differs from all names in its function, variables and globals.
        ("first = 1\ndef second(third, fourth):\n    fifth = first + third\n    return fifth\n",
         "_a = 1\ndef _b(_c, _b):\n    fifth = _a + _c\n    return fifth\n"),
        # So does one of an inner function, and its name.
        ("def f(one):\n    def inner(two):\n        return one + two\n    return inner\n",
         "def _a(_b):\n    def _a(_c):\n        return _b + _c\n    return _a\n"),
        ("first = 1\ndef f(two):\n    return [first + three for three in two]\n",
         "_b = 1\ndef _a(_a):\n    return [_b + three for three in _a]\n"),
        # Shadowing stays what it is.
        ("x1 = 1\ndef f(x1):\n    return x1\n", "_b = 1\ndef _a(_a):\n    return _a\n"),
        ("x1 = 1\ndef f():\n    return [x1 for x1 in (1,)], x1\n",
         "_b = 1\ndef _a():\n    return [_b for _b in (1,)], _b\n"),
        ("def f(g):\n    return (lambda open: open(g)), open\n",
         "def _a(_a):\n    return (lambda open: open(_a)), open\n"),
        ("def f(x1):\n    try: ...\n    except OSError as x1:\n        print(x1)\n",
         "def _a(_a):\n    try: ...\n    except OSError as _a:\n        print(_a)\n"),
        # A body of a class reads globals while it binds attributes.
        ("a1 = 1\nclass B:\n    c1 = a1\n    def d1(self): ...\n",
         "_c = 1\nclass _a:\n    _a = _c\n    def _b(self): ...\n"),
        ("class A:\n    @property\n    def x1(self): ...\n"
         "    @x1.setter\n    def x1(self, v1): ...\n",
         "class _a:\n    @property\n    def _a(self): ...\n    @_a.setter\n"
         "    def _a(self, _a): ...\n"),
        # Defaults belong to what is around.
        ("one = 1\ndef f(one=one):\n    return one\n",
         "_b = 1\ndef _a(_a=_b):\n    return _a\n"),
        ("import struct as other\nx1 = other.pack\n", "import struct as _a\n_b = _a.pack\n"),
        ("def f(x1):\n    import x1\n", "def _a(_a):\n    import x1 as _a\n"),
        ("x1 = 'é'; y1 = x1\n", "_a = 'é'; _b = _a\n"),
        ("x1: int = 1\ndef f(y1: int) -> int: ...\n",
         "_b: int = 1\ndef _a(_a: int) -> int: ...\n"),
    ],
)  # fmt: skip
def test_names_differ_where_they_could_be_taken_for_each_other(source: str, result: str) -> None:
    assert short(a=source)["a"] == result


def test_files_name_their_globals_each_for_itself() -> None:
    made = short(
        a="def first(): ...\ndef second(): ...\n",
        b="from a import second, first as own\nimport struct\ndef f():\n    own(second)\n"
        "    from a import first\n    first()\n",
    )
    assert made["a"] == "def _a(): ...\ndef _b(): ...\n"
    assert made["b"] == (
        "from a import _b as _c, _a as _b\nimport struct\ndef _a():\n    _b(_c)\n"
        "    from a import _a as first\n    first()\n"
    )


def test_what_is_asked_of_a_module_of_ours_is_its_global() -> None:
    sources = {
        "k/__init__.py": b"",
        "k/knock.py": b"def notice(): ...\ndef answer(): ...\n",
        "k/loop.py": b"from k import knock\nclass A:\n    notice = knock.answer\n"
        b"    def go(self):\n        self.notice()\n        knock.notice()\n"
        b"def f():\n    from k import knock\n    knock.notice()\n    del knock\n",
    }
    made = shorten(sources)
    assert made["k/knock.py"].decode() == "def _b(): ...\ndef _a(): ...\n"
    assert made["k/loop.py"].decode() == (
        "from k import knock\nclass _a:\n    _b = knock._a\n"
        "    def _a(self):\n        self._b()\n        knock._b()\n"
        "def _b():\n    from k import knock\n    knock._b()\n    del knock\n"
    )


def test_an_instance_has_the_names_of_the_bases_of_its_class() -> None:
    made = short(
        a="class A:\n    def __init__(self):\n        self.first = self.second = 1\n",
        b="import a0\nfrom a import A as Base\n",
        c="from b import Base\nclass C(Base):\n    def more(self):\n        self.fourth = 4\n",
    )
    assert "self._a = self._b = 1" in made["a"]
    assert "def _d(self):\n        self._c = 4" in made["c"]


@pytest.mark.parametrize(
    "source",
    [
        "import sys\nx = sys.implementation._mpy\n",  # somebody else's
        "import sys\nclass A:\n    flavour = 1\nx = sys.flavour\n",
        "from sys import stdin\n",
        "class A:\n    _x = 1\ny = getattr(A, '_x')\n",
        "class A:\n    _x = 1\ny = f'{A._x}'\n",
        "def f(x, where):\n    return f'{where}'\n",
        "class A:\n    _x = 1\n"
        "try:\n    y = A()._x\nexcept (OSError, AttributeError):\n    y = 1\n",
        "class A:\n    def append(self, value):\n        self.args = value\n",  # MicroPython's
        "class FullError(Exception):\n    pass\n",  # a person reads it
        "for _ in (1, 2):\n    pass\n",
        "class A:\n    def __iter__(self): ...\n",
        "def f(x, far=1): ...\nf(1, far=2)\n",  # by keyword
        "def f(x, far=1): ...\nf(1, **{'far': 2})\n",
        "def f(x, far=1):\n    return eval('far')\n",
        "def f(self):\n    count = 1\n    return count\n",  # costs nothing
    ],
)
def test_names_that_others_may_know_stay(source: str) -> None:
    assert short(*"AfxyC", a=source.replace("x, ", "value, "))["a"] == source.replace(
        "x, ", "value, "
    )


def test_names_that_were_asked_for_stay() -> None:
    source = "def prepare(first_ms, then):\n    return first_ms\n"
    assert short("prepare", a=source)["a"] == "def prepare(_a, _b):\n    return _a\n"
    kept = short("prepare", "then", a=source)["a"]
    assert kept == "def prepare(_a, then):\n    return _a\n"
    # Nobody outside calls a function that did not ask to stay.
    assert short("then", a=source)["a"] == "def _a(_a, _b):\n    return _a\n"


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("def f():\n    class A: ...\n", "put it at the top level"),
        ("class A: ...\nclass A: ...\n", "there twice"),
        ("class A((lambda: object)()): ...\n", "derives from something without a name"),
        ("import k.other\n", "write from"),
        ("from k.other import *\n", "name what is needed"),
        ("from k import other\nx = [other]\n", "used as a value"),
        ("from k import other\nother = 1\nother.x\n", "bound again"),
        ("x = getattr(x, 'a' + 'b')\n", "composed"),
        ("x = map(getattr, x)\n", "as a value"),
        ("X = const(1)\n", "const"),
    ],
)
def test_what_cannot_be_told_apart_is_refused(source: str, why: str) -> None:
    sources = {"k/__init__.py": b"", "k/other.py": b"", "k/user.py": source.encode()}
    with pytest.raises(ImageError, match=rf"k/user\.py:\d: .*{why}"):
        shorten(sources)


# --- the whole firmware, held against the sources before their names became short ---


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
    times = Counter(found.attributes.values())
    assert {one for one in found.outside if times[found.attributes[one]] > 1} == set()
    for names in [found.attributes, *found.globals_.values()]:
        changed = {old: new for old, new in names.items() if old != new}
        assert not set(changed) & (keep | ROM_NAMES)
        assert not set(changed.values()) & (keep | KNOWN_NAMES | ROM_NAMES)
    assert not {old for old, new in found.attributes.items() if old != new} & KNOWN_NAMES


def test_the_interpreter_has_the_free_names_in_rom() -> None:
    for name in sorted(ROM_NAMES):
        source = f"def f(long_name):\n    return long_name.{name}\n"
        assert name.encode() not in mpy.compile_source(source.encode(), "m.py"), name
    assert b"battery" in mpy.compile_source(b"def f(value):\n    return value.battery\n", "m.py")


def test_every_name_that_micropython_knows_is_in_the_list() -> None:
    known = set(run_micropython(INTROSPECT).split())
    shims = ROOT / "sim" / "virtual_board" / "shims"
    for path in sorted(shims.glob("*.py")):
        tree = ast.parse(path.read_text())
        known |= {
            node.name
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
        }
    assert len(known) > 300
    assert not known - KNOWN_NAMES
