"""What of a user's folder belongs to the application: `app.py`, `drivers/` and `lib/`.

Reads files; decides nothing else.
"""

from pathlib import Path

from cma_toolkit.host_tools.errors import usage
from cma_toolkit.host_tools.image.build import APPLICATION, APPLICATION_FOLDERS

_SUFFIXES_LEFT_OUT = (".pyc", ".pyo", ".swp", "~")


def application_files(app: Path) -> dict[str, Path]:
    """Return which file of a project has which path in an image.

    `app` may have any name; on a board it is `app.py`.
    Raises: CmaError 2 if there is no application.
    """
    if not app.is_file():
        raise usage(
            f"There is no {app}: run this in your project, or start one with cma new NAME."
        )
    files = {APPLICATION: app}
    for name in APPLICATION_FOLDERS:
        folder = app.parent / name
        for path in sorted(folder.rglob("*")):
            parts = path.relative_to(folder).parts
            if path.is_file() and not any(map(_is_left_out, parts)):
                files["/".join((name, *parts))] = path
    return files


def _is_left_out(part: str) -> bool:
    return part == "__pycache__" or part.startswith(".") or part.endswith(_SUFFIXES_LEFT_OUT)
