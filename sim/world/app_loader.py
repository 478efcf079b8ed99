"""Load an application's `setup` from its file, alike on both runtimes."""

import os
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

    Each call runs the whole file anew, as a board does when it boots: what the file and the
    modules beside it keep in variables is no agent's memory, and two agents never share it. Its
    folder is importable while it loads and while its `setup` runs; nothing of it stays behind.
    Raises: AppError if the file is missing, does not compile, raises, or has no `setup`.
    """
    code = _compile(_read(path), path)
    folder = _folder(path)
    with _Beside(folder):
        _execute(code, path)

    def setup(agent: object) -> object:
        with _Beside(folder):
            return _execute(code, path)(agent)

    return setup


def _folder(path: str) -> str:
    """Return the folder of a file, from the root: modules tell theirs so, however it is typed."""
    if not path.startswith("/"):
        path = os.getcwd() + "/" + path  # MicroPython has no os.path
    return path.rsplit("/", 1)[0]


class _Beside:
    """The modules of a folder: importable within the block, and forgotten with its end."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def __enter__(self) -> None:
        self._path = sys.path[:]
        self._before = set(sys.modules)
        sys.path.insert(0, self._folder)

    def __exit__(self, *_: object) -> None:
        new = [name for name in sys.modules if name not in self._before]
        for name in [name for name in new if self._has(name)]:
            del sys.modules[name]
        sys.path[:] = self._path

    def _has(self, name: str) -> bool:
        if name.startswith("cma_toolkit."):
            return False
        module = sys.modules[name]
        file = getattr(module, "__file__", None)
        # A folder without __init__.py is a package without a file; CPython gives it a list.
        paths = [file] if file else getattr(module, "__path__", ())
        if isinstance(paths, str):
            paths = [paths]
        for path in paths:
            # An environment of Python beside the application is none of its modules.
            if path.startswith(self._folder + "/") and "/site-packages/" not in path:
                return True
        return False


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
    names: dict[str, object] = {"__name__": "app", "__file__": path}
    problem = ""
    try:
        exec(code, names)
    except Exception as error:  # noqa: BLE001 - the boundary to a user's code
        problem = f"{path} raised while it was loaded; correct it.\n{describe(error)}"
    if problem:
        raise AppError(problem)
    setup = names.get("setup")
    if not callable(setup):
        raise AppError(path + " has no function setup(agent); add one.")
    return setup
