"""Named numbers become numbers, names that nobody needs become short; nothing else changes."""

import subprocess
import sys
import types
from pathlib import Path

import pytest

from cma_toolkit.host_tools.flash.contents import FIRMWARE, build_image
from cma_toolkit.host_tools.image import mpy
from cma_toolkit.host_tools.image.errors import ImageError
from cma_toolkit.host_tools.image.shrink.bundle import bundle
from cma_toolkit.host_tools.image.shrink.firmware import shrink
from cma_toolkit.host_tools.image.shrink.fold import fold
from support.images import run_micropython

LIMITS = b"A = 5\nB = A * 2 - 1\nC, D = range(2)\nHUGE = 1 << 29\nNAMES = ('x',)\nTEXT = 'A'\n"


def folded(user: str, limits: bytes = LIMITS) -> str:
    sources = {"k/__init__.py": b"", "k/limits.py": limits, "k/user.py": user.encode()}
    return fold(sources)["k/user.py"].decode()


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("from .limits import B\nx = B\n", "pass\nx = 9\n"),
        ("from .limits import C, D, NAMES\nx = [C, D, NAMES]\n",
         "from .limits import NAMES\nx = [0, 1, NAMES]\n"),
        ("from .limits import B as N\nx = -N\n", "pass\nx = -9\n"),
        ("from . import limits\nx = limits.HUGE\n", "pass\nx = 536870912\n"),
        ("from . import limits\nx = limits.A, limits.NAMES\n",
         "from . import limits\nx = 5, limits.NAMES\n"),
        ("_E = 3\nx = _E.real\n", "pass\nx = (3).real\n"),
        ("_E = -3\nx = 2 ** _E\n", "pass\nx = 2 ** (-3)\n"),
        ("from .limits import (\n    A,  # why\n    NAMES,\n)\nx = A\n",
         "from .limits import NAMES\n\n\n\nx = 5\n"),
        ("TYPE_CHECKING = False\nif TYPE_CHECKING:\n    import y\n",
         "pass\nif 0:\n    import y\n"),
    ],
)  # fmt: skip
def test_uses_become_numbers_and_lines_stay(source: str, result: str) -> None:
    assert folded(source) == result


@pytest.mark.parametrize(
    "source",
    [
        "E = 3\nE = 4\nx = E\n",
        "E = 3\ndef f(E):\n    return E\n",
        "E = 3\ndef f():\n    global E\n    E = 4\n",
        "for E in (1, 2):\n    x = E\n",
        "E = 3.5\nx = E\n",
        "E = True\nx = E\n",
        "lower = 3\nx = lower\n",
    ],
)
def test_what_is_no_constant_stays(source: str) -> None:
    assert folded(source) == source


def test_what_is_reached_otherwise_stays_defined() -> None:
    user = "from . import limits\nx = getattr(limits, 'A')\ny = f'{limits.B}'\nz = limits.D\n"
    sources = {"k/__init__.py": b"", "k/limits.py": LIMITS, "k/user.py": user.encode()}
    result = fold(sources)
    assert result["k/user.py"].decode().endswith("y = f'{limits.B}'\nz = 1\n")
    left = result["k/limits.py"].decode().splitlines()
    assert left[0] == "A = 5" and left[1] == "B = 5 * 2 - 1" and left[3] == "pass"


def test_an_attribute_that_is_assigned_to_is_no_constant() -> None:
    assert folded("from . import limits\nlimits.A = 6\nx = limits.A\n").endswith("x = limits.A\n")


def test_a_module_of_constants_alone_is_left_out() -> None:
    sources = {"k/__init__.py": b"", "k/a.py": b"A = 1\n", "k/b.py": b"from .a import A\nx = A\n"}
    assert set(fold(sources)) == {"k/__init__.py", "k/b.py"}
    assert fold(sources, strip=False)["k/a.py"] == b"A = 1\n"


def bundled(**parts: str) -> dict[str, str]:
    sources = {"k/__init__.py": b"", "user.py": parts.pop("user", "").encode()}
    sources |= {f"k/{name}.py": text.encode() for name, text in parts.items()}
    return {path: text.decode() for path, text in bundle(sources, "k").items()}


def ran(sources: dict[str, str]) -> dict[str, object]:
    """Run the bundle and its user as a board does."""
    package = types.ModuleType("k")
    sys.modules["k"] = package
    try:
        exec(sources["k/__init__.py"], package.__dict__)
        names: dict[str, object] = {}
        exec(sources["user.py"], names)
    finally:
        del sys.modules["k"]
    return names


def test_a_package_becomes_one_module_and_others_import_from_it() -> None:
    made = bundled(
        zebra="ONE = 'one'\ndef read():\n    return 'zebra'\n",
        ape="from .zebra import ONE\nfrom . import zebra\n"
        "def read():\n    return ONE + zebra.read()\n",
        user="from k import ape\nfrom k.zebra import read as other\nfound = ape.read(), other()\n",
    )
    assert set(made) == {"k/__init__.py", "user.py"}
    assert ran(made)["found"] == ("onezebra", "zebra")


def test_a_name_that_cannot_be_told_apart_is_refused() -> None:
    with pytest.raises(ImageError, match=r'k/b\.py: "read" is bound twice'):
        bundled(a="def read(): ...\n", b="from .a import read as r\ndef read(read): ...\n")
    with pytest.raises(ImageError, match="is used as a value"):
        bundled(a="x = 1\n", b="from . import a\ny = a\n")
    with pytest.raises(ImageError, match="is bound again"):
        bundled(a="x = 1.5\n", b="from .a import x\ndef f(x): ...\n")


def test_the_firmware_leaves_no_name_undefined(tmp_path: Path) -> None:
    for path, text in shrink(mpy.read_sources(FIRMWARE)).items():
        live_text = text.decode().replace("if 0:", "if True:")  # what type checkers would import
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(live_text)
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--select", "F821",
         "--output-format", "concise", str(tmp_path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    wrong = [line for line in done.stdout.splitlines() if "F821" in line]
    # An annotation in quotes may name a class of another file; nobody evaluates it.
    named = {line.rsplit("`", 2)[1] for line in wrong}
    assert not {name for name in named if name.lower() == name}, done.stdout


def test_micropython_imports_all_of_the_kernel_from_the_image(tmp_path: Path) -> None:
    (tmp_path / "image").write_bytes(build_image().data)
    mount = 'import sys, vfs\nvfs.mount(vfs.VfsRom(open(sys.argv[1], "rb").read()), "/rom")\n'
    program = mount + 'sys.path[:] = ["/rom"]\nimport kernel.agent\nprint(kernel.agent)\n'
    assert "kernel.agent" in run_micropython(program, str(tmp_path / "image"))
