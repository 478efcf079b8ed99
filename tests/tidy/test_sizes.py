"""Files and functions stay small; one that does not says why in a comment `# long: <reason>`."""

import ast
from pathlib import Path

from tidy.tree import ROOT, parse, python_files

KERNEL = (250, 50)
HOST = (400, 60)
REASON = "# long: "


def _bounds(path: Path) -> tuple[int, int]:
    return KERNEL if path.as_posix().startswith("firmware/kernel/") else HOST


def test_files_are_small_or_say_why() -> None:
    wrong = []
    for path in python_files():
        text = (ROOT / path).read_text()
        lines = text.count("\n")
        if lines > _bounds(path)[0] and REASON not in text:
            wrong.append(f"{path}: {lines} lines, look again above {_bounds(path)[0]}")
    assert not wrong, "\n".join(wrong)


def test_functions_fit_on_a_screen_or_say_why() -> None:
    wrong = []
    for path in python_files():
        text = (ROOT / path).read_text().splitlines()
        for node in ast.walk(parse(path)):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            body = text[node.lineno - 1 : node.end_lineno]
            if length > _bounds(path)[1] and not any(REASON in line for line in body):
                wrong.append(f"{path}:{node.lineno} {node.name}: {length} lines")
    assert not wrong, "\n".join(wrong)
