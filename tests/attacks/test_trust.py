"""The lists of trust.py name tests that there are, and a class counts only if it is shown."""

import ast
from pathlib import Path

from attacks.classes import numbers_shown
from attacks.trust import NAMED, NAMED_MIN, TEST, TITLES, files, named_shown

HERE = Path(__file__).parent


def found_in(file: str) -> set[str]:
    tree = ast.parse((HERE / f"{file}.py").read_text())
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    return {name.removeprefix("test_") for name in names if name.startswith("test_")}


def test_every_class_has_a_test_and_no_other_number_has_one() -> None:
    assert (min(TITLES), max(TITLES), len(TITLES)) == (37, 64, 28)
    names = [name for path in files() for name in found_in(Path(path).stem)]
    numbers = {int(name.split("_")[1]) for name in names if name.startswith("trust_")}
    assert numbers == set(TITLES)


def test_every_named_attack_is_a_test() -> None:
    assert len(NAMED) >= NAMED_MIN
    assert not [row for row in NAMED if row[1] not in found_in(row[0])]


def test_what_fails_in_one_form_is_not_shown() -> None:
    row = next(iter(NAMED))
    stopped, without = [(row[0], f"test_{row[1]}[{way}]") for way in ("stopped", "without x")]
    assert named_shown([stopped, without], []) == 1
    assert named_shown([stopped], [without]) == 0
    assert named_shown([("test_other", stopped[1])], []) == 0


def test_a_class_is_shown_by_both_its_forms() -> None:
    names = ["test_trust_37_x[stopped]", "test_trust_37_x[without y]"]
    assert numbers_shown(names, [], TEST) == {37}
    assert numbers_shown(names[:1], [], TEST) == numbers_shown(names[:1], names[1:], TEST) == set()
