"""Find where an application asks for what comes from no seed: chance, and this computer's time.

What is written is looked at, not what runs: the application's file, and the modules beside it that
it imports.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

_MODULES = frozenset({"random", "secrets", "uuid", "time", "utime", "datetime"})
_OS, _URANDOM = "os", "urandom"


def warning(app: Path) -> str:
    """Return one sentence about what in an application may differ from run to run, "" if nothing.

    What cannot be read or is no Python is left to whoever loads it.
    """
    found = [f"{file.name} {what} in line {line}" for file, line, what in _found(app)]
    if not found:
        return ""
    return (
        f"{', '.join(found)}: it comes from no seed, so that two runs may differ; "
        "put what varies behind agent.sensor()."
    )


def _found(app: Path) -> Iterator[tuple[Path, int, str]]:
    waiting, seen = [app], {app}
    while waiting:
        file = waiting.pop(0)
        told: set[str] = set()
        for node in _nodes(file):
            for name in _imported(node):
                beside = _beside(app.parent, name)
                waiting += [path for path in beside if path not in seen]
                seen.update(beside)
            what = _asks(node)
            if what and what not in told:
                told.add(what)
                yield file, getattr(node, "lineno", 0), what


def _nodes(file: Path) -> list[ast.AST]:
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return []
    return sorted(ast.walk(tree), key=lambda node: getattr(node, "lineno", 0))


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def _asks(node: ast.AST) -> str:
    """Return what a node of the syntax tree does that no seed decides, "" if it does not."""
    if isinstance(node, ast.Attribute):
        is_os = isinstance(node.value, ast.Name) and node.value.id == _OS
        return f"asks {_OS}.{_URANDOM}" if is_os and node.attr == _URANDOM else ""
    for name in _imported(node):
        top = name.partition(".")[0]
        if top in _MODULES or name == f"{_OS}.{_URANDOM}":
            return f"imports {top if top in _MODULES else name}"
    return ""


def _beside(folder: Path, name: str) -> list[Path]:
    """Return the files that an import loads from a folder, if it has the module."""
    parts = name.split(".")
    paths = [folder.joinpath(*parts[: count + 1]) for count in range(len(parts))]
    files = [path / "__init__.py" for path in paths] + [paths[-1].with_suffix(".py")]
    return [file for file in files if file.is_file()]
