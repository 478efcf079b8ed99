"""The kernel and the engine of a world as machine code: the same files, made so by mypyc.

CPython only. A world runs seven times as fast and comes to the same digest. It takes a C
compiler and a minute, once for each state of the files; what was made is kept in the user's cache.
"""

import ast
import importlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from cma_toolkit.sim.world import native, native_buffers

ROOT = Path(__file__).resolve().parents[2]
KERNEL, WORLD = "firmware/kernel", "sim/world"
# Of the world, what runs at each event.
ENGINE = (
    *("account", "announcements", "board", "born", "clock", "fleet", "host"),
    *("lost", "power", "sensors", "span", "trace"),
    *("hardware/*", "medium/*"),
)
# Of the kernel, this and what that imports.
AGENT = f"{KERNEL}/agent.py"
# Classes from which an application's parts, faults and tests derive their own.
BASES = (f"{KERNEL}/ports.py", f"{KERNEL}/effects.py")
_CLASS = re.compile(r"^class ", re.MULTILINE)
_OPEN = "@mypyc_attr(allow_interpreted_subclasses=True)\nclass "
_IMPORT = "from mypy_extensions import mypyc_attr"
_SHARED = "shared"  # the folder of the one library that all modules use
_OPTIONS = {"MYPYC_OPT_LEVEL": "2", "MYPYC_DEBUG_LEVEL": "0"}
# Calls within the one library need no detour; how lines are indented takes a third of the time.
_FLAGS = "-fvisibility=hidden -Wno-misleading-indentation"
_KEPT_MAX = 4  # states of the files
_DIGITS = 24


class CompileError(Exception):
    """The files could not be made into machine code: the text says why and what to do."""


def use(on_making: "Callable[[], object] | None" = None) -> Path:
    """Have this process import the machine code; return the folder that it is in.

    Call it before anything imports the kernel or the world. `on_making` is called if it has to be
    made first.
    Raises: CompileError.
    """
    loaded = [name for name in sys.modules if name.startswith("cma_toolkit.firmware.kernel.")]
    if loaded:
        raise CompileError(f"{loaded[0]} is imported already; compile before that.")
    root = make(on_making)
    sys.path.append(str(root / _SHARED))
    for room in (KERNEL, WORLD):
        package = importlib.import_module("cma_toolkit." + room.replace("/", "."))
        package.__path__.insert(0, str(root / "cma_toolkit" / room))
    return root


def is_used() -> bool:
    """Tell whether this process imports the machine code."""
    world = importlib.import_module("cma_toolkit." + WORLD.replace("/", "."))
    return Path(world.__path__[0]).resolve() != ROOT / WORLD


def make(on_making: "Callable[[], object] | None" = None) -> Path:
    """Return the folder with the machine code of the files as they are now, made if need be.

    Raises: CompileError; also for what another installation kept, which needs mypyc to run.
    """
    if importlib.util.find_spec("mypyc") is None:
        raise CompileError("mypyc is not here; install cma-toolkit[compiled] and a C compiler.")
    sources = _sources()
    folder = _cache() / _digest_of(sources)
    if folder.is_dir():
        return folder
    if on_making is not None:
        on_making()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".making-", dir=folder.parent) as name:
        made = Path(name) / "made"
        _copy(sources, made)
        _compile(sources, made)
        _remove_sources(made)
        if not folder.is_dir():  # another process may have been faster
            made.replace(folder)
    for old in sorted(_kept(folder.parent), key=lambda path: path.stat().st_mtime)[:-_KEPT_MAX]:
        shutil.rmtree(old, ignore_errors=True)
    return folder


def _sources() -> list[str]:
    found = [path for pattern in ENGINE for path in (ROOT / WORLD).glob(f"{pattern}.py")]
    paths = [path for path in found if path.name != "__init__.py"]
    names = {AGENT, *(path.relative_to(ROOT).as_posix() for path in paths)}
    waiting = sorted(names)
    while waiting:
        new = _kernel_imports(waiting.pop()) - names
        names |= new
        waiting += new
    return sorted(names)


def _kernel_imports(name: str) -> set[str]:
    """Return the files of the kernel that a file imports, wherever in it."""
    package = ["cma_toolkit", *name.split("/")[:-1]]
    found: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / name).read_text())):
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            module = [*base, *(node.module or "").split(".")]
            for path in (module, *([*module, alias.name] for alias in node.names)):
                found.add("/".join(part for part in path[1:] if part) + ".py")
    return {path for path in found if path.startswith(KERNEL) and (ROOT / path).is_file()}


def _digest_of(sources: list[str]) -> str:
    digest = sha256(f"{sys.version} {version('mypy')}".encode())  # whose runtime it needs
    for tool in (Path(__file__), Path(native.__file__), Path(native_buffers.__file__)):
        digest.update(tool.read_bytes())
    for name in sources:
        digest.update(name.encode() + sha256((ROOT / name).read_bytes()).digest())
    return digest.hexdigest()[:_DIGITS]


def _cache() -> Path:
    from platformdirs import user_cache_path

    root = os.environ.get("CMA_CACHE")
    return (Path(root) if root else user_cache_path("cma", appauthor=False)) / "compiled"


def _kept(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if not path.name.startswith(".")]


def _copy(sources: list[str], made: Path) -> None:
    texts = {f"cma_toolkit/{name}": (ROOT / name).read_text() for name in sources}
    for name, rewritten in native.rewrite(texts).items():
        text = rewritten
        if name.removeprefix("cma_toolkit/") in BASES:
            text = _CLASS.sub(_OPEN, text)
            text = text.replace("\n@mypyc", f"\n{_IMPORT}\n\n@mypyc", 1)
        target = made / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    (made / "cma_toolkit" / "__init__.py").touch()
    # The rest is looked at for its types, and stays as it is.
    for room in ("firmware", "sim"):
        for path in [*(ROOT / room).rglob("*.py"), *(ROOT / room).rglob("*.pyi")]:
            target = made / "cma_toolkit" / path.relative_to(ROOT)
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes())
    shapes = made / "cma_toolkit" / KERNEL / "shapes.pyi"
    shapes.write_text(native.rewrite_types("/kernel/shapes.pyi", shapes.read_text()))


def _remove_sources(made: Path) -> None:
    """Leave the machine code, and of its packages what makes them packages."""
    shutil.rmtree(made / "build")
    (made / _SHARED).mkdir()
    for path in made.glob("*.so"):
        path.replace(made / _SHARED / path.name)
    for path in (made / "cma_toolkit").rglob("*.py*"):
        is_needed = path.name == "__init__.py" and list(path.parent.glob("*.so"))
        if not is_needed and path.is_file():
            path.unlink()


def _compile(sources: list[str], made: Path) -> None:
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "mypyc", *(f"cma_toolkit/{name}" for name in sources)],
            cwd=made,
            env={**os.environ, **_OPTIONS, "CFLAGS": f"{os.environ.get('CFLAGS', '')} {_FLAGS}"},
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        problem = f"mypyc does not start ({error}); install cma-toolkit[compiled]."
        raise CompileError(problem) from None
    if ended.returncode:
        said = (ended.stdout + ended.stderr).strip().splitlines()
        lines = [line for line in said if "error:" in line][:1] or said[-1:]
        raise CompileError(
            f"mypyc failed ({' '.join(lines)}); install cma-toolkit[compiled] and a C compiler."
        )
