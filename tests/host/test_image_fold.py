"""Named numbers become numbers, names that nobody needs become short; nothing else changes."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from cma_toolkit.host_tools.flash.contents import FIRMWARE
from cma_toolkit.host_tools.image import mpy
from cma_toolkit.host_tools.image.fold import fold
from cma_toolkit.host_tools.image.names import shorten

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


def test_private_names_are_shared_by_files_that_never_meet() -> None:
    sources = {
        "a.py": b"class A:\n    def __init__(self):\n        self._first = self._second = 1\n",
        "b.py": b"class B:\n    def __init__(self):\n        self._third = 2\n",
        "c.py": b"from a import A\nclass C(A):\n    def more(self):\n        self._fourth = 4\n",
    }
    short = {path: text.decode() for path, text in shorten(sources).items()}
    found = {path: set(re.findall(r"self\.(_\w+)", text)) for path, text in short.items()}
    assert found["b.py"] == {"_a"}
    # An instance of C has the names of A, too.
    assert len(found["a.py"]) == 2 and found["a.py"] | found["c.py"] == {"_a", "_b", "_c"}


@pytest.mark.parametrize(
    "source",
    [
        "import sys\nx = sys.implementation._mpy\n",  # somebody else's
        "class A:\n    _x = 1\ny = getattr(A, '_x')\n",
        "class A:\n    _x = 1\ny = f'{A._x}'\n",
        "class A:\n    def __init__(self):\n        self.public = 1\n",
        "for _ in (1, 2):\n    pass\n",
    ],
)
def test_names_that_others_may_know_stay(source: str) -> None:
    assert shorten({"a.py": source.encode()})["a.py"].decode() == source


def test_the_firmware_keeps_its_lines_and_leaves_no_name_undefined(tmp_path: Path) -> None:
    sources = mpy.read_sources(FIRMWARE)
    made = shorten(fold(sources))
    for path, text in made.items():
        assert text.count(b"\n") == sources[path].count(b"\n"), path
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(text)
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--select", "F821",
         "--output-format", "concise", str(tmp_path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    before = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--select", "F821",
         "--output-format", "concise", str(FIRMWARE)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, before.returncode) == (0, 0), done.stdout + before.stdout
