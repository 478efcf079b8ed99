"""Load an application's `setup` from its file, alike on both runtimes."""

import sys

from cma_toolkit.sim.world.host import describe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class AppError(Exception):
    """The application cannot be loaded: the text says why and what to do."""


def load_setup(path: str) -> "Callable[[object], object]":
    """Return the function `setup` of an application.

    Its folder is importable while it loads. Nothing of it stays behind: two runs in one process
    never share a module of the project.
    Raises: AppError if the file is missing, does not compile, raises, or has no `setup`.
    """
    source = _read(path)
    folder = path.rsplit("/", 1)[0] if "/" in path else "."
    names: dict[str, object] = {"__name__": "app", "__file__": path}
    before = set(sys.modules)
    sys.path.insert(0, folder)
    try:
        problem = _execute(source, path, names)
    finally:
        sys.path.pop(0)
        _forget_modules(before, folder)
    if problem:
        raise AppError(problem)
    setup = names.get("setup")
    if not callable(setup):
        raise AppError(path + " has no function setup(agent); add one.")
    return setup


def _read(path: str) -> str:
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        problem = path + ": no such file; name your application, as in: cma sim app.py"
    raise AppError(problem)


def _execute(source: str, path: str, names: dict[str, object]) -> str:
    try:
        exec(compile(source, path, "exec"), names)
    except SyntaxError as error:
        return f"{path}: {error}; correct it."
    except Exception as error:  # noqa: BLE001 - the boundary to a user's code
        return f"{path} raised while it was loaded; correct it.\n{describe(error)}"
    return ""


def _forget_modules(before: "set[str]", folder: str) -> None:
    for name in list(sys.modules):
        file = getattr(sys.modules[name], "__file__", None)
        if name not in before and file and file.startswith(folder):
            del sys.modules[name]
