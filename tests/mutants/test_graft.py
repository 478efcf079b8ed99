"""A mutant's code gets into everything that tests hold of the original, or it is said that not."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from mutants import operators
from mutants.graft import graft

SOURCE = """
def outer(values):
    def inner():
        return len(values) + 1
    return inner()


class Base:
    def __init__(self):
        self.made = 1


class Box(Base):
    def __init__(self):
        super().__init__()

    def method(self):
        return 10

    @staticmethod
    def static():
        return 20

    @property
    def value(self):
        return 30
"""


@pytest.fixture
def imported(tmp_path: Path) -> Iterator[tuple[Path, ModuleType]]:
    path = tmp_path / "grafted_here.py"
    path.write_text(SOURCE)
    spec = importlib.util.spec_from_file_location("grafted_here", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["grafted_here"] = module
    spec.loader.exec_module(module)
    yield path, module
    del sys.modules["grafted_here"]


def find(function: str, operator: str, text: str) -> operators.Mutant:
    found = [
        mutant
        for mutant in operators.mutants("a.py", SOURCE)
        if (mutant.function, mutant.operator) == (function, operator) and text in mutant.text
    ]
    assert len(found) == 1
    return found[0]


def test_names_that_a_test_holds_do_what_the_mutant_does(
    imported: tuple[Path, ModuleType],
) -> None:
    path, module = imported
    box, method, static, outer = module.Box(), module.Box.method, module.Box.static, module.outer
    for function, text in [
        ("Box.method", "10"),
        ("Box.static", "20"),
        ("Box.value", "30"),
        ("outer.inner", "1"),
    ]:
        before = [method(box), static(), box.value, outer("ab")]
        mutant = find(function, operators.OFF_BY_ONE, text)
        assert graft(path, SOURCE, mutant.tree(SOURCE))
        after = [method(box), static(), box.value, outer("ab")]
        index = ["Box.method", "Box.static", "Box.value", "outer.inner"].index(function)
        assert [new - old for old, new in zip(before, after, strict=True)] == [
            1 if place == index else 0 for place in range(4)
        ]


def test_what_cannot_be_grafted_is_said(imported: tuple[Path, ModuleType]) -> None:
    path, module = imported
    mutant = find("Box.__init__", operators.DROPPED, "super")
    assert not graft(path, SOURCE, mutant.tree(SOURCE))
    assert module.Box().made == 1
