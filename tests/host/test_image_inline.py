"""Functions go where they are called from, and a program does what it did."""

import ast
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cma_toolkit.host_tools.image.shrink.inline import inline
from cma_toolkit.host_tools.image.shrink.slots import share_slots

KEEP = ("run",)


def inlined(source: str) -> str:
    return inline({"m.py": source.encode()}, KEEP)["m.py"].decode()


def functions(source: str) -> set[str]:
    return {one.name for one in ast.walk(ast.parse(source)) if isinstance(one, ast.FunctionDef)}


def outcome(source: str, *arguments: int) -> tuple[Any, list[Any]]:
    """Return what `run` returns or raises, and what it logged meanwhile."""
    log: list[Any] = []
    names: dict[str, Any] = {"log": log.append}
    exec(source, names)
    try:
        return names["run"](*arguments), log
    except (ValueError, ZeroDivisionError) as error:
        return repr(error), log


GONE = {
    "statement": "def f(a):\n    log(a)\n    log(a + 1)\n"
    "def run(x):\n    f(x * 2)\n    return x\n",
    "guards": "def f(a):\n    if a < 1:\n        return 7\n    if a > 2:\n        log(a)\n"
    "        return 8\n    return a\ndef run(x):\n    y = f(x)\n    log(y)\n    return y\n",
    "loop": "def f(a):\n    for i in range(a):\n        if i * i > 3:\n            return i\n"
    "    log(a)\n    return -1\ndef run(x):\n    return f(x) + 1\n",
    "forever": "def f(a):\n    while True:\n        a += 1\n        if a > 5:\n"
    "            return a\ndef run(x):\n    y = f(x)\n    return x, y\n",
    "try": "def f(a):\n    try:\n        b = 6 // a\n    except ZeroDivisionError:\n"
    "        return 0\n    log(b)\n    return b\ndef run(x):\n    y = f(x - 1)\n    return x, y\n",
    "finally": "def f(a):\n    try:\n        return 6 // a\n    finally:\n        log(a)\n"
    "def run(x):\n    y = f(x - 1)\n    return x, y\n",
    "condition": "def f(a):\n    log(a)\n    return a > 1\ndef run(x):\n"
    "    if x and f(x):\n        return 1\n    else:\n        return 2\n",
    "while": "def f(a):\n    log(a)\n    return a > 1\ndef run(x):\n    while f(x):\n"
    "        x -= 1\n    return x\n",
    "either": "def f(a):\n    log(a)\n    log(a)\n    return a\ndef run(x):\n"
    "    return 5 if x > 1 else f(x)\n",
    "names": "def f(a):\n    x = a + 1\n    log(x)\n    return x * 2\ndef run(x):\n"
    "    y = f(x + 1)\n    return x, y\n",
    "changed parameter": "def f(a):\n    a += 1\n    log(a)\n    return a\ndef run(x):\n"
    "    y = f(x)\n    return x, y\n",
    "default": "def f(a, b=3):\n    log(b)\n    return a - b\ndef run(x):\n    return f(x)\n",
    "keywords": "def f(a, b):\n    log(a)\n    return a - b\ndef g(a):\n    log(a)\n    return a\n"
    "def run(x):\n    return f(b=g(x), a=log(1) or x + 1)\n",
    "from two places": "def f(a):\n    log(a)\n    if a > 2:\n        return a\n    b = a + 1\n"
    "    return b\ndef run(x):\n    a = f(x)\n    b = f(a + 1)\n    return a, b\n",
    "one in another, twice": "def f(a):\n    log(a)\n    return a + 1\ndef g(a):\n"
    "    log(f(a))\n    return f(a) + 1\ndef run(x):\n    log(g(x))\n    return g(x + 3)\n",
    "nested": "def g(a):\n    if a:\n        return a\n    log(a)\n    return 4\ndef f(a):\n"
    "    b = g(a) + 1\n    return b\ndef run(x):\n    return f(x)\n",
}  # fmt: skip


@pytest.mark.parametrize("source", GONE.values(), ids=list(GONE))
def test_a_function_that_is_called_once_stands_there(source: str) -> None:
    made = inlined(source)
    assert functions(made) == {"run"}, made
    for number in range(-1, 8):
        assert outcome(made, number) == outcome(source, number), made


