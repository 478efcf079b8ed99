"""What the tidy tests share: the tree's own files and what they import."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = "cma_toolkit"
ON_BOARD = ("firmware/", "sim/virtual_board/shims/", "host_tools/on_device/")


def own_files(suffix: str = "") -> list[Path]:
    """Return the files git tracks or would track, as paths relative to the root, in order."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = (Path(line) for line in listing.stdout.splitlines())
    return sorted(
        {path for path in paths if path.suffix == suffix or not suffix if (ROOT / path).exists()}
    )


def python_files(*folders: str) -> list[Path]:
    """Return the Python files below `folders`, all of ours if none is named."""
    files = own_files(".py")
    return [path for path in files if not folders or path.as_posix().startswith(folders)]


def parse(path: Path) -> ast.Module:
    """Parse one file of the tree."""
    return ast.parse((ROOT / path).read_text(), str(path))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and the absolute dotted name of each import in a file.

    Relative imports and `cma_toolkit.` come out as names from the tree's root. What only a type
    checker reads, below `if TYPE_CHECKING`, is no import.
    """
    tree = parse(path)
    unread = {id(inner) for node in ast.walk(tree) if _is_for_types(node) for inner in _body(node)}
    for node in ast.walk(tree):
        if id(node) in unread:
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, _from_root(alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = _resolve(path, node)
            yield node.lineno, base
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}"


def _is_for_types(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Name)
        and node.test.id == "TYPE_CHECKING"
    )


def _body(node: ast.AST) -> Iterator[ast.AST]:
    assert isinstance(node, ast.If)
    for statement in node.body:
        yield from ast.walk(statement)


def _resolve(path: Path, node: ast.ImportFrom) -> str:
    module = node.module or ""
    if not node.level:
        return _from_root(module)
    folder = path.parts[: len(path.parts) - node.level]
    return ".".join((*folder, module)).strip(".")


def _from_root(name: str) -> str:
    name = name.removeprefix(PACKAGE + ".")
    # On a board `firmware/` is the import root.
    return f"firmware.{name}" if name.split(".")[0] in {"kernel", "device"} else name
