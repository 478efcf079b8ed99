"""Names become short where nothing can be taken for another; what others know stays."""

import ast
import builtins

import pytest

from cma_toolkit.host_tools.flash.contents import FIRMWARE
from cma_toolkit.host_tools.image import mpy
from cma_toolkit.host_tools.image.errors import ImageError
from cma_toolkit.host_tools.image.shrink.known_names import ASKED_NAMES, KNOWN_NAMES, ROM_NAMES
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
         "_c = 1\ndef _a(): ...\nclass _b: ...\n"),
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
         "class _b:\n    def _a(self): ...\nclass _c:\n    _b = 1\n"
         "def _a(_a):\n    _a._b = 2\n"),
        # `self` may be bound again, or be no instance at all.
        ("class A:\n    def go(self, other):\n        self = other\n        self.x1 = 1\n"
         "class B:\n    x1 = 2\n    def rest(self): ...\nclass C:\n    y1 = 3\n"
         "    def lie(self): ...\n",
         "class _a:\n    def _a(self, _a):\n        self = _a\n        self._b = 1\n"
         "class _b:\n    _b = 2\n    def _a(self): ...\nclass _c:\n    _c = 3\n"
         "    def _a(self): ...\n"),
        # A parameter differs from all names in its function, variables and globals.
        ("first = 1\ndef second(third, fourth):\n    fifth = first + third\n    return fifth\n",
         "_b = 1\ndef _a(_c, _a):\n    fifth = _b + _c\n    return fifth\n"),
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
        ("def f(g):\n    return (lambda min: min(g)), min\n",
         "def _a(_a):\n    return (lambda min: min(_a)), min\n"),
        # A method does not see the body of its class.
        ("x1 = 1\nclass A:\n    x1 = 2\n    def go(self):\n        return x1\n",
         "_c = 1\nclass _a:\n    _b = 2\n    def _a(self):\n        return _c\n"),
        ("def f(x1):\n    try: ...\n    except OSError as x1:\n        print(x1)\n",
         "def _a(_a):\n    try: ...\n    except OSError as _a:\n        print(_a)\n"),
        # A body of a class reads globals while it binds attributes.
        ("a1 = 1\nclass B:\n    c1 = a1\n    def d1(self): ...\n",
         "_c = 1\nclass _a:\n    _b = _c\n    def _a(self): ...\n"),
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
        "from k import knock\nclass _b:\n    _b = knock._a\n"
        "    def _a(self):\n        self._b()\n        knock._b()\n"
        "def _a():\n    from k import knock\n    knock._b()\n    del knock\n"
    )


def test_a_package_has_its_modules_as_globals() -> None:
    made = shorten({"k/__init__.py": b"first = 1\n", "k/_a.py": b"first = 1\n"})
    assert made == {"k/__init__.py": b"_b = 1\n", "k/_a.py": b"_a = 1\n"}


def test_an_instance_has_the_names_of_the_bases_of_its_class() -> None:
    made = short(
        a="class A:\n    def __init__(self):\n        self.first = self.second = 1\n",
        b="import a0\nfrom a import A as Base\n",
        c="from b import Base\nclass C(Base):\n    def more(self):\n        self.fourth = 4\n",
    )
    assert "self._b = self._c = 1" in made["a"]
    assert "def _a(self):\n        self._d = 4" in made["c"]


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
        "far = 1\ndef f():\n    return (lambda far: far)(far=2), far\n",
        "def f(x, far=1):\n    return eval('far')\n",
        "def f(self):\n    count = 1\n    return count\n",  # costs nothing
    ],
)
def test_names_that_others_may_know_stay(source: str) -> None:
    assert short(*"AfxyC", a=source.replace("x, ", "value, "))["a"] == source.replace(
        "x, ", "value, "
    )


MANY = 26  # as many short names are there anyway


def test_what_no_traceback_shows_becomes_words_that_cost_nothing() -> None:
    data = "".join(
        f"        self.data{number} = len(x{number}, 1)\n" for number in range(MANY + 20)
    )
    more = "".join(f"x{number} = count = lower(1)\n" for number in range(MANY + 20))
    body = f"class A:\n    sort = abs(all(1))\n    def append(self):\n{data}"
    tree = ast.parse(short(a=more + body)["a"])
    stored = {one.attr for one in ast.walk(tree) if isinstance(one, ast.Attribute)}
    bound = {one.targets[0].id for one in tree.body if isinstance(one, ast.Assign)}
    assert len(stored) == len(bound) == MANY + 20
    words = {name for name in stored if name in ROM_NAMES}
    assert len(words) > MANY // 2 and not words & {"append", "sort", *ASKED_NAMES}
    # A builtin that the body of the class reads is none of its attributes, nor of any global.
    assert not words & {"abs", "all"}
    globals_ = {name for name in bound if name in ROM_NAMES}
    assert len(globals_) > MANY // 2 and not globals_ & {"count", "lower", *dir(builtins)}
    foreign = ast.parse(short(a=body.replace("A", "A(dict)"))["a"])
    assert (
        not {one.attr for one in ast.walk(foreign) if isinstance(one, ast.Attribute)} & ROM_NAMES
    )


def test_functions_never_become_words() -> None:
    methods = "".join(f"    def go{number}(self): ...\n" for number in range(MANY + 20))
    functions = "".join(f"def go{number}(): ...\n" for number in range(MANY + 20))
    tree = ast.parse(short(a="class A:\n" + methods + functions)["a"])
    names = [one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)]
    assert len(names) == 2 * (MANY + 20) and not set(names) & ROM_NAMES


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