STAYS = {
    "twice, and long": "def f(a):\n" + "    log(a)\n" * 30 + "def run(x):\n    f(x)\n    f(x)\n",
    "in a place where it cannot stand": "def f(a):\n    log(a)\n    return log(a)\n"
    "def run(x):\n    f(x)\n    return [log(i) or f(i) for i in range(x)]\n",
    "in a coroutine too": "def f(a):\n    log(a)\n    return log(a)\n"
    "async def go(x):\n    f(x)\ndef run(x):\n    f(x)\n    return log(1)\n",
    "itself, from two places": "def f(a):\n    log(a)\n    if a > 0:\n        f(a - 1)\n"
    "def run(x):\n    f(x)\n",
    "a value": "def f():\n    log(1)\ndef run(x):\n    g = f\n    g()\n",
    "named in a text": "def f():\n    log(1)\ndef run(x):\n    f()\n    return globals()['f']\n",
    "itself": "def f(a):\n    return f(a - 1) if a > 0 else 1\ndef run(x):\n    return f(x)\n",
    "a generator": "def f(a):\n    yield a\ndef run(x):\n    return list(f(x))\n",
    "what it reads may change": "class A:\n    def __init__(self):\n        self.n = 1\n"
    "    def _f(self):\n        self.n += 1\n        return self.n\n"
    "    def run(self):\n        return self.n + self._f()\ndef run(x):\n    return A().run()\n",
    "hidden by a local": "def g():\n    return 1\ndef f(a):\n    log(a)\n    return log(g())\n"
    "def run(log):\n    return f(2)\n",
    "two classes": "class A:\n    def go(self):\n        log(1)\n        log(1)\nclass B:\n"
    "    def go(self):\n        log(2)\n        log(2)\n"
    "def run(x):\n    (A() if x else B()).go()\n",
    "overridden": "class A:\n    def go(self):\n        log(1)\n        log(1)\n"
    "    def run(self):\n        self.go()\nclass B(A):\n    def go(self):\n"
    "        log(2)\n        log(2)\n"
    "def run(x):\n    (A() if x else B()).run()\n",
    "set on an object": "class A:\n    def go(self):\n        log(1)\n        log(1)\n"
    "def run(x):\n    a = A()\n    a.go = lambda: log(3)\n    a.go()\n",
}  # fmt: skip


@pytest.mark.parametrize("source", STAYS.values(), ids=list(STAYS))
def test_what_may_be_called_otherwise_stays(source: str) -> None:
    made = inlined(source)
    assert len(functions(made)) == len(functions(source)) or "g" in functions(source)
    if "f" in functions(source) or "_f" in functions(source):
        assert {"f", "_f"} & functions(made), made
    if "run(log)" not in source:
        for number in range(3):
            assert str(outcome(made, number))[:20] == str(outcome(source, number))[:20], made


def test_what_cannot_stand_in_all_of_its_places_stands_in_none() -> None:
    for name in ("in a place where it cannot stand", "in a coroutine too"):
        assert inlined(STAYS[name]).count("log") == STAYS[name].count("log")


def test_short_methods_and_properties_stand_wherever_they_are_used() -> None:
    source = (
        "class A:\n    def __init__(self, n):\n        self._n = n\n"
        "    def amount(self):\n        return self._n\n"
        "    @property\n    def is_large(self):\n        return self._n > 2\n"
        "def run(x):\n    a = A(x)\n    return a.amount(), a.amount() + 1, a.is_large\n"
    )
    made = inlined(source)
    assert functions(made) == {"__init__", "run"}
    assert outcome(made, 3) == outcome(source, 3)


def test_two_values_are_assigned_without_a_tuple() -> None:
    made = inlined("def run(x):\n    a, b = x.p, x.q\n    return a * b\n")
    assert "= x.p, x.q\n" in made  # in parentheses MicroPython would make a tuple


def test_coroutines_keep_what_they_call() -> None:
    # Its frame lives on: what a call forgets at its end would stay alive with it.
    source = "def f(a):\n    b = a\n    log(b)\nasync def run(x):\n    f(x)\n"
    assert "f" in functions(inlined(source))


