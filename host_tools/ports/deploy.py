"""Bring an application to a board: what of its folder goes where, and only what differs."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from cma_toolkit.host_tools.errors import refused, usage
from cma_toolkit.host_tools.image import mpy
from cma_toolkit.host_tools.image.build import ABOUT
from cma_toolkit.host_tools.image.errors import SourceError
from cma_toolkit.host_tools.ports.files import Files
from cma_toolkit.host_tools.project.application import application_files

USER = "/user"
# What the image on the board says it is, and what the board noted of it when it last started: a
# new image sets an older application at /user aside, once.
IMAGE = f"/rom/{ABOUT}"
NOTED = f"{USER}/.agent/image"


def project_files(app: Path) -> dict[str, Path]:
    """Return which file goes to which path of a board.

    Raises: CmaError 2 if there is no application.
    """
    return {f"{USER}/{path}": source for path, source in application_files(app).items()}


def check_syntax(files: Mapping[str, Path]) -> None:
    """Compile each Python file as MicroPython does, before anything reaches a board.

    Raises: CmaError 2 with the file, the line and what is wrong.
    """
    for path in files.values():
        if path.suffix == ".py":
            try:
                mpy.compile_source(path.read_bytes(), path.name)
            except mpy.NativeCodeError:
                continue  # the board compiles it for its own chip
            except SourceError as error:
                raise usage(str(error)) from error


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
    on_board = board.hashes([*contents, IMAGE, NOTED])
    changed = [
        target
        for target, data in contents.items()
        if on_board[target] != hashlib.sha256(data).hexdigest()
    ]
    folders = {target.rsplit("/", 1)[0] for target in changed} - {USER}
    if on_board[IMAGE] and on_board[IMAGE] != on_board[NOTED]:
        # Before the application: what is put there now is newer than the image.
        board.mkdir(NOTED.rsplit("/", 1)[0])
        board.put(NOTED, board.get(IMAGE), skip_equal=False)
    for folder in sorted(folders):
        board.mkdir(folder)
    for target in changed:
        board.put(target, contents[target], skip_equal=False)
    return changed
