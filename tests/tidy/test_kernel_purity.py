"""The kernel is told the time and hands out effects: what would break that is found here."""

import ast

from tidy.tree import parse, python_files

BANNED_CALLS = {
    "print": "out.report",
    "open": "the flash or store port",
    "input": "an on_<event> method",
    "hash": "a checksum (hash() differs between runtimes)",
}
MUTABLE = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
MUTABLE_CALLS = {"list", "dict", "set", "bytearray", "deque", "array"}


def _is_mutable(value: ast.expr | None) -> bool:
    if isinstance(value, MUTABLE):
        return True
    return (
        isinstance(value, ast.Call)
        and isinstance(value.func, ast.Name)
        and value.func.id in MUTABLE_CALLS
    )


def test_no_banned_call_in_the_kernel() -> None:
    wrong = [
        f"{path}:{node.lineno} {node.func.id}(): use {BANNED_CALLS[node.func.id]}"
        for path in python_files("firmware/kernel/")
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in BANNED_CALLS
    ]
    assert not wrong, "\n".join(wrong)


def test_no_mutable_module_or_class_state_in_the_kernel() -> None:
    wrong = []
    for path in python_files("firmware/kernel/"):
        tree = parse(path)
        scopes = [tree, *(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))]
        for scope in scopes:
            for node in scope.body:
                if isinstance(node, ast.Assign | ast.AnnAssign) and _is_mutable(node.value):
                    wrong.append(f"{path}:{node.lineno}")
    assert not wrong, "\n".join(wrong)


def test_no_float_on_the_kernels_decision_paths() -> None:
    # Boards have single-precision floats, emulators doubles: only the codec carries them.
    wrong = [
        f"{path}:{node.lineno}"
        for path in python_files("firmware/kernel/")
        if "codec" not in path.parts
        for node in ast.walk(parse(path))
        if (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div))
    ]
    assert not wrong, "\n".join(wrong)


def test_no_bare_except_anywhere() -> None:
    wrong = [
        f"{path}:{node.lineno}"
        for path in python_files()
        for node in ast.walk(parse(path))
        if isinstance(node, ast.ExceptHandler) and node.type is None
    ]
    assert not wrong, "\n".join(wrong)
