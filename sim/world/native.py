"""What the machine code of a world needs to know beyond its files: constants, and packed numbers.

CPython only. mypyc looks the name of a constant up in a dict at each use, and takes each item of
an array for an object, unless it is told otherwise. MicroPython has no words for either, so they
are put into the copies that are compiled.
"""

import ast
import re

from cma_toolkit.sim.world import native_buffers

_CONSTANT = re.compile(r"_?[A-Z][A-Z0-9_]*")
_SWITCH = "TYPE_CHECKING"  # mypy knows what it is
_PLAIN = (bool, int, str, bytes)
_SAFE = {"__builtins__": {}, "range": range, "len": len}  # what a constant may be made with
_HEAD = (
    "from librt.vecs import vec; from mypy_extensions import i32, i64, u8; "
    "from typing import Final; "
)
_ARRAY = "from array import array"
_VEC = "from librt.vecs import extend"
_ITEM_BYTES = {"I": 4, "i": 4, "H": 2, "h": 2}
_AS_ARRAYS = ("/state/", "/world/")  # whose arrays grow by items, or are taken for bytes

Change = tuple[ast.expr | ast.stmt, str]  # what takes the place of a part of a file


def rewrite(texts: dict[str, str]) -> dict[str, str]:
    """Return the texts of some files as mypyc is to have them; all lines keep their numbers.

    Shape: by path, relative to the folder above the root package.
    """
    texts = {name: native_buffers.rewrite(name, text) for name, text in texts.items()}
    constants = Constants(texts)
    return {name: _rewrite_one(name, text, constants) for name, text in texts.items()}


def rewrite_types(name: str, text: str) -> str:
    """Return the text of a file that only has types."""
    return _HEAD + native_buffers.rewrite(name, text)


def _rewrite_one(name: str, text: str, constants: "Constants") -> str:
    tree, known = constants.trees[name], constants.of(name)
    changes = _finals(tree, known)
    is_packed = _ARRAY in text and not any(room in name for room in _AS_ARRAYS)
    if is_packed:
        changes += _packed(tree)
    lines = text.splitlines(keepends=True)
    for node, new in sorted(changes, key=lambda change: -change[0].lineno):
        _replace(lines, node, new)
    if changes or "vec[" in text:
        lines[_end_of_docstring(tree)] = _HEAD + lines[_end_of_docstring(tree)]
    new = "".join(lines)
    return new.replace(_ARRAY, _VEC) if is_packed else new


def _end_of_docstring(tree: ast.Module) -> int:
    return (tree.body[0].end_lineno or 0) if ast.get_docstring(tree) is not None else 0


class Constants:
    """The values of the constants of some files that import each other."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.trees = {name: ast.parse(text) for name, text in texts.items()}
        self._known: dict[str, dict[str, object]] = {}

    def of(self, name: str) -> dict[str, object]:
        """Return the values of all constants that a file has or imports."""
        found = self._known.get(name)
        if found is None:
            found = self._known[name] = {}
            for node in self.trees[name].body:
                if isinstance(node, ast.ImportFrom):
                    origin = self._imported(name, node)
                    for alias in node.names:
                        if alias.name in origin:
                            found[alias.asname or alias.name] = origin[alias.name]
                elif isinstance(node, ast.Assign):
                    found.update(_values(node, found))
        return found

    def _imported(self, name: str, node: ast.ImportFrom) -> dict[str, object]:
        parts = name.split("/")[: -node.level] if node.level else []
        parts += (node.module or "").split(".")
        path = "/".join(part for part in parts if part) + ".py"
        return self.of(path) if path in self.trees else {}


def _names(node: ast.Assign) -> list[str]:
    """Return the names that a statement gives values to, [] unless all are those of constants."""
    target = node.targets[0]
    parts = target.elts if isinstance(target, ast.Tuple) else [target]
    names = [part.id for part in parts if isinstance(part, ast.Name)]
    is_whole = len(node.targets) == 1 and len(names) == len(parts)
    is_constant = is_whole and all(_CONSTANT.fullmatch(name) for name in names)
    return names if is_constant and _SWITCH not in names else []


def _values(node: ast.Assign, known: dict[str, object]) -> dict[str, object]:
    names = _names(node)
    if not names:
        return {}
    code = compile(ast.Expression(node.value), "constants", "eval")
    try:
        value = eval(code, {**known, **_SAFE})
    except (AttributeError, NameError):  # made with more than is known here
        return {}
    return {names[0]: value} if len(names) == 1 else dict(zip(names, value, strict=True))


def _finals(tree: ast.Module, known: dict[str, object]) -> list[Change]:
    changes: list[Change] = []
    for node in tree.body:
        if isinstance(node, ast.Assign):
            statements = [_final(name, known.get(name)) for name in _names(node)]
            if statements and all(statements):
                changes.append((node, "; ".join(statements)))
    return changes


def _final(name: str, value: object) -> str:
    """Return the statement that makes a constant, "" if its type has no short name."""
    if isinstance(value, _PLAIN):
        return f"{name}: Final = {value!r}"
    if value and isinstance(value, tuple) and all(type(item) is int for item in value):
        # Of a tuple whose length is known mypyc would make a new one at each use.
        return f"{name}: Final[tuple[int, ...]] = {value!r}"
    return ""


def _packed(tree: ast.Module) -> list[Change]:
    changes: list[Change] = []
    longer: list[ast.expr] = []
    for node in ast.walk(tree):  # the outer before the inner
        if isinstance(node, ast.BinOp) and _is_array(node.right):
            changes.append((node, f"extend({ast.unparse(node.left)}, {_vec(node.right)})"))
            longer.append(node.right)
        elif isinstance(node, ast.Call) and _is_array(node) and node not in longer:
            changes.append((node, _vec(node)))
    return changes


def _is_array(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "array"


def _vec(node: ast.expr) -> str:
    assert isinstance(node, ast.Call)
    if len(node.args) == 1:
        return "vec[i64]()"
    kind, content = node.args
    if isinstance(content, ast.Call) and ast.unparse(content.func) == "bytes":
        size = _ITEM_BYTES[ast.literal_eval(kind)]
        return f"vec[i64]([0] * ({ast.unparse(content.args[0])} // {size}))"
    return f"vec[i64]({ast.unparse(content)})"


def _replace(lines: list[str], node: "ast.expr | ast.stmt", new: str) -> None:
    assert node.end_lineno is not None
    first, last = node.lineno - 1, node.end_lineno - 1
    before = lines[first].encode()[: node.col_offset].decode()
    lines[first] = before + new + lines[last].encode()[node.end_col_offset :].decode()
    lines[first] += "\n" * (last - first)
    lines[first + 1 : last + 1] = [""] * (last - first)