def test_a_function_goes_to_another_module_with_what_it_needs() -> None:
    sources = {
        "k/__init__.py": b"",
        "k/a.py": b"def g(a):\n" + b"    abs(a)\n" * 30 + b"    return a\n"
        b"def f(a):\n    abs(g(a))\n    return g(2)\n",
        "k/b.py": b"from k.a import f\ndef run(x):\n    return f(x)\n",
    }
    made = inline(sources, KEEP)
    assert b"def f" not in made["k/a.py"] and b"from k.a import g\n" in made["k/b.py"]


# --- programs made up ---

NAMES = st.sampled_from(["a", "b", "c"])
VALUES = st.one_of(NAMES, st.integers(0, 3).map(str))


def _joined(kind: str) -> st.SearchStrategy[str]:
    return st.builds(lambda one, two: f"({one} {kind} {two})", VALUES, VALUES)


EXPRESSIONS = st.one_of(
    VALUES, _joined("+"), _joined("<"), _joined("and"), _joined("or"), _joined("//")
)


def _indented(lines: list[str]) -> list[str]:
    return ["    " + line for line in lines]


def _all(found: list[list[str]]) -> list[str]:
    return [line for lines in found for line in lines]


def _blocks(call: str, depth: int = 2) -> st.SearchStrategy[list[str]]:
    value = EXPRESSIONS if not call else st.one_of(EXPRESSIONS, st.just(call))
    simple = st.one_of(
        st.builds(lambda name, one: [f"{name} = {one}"], NAMES, value),
        st.builds(lambda one: [f"log({one})"], EXPRESSIONS),
        st.builds(lambda one: [f"return {one}"], value),
        *([st.just([call]), st.just([f"log({call})"])] if call else []),
    )
    if not depth:
        return st.lists(simple, min_size=1, max_size=3).map(_all)
    inner = _blocks(call, depth - 1).map(_indented)
    statement = st.one_of(
        simple,
        st.builds(lambda test, one: [f"if {test}:", *one], value, inner),
        st.builds(
            lambda test, one, two: [f"if {test}:", *one, "else:", *two], value, inner, inner
        ),
        st.builds(lambda one: ["for c in range(2):", *one], inner),
        st.builds(
            lambda one, two: ["try:", *one, "except ZeroDivisionError:", *two], inner, inner
        ),
        st.builds(lambda one: ["try:", *one, "finally:", "    log(9)"], inner),
    )
    return st.lists(statement, min_size=1, max_size=3).map(_all)


@given(_blocks(""), _blocks("f(a, b + 1)"))
def test_any_program_does_what_it_did(callee: list[str], caller: list[str]) -> None:
    source = "\n".join(
        [
            *("def f(a, b):", "    c = 1", *_indented(callee)),
            *("def run(a, b):", "    c = 2", *_indented(caller), ""),
        ]
    )
    made = inlined(source)
    for first in range(3):
        for second in range(2):
            assert outcome(made, first, second) == outcome(source, first, second), made


@given(_blocks(""))
def test_locals_that_share_a_place_hold_what_they_held(body: list[str]) -> None:
    source = "\n".join(["def run(a, b):", "    c = 2", *_indented(body), ""])
    tree = ast.parse(source)
    function = tree.body[0]
    assert isinstance(function, ast.FunctionDef)
    share_slots(function)
    made = ast.unparse(ast.fix_missing_locations(tree))
    for first in range(3):
        assert outcome(made, first, 1) == outcome(source, first, 1), made


def test_locals_share_a_place_once_the_first_is_done_with() -> None:
    tree = ast.parse("def run(x):\n    a = x + 1\n    log(a)\n    b = 3\n    return b\n")
    share_slots(tree.body[0])  # type: ignore[arg-type]
    assert ast.unparse(tree) == "def run(x):\n    x = x + 1\n    log(x)\n    x = 3\n    return x"


def test_what_a_loop_needs_in_its_next_turn_keeps_its_place() -> None:
    text = "def run(x):\n    a = 1\n    for i in x:\n        log(a)\n        b = i\n        log(b)"
    tree = ast.parse(text)
    share_slots(tree.body[0])  # type: ignore[arg-type]
    names: dict[str, Any] = {}
    log: list[int] = []
    exec(ast.unparse(tree), {"log": log.append}, names)
    names["run"]([5, 6])
    assert log == [1, 5, 1, 6]
