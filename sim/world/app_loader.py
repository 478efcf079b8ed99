"""Load an application's `setup` from its file, alike on both runtimes."""

import sys

from cma_toolkit.sim.world.host import describe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType


class AppError(Exception):
    """The application cannot be loaded: the text says why and what to do."""


def load_setup(path: str) -> "Callable[[object], object]":
    """Return the function `setup` of an application.

    Each call runs the whole file anew, as a board does when it boots: what the file keeps in
    variables of its own is no agent's memory, and two agents never share it. Its folder is
    importable while it loads; nothing of it stays behind.
    Raises: AppError if the file is missing, does not compile, raises, or has no `setup`.
    """
    code = _compile(_read(path), path)
    _execute(code, path)

    def setup(agent: object) -> object:
        return _execute(code, path)(agent)

    return setup


def _read(path: str) -> str:
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        problem = path + ": no such file; name your application"
    raise AppError(problem)


def _compile(source: str, path: str) -> "CodeType":
    try:
        return compile(source, path, "exec")
    except SyntaxError as error:
        problem = f"{path}: {error}; correct it."
    raise AppError(problem)


def _execute(code: "CodeType", path: str) -> "Callable[[object], object]":
    folder = path.rsplit("/", 1)[0] if "/" in path else "."
    names: dict[str, object] = {"__name__": "app", "__file__": path}
    before = set(sys.modules)
    problem = ""
    sys.path.insert(0, folder)
    try:
        exec(code, names)
    except Exception as error:  # noqa: BLE001 - the boundary to a user's code
        problem = f"{path} raised while it was loaded; correct it.\n{describe(error)}"
    finally:
        sys.path.pop(0)
        _forget_modules(before, folder)
    if problem:
        raise AppError(problem)
    setup = names.get("setup")
    if not callable(setup):
        raise AppError(path + " has no function setup(agent); add one.")
    return setup


def _forget_modules(before: "set[str]", folder: str) -> None:
    for name in list(sys.modules):
        file = getattr(sys.modules[name], "__file__", None)
        if name not in before and file and file.startswith(folder):
            del sys.modules[name]
