"""A method gets a name of its own only where each use is known to be its class's."""

import ast

import pytest

from cma_toolkit.host_tools.image.shrink.receivers import tell_apart

CLASSES = """
class A:
    def go(self) -> int:
        return 1
    def me(self) -> "A":
        return self
class B:
    def go(self) -> int:
        return 2
class C:
    def __init__(self, a: "A | None", other: "Other") -> None:
        self.a = A()
        self.b: "B | None" = None
        self.maybe = a
        self.other = other
"""
RENAMED = {
    "attribute": "def run(c: C):\n    return c.a.go(), c.b.go()\n",
    "parameter": "def run(a: A, b: 'B | None'):\n    return a.go(), b.go()\n",
    "local": "def run(c: C):\n    a, b = c.a, c.b\n    return a.go(), b.go()\n",
    "made there": "def run():\n    b = B()\n    return A().go(), b.go()\n",
    "returned": "def run(a: A):\n    return a.me().go()\n",
    "either": "def run(c: C):\n    a = c.maybe or A()\n    return a.go()\n",
    "as a value": "def run(a: A):\n    f = a.go\n    return f()\n",
    "closure": "def run(a: A):\n    return lambda: a.go()\n",
}
STAYS = {
    "unknown": "def run(x):\n    return x.go()\n",
    "a shape": "from .shapes import Other\ndef run(c: C):\n    return c.other.go()\n",
    "one of two": "def run(x):\n    y = A()\n    if x:\n        y = B()\n    return y.go()\n",
    "assigned elsewhere": "def f(c: C, x):\n    c.a = x\ndef run(c: C):\n    return c.a.go()\n",
    "assigned by anybody": "def other(x):\n    x.a = x\ndef run(c: C):\n    return c.a.go()\n",
    "an element": "def run(x: list[A]):\n    for a in x:\n        a.go()\n",
    "set": "def run(a: A):\n    a.go = 1\n",
    "named in a text": "def run(a: A):\n    return getattr(a, 'go')()\n",
    "hidden": "def run(a: A):\n    return (lambda a: a.go())(1)\n",
    "another's class": "class D(Exception):\n    def go(self):\n        return 3\n",
    "another's base": "class D(Other):\n    pass\ndef run(d: D):\n    return d.go()\n",
    "bound by a loop": "def run(x):\n    y = A()\n    for y in x:\n        y.go()\n",
    "its class's": "class D:\n    a = B()\n    def set(self):\n        self.a = A()\n"
    "def run(d: D):\n    return d.a.go()\n",
    "a constant below": "class D(A):\n    go = None\ndef run(d: D):\n    return d.go()\n",
    "can be set": "class D:\n    @property\n    def go(self):\n        return 1\n"
    "    @go.setter\n    def go(self, x):\n        pass\n",
    "no method": "class D:\n    @staticmethod\n    def f(x):\n        return x.go()\n"
    "    def go(self):\n        return 1\n",
}  # fmt: skip


def told_apart(source: str, keep: tuple[str, ...] = ()) -> str:
    tree = ast.parse(CLASSES + source)
    tell_apart({"kernel/m.py": tree}, keep)
    return ast.unparse(tree)


@pytest.mark.parametrize("source", RENAMED.values(), ids=list(RENAMED))
def test_a_method_whose_uses_are_all_known_has_a_name_of_its_own(source: str) -> None:
    made = told_apart(source)
    assert ".go(" not in made and "def go(" not in made
    assert made.count("go_of_A") + made.count("go_of_B") == (CLASSES + source).count("go")
    assert "go_of_A" in made.partition("def run")[2]


@pytest.mark.parametrize("source", STAYS.values(), ids=list(STAYS))
def test_a_name_that_anything_else_may_have_stays(source: str) -> None:
    assert told_apart(source) == ast.unparse(ast.parse(CLASSES + source))


def test_what_others_use_stays() -> None:
    assert "go_of" not in told_apart("", ("go",))


def test_a_class_and_what_derives_from_it_share_names() -> None:
    made = told_apart(
        "class D(A):\n    def go(self):\n        return 3\n"
        "def run(a: A, d: D):\n    return a.go() + d.go()\n"
    )
    assert "return a.go_of_A() + d.go_of_A()" in made and made.count("def go_of_A") == 2


@pytest.mark.parametrize(
    "other",
    [
        "class A:\n    def go(self):\n        return 4\n",
        "from .shapes import A\ndef run(a: A):\n    return a.go()\n",
    ],
    ids=["two of a name", "a shape of a class's name"],
)
def test_what_a_name_means_in_each_file_counts(other: str) -> None:
    trees = {"kernel/m.py": ast.parse(CLASSES), "kernel/n.py": ast.parse(other)}
    tell_apart(trees, ())
    assert "go_of" not in "".join(map(ast.unparse, trees.values()))


def test_ports_stay() -> None:
    # Drivers derive from them.
    trees = {
        "kernel/ports.py": ast.parse("class Port:\n    def go(self):\n        return 0\n"),
        "kernel/m.py": ast.parse(CLASSES),
    }
    tell_apart(trees, ())
    assert "go_of" not in "".join(map(ast.unparse, trees.values()))
