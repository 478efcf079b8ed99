"""Each operator makes its mistake, and only where code runs."""

import ast

import pytest
from mutants import operators, sample

SOURCE = '''"""A module."""

LIMIT = 3


def first(values: "list[int]", out: object) -> int:
    """Return something."""
    if not values:
        return 0
    out.a()
    out.b()
    if values[1] < LIMIT:
        out.c()
    low = values[0]
    out.low = low
    out.high = values[1]
    return low
'''


def made(operator: str) -> list[operators.Mutant]:
    return [mutant for mutant in operators.mutants("a.py", SOURCE) if mutant.operator == operator]


@pytest.mark.parametrize(
    ("operator", "places"),
    [
        (
            operators.OFF_BY_ONE,
            [
                (9, "return 1"),
                (12, "values[2] < L"),
                (14, "low = values[1]"),
                (16, "high = values[2]"),
            ],
        ),
        (operators.BOUNDARY, [(12, "values[1] <= LIMIT")]),
        (operators.FLIPPED, [(8, "if not not values"), (12, "if not values[1] < LIMIT")]),
        (
            operators.DROPPED,
            [(10, "0\n    pass\n    out.b"), (11, "out.a()\n    pass"), (13, "        pass")],
        ),
        (operators.SWAPPED, [(11, "out.b()\n    out.a()"), (15, "out.low = low\n    low =")]),
        (operators.UNCHECKED, [(8, '"""Return something."""\n    pass')]),
    ],
)
def test_an_operator_makes_one_mistake_at_each_place(
    operator: str, places: list[tuple[int, str]]
) -> None:
    found = made(operator)
    assert [mutant.line for mutant in found] == [line for line, _text in places]
    for mutant, (_line, text) in zip(found, places, strict=True):
        assert text in mutant.source(SOURCE) and text not in ast.unparse(ast.parse(SOURCE))
        compile(mutant.source(SOURCE), "a.py", "exec")


def test_all_mutants_are_of_one_operator_and_differ() -> None:
    all_of_them = operators.mutants("a.py", SOURCE)
    assert sum(len(made(operator)) for operator in operators.OPERATORS) == len(all_of_them)
    assert len({mutant.source(SOURCE) for mutant in all_of_them}) == len(all_of_them)


def test_the_sample_is_of_all_operators_and_leaves_out_the_reviewed() -> None:
    chosen = sample.draw(120)
    assert [mutant.operator for mutant in chosen] == list(operators.OPERATORS) * 20
    assert not {mutant.name for mutant in chosen} & set(sample.equivalent())


def test_every_review_is_of_a_mutant_that_there_is_and_says_why() -> None:
    found = sample.every()
    names = {mutant.name for mutant in found}
    assert len(names) == len(found), "two mutants of one name"
    stale = set(sample.equivalent()) - names
    assert not stale, "written for code that is no more: review it again"
    assert all(len(why.split()) > 3 for why in sample.equivalent().values())
