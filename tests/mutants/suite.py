"""The stages of the project's tests, and processes that run one stage in a tree they may break."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from mutants.operators import Mutant

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("boards", "firmware", "host_tools", "sim")
DOCUMENTS = "docs"  # which tests read
FILES = ("pyproject.toml", "setup.py", "Makefile", "README.md", "CHANGELOG.md")


@dataclass(frozen=True)
class Stage:
    """Some tests, as arguments of pytest; of mutants in which folder they can tell."""

    name: str
    arguments: tuple[str, ...]
    about: str = ""
    is_traced: bool = True  # look which tests enter which function


# What is cheap first: each stage sees only what outlived those before it. What runs in real
# MicroPython runs the mutant too, so twins notice only what the two runtimes do differently.
UNIT = Stage("unit", ("tests/unit", "--ignore=tests/unit/test_units_on_micropython.py"))
POWER_CUT = Stage(
    "power cut",
    ("tests/power_cut/test_journal_power_cut.py", "tests/power_cut/test_journal_rot.py"),
    "kernel/state/",
)
RELEASE = Stage(
    "release",
    (
        # What builds an image of the kernel shrinks each mutant anew, and is cut off for it.
        *(
            str(path.relative_to(ROOT))
            for path in ROOT.glob("tests/host/test_release_*.py")
            if path.name != "test_release_lost.py"
        ),
        # Of the attacks those on our own code; two of them build images and fleets.
        *("tests/attacks", "-k"),
        "test_release or (stopped and not attack_50 and not attack_90)",
    ),
    "kernel/release/",
)
WORLD = Stage("world", ("tests/world", "-k", "not micropython"), is_traced=False)
TWIN = Stage("twin", ("tests/twin", "--ignore=tests/twin/test_shrunk_kernel.py"), is_traced=False)
STAGES = (UNIT, RELEASE, POWER_CUT, WORLD, TWIN)
SWARM = Stage("swarm", ("tests/world/test_swarm.py",), is_traced=False)


class Tree:
    """A copy of the project in which one file at a time is a mutant's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for room in (*ROOMS, "tests", DOCUMENTS):
            ignored = shutil.ignore_patterns("__pycache__", "build")
            shutil.copytree(ROOT / room, folder / room, ignore=ignored)
        for name in FILES:
            shutil.copy(ROOT / name, folder / name)
        package = folder / "names" / "cma_toolkit"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("")
        for room in ROOMS:
            (package / room).symlink_to(folder / room, target_is_directory=True)


class Worker:
    """A process that has one stage's tests ready, in a tree of its own."""

    def __init__(self, tree: Tree, stage: Stage, reach: Path) -> None:
        """Start it. Raises: RuntimeError if the tests fail without a mutant, or the process ends.

        `reach`: what the tests enter; made by the first worker of a stage, read by the others.
        """
        self._stage = stage
        folders = [tree.folder / name for name in ("names", "tests", "firmware")]
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "mutants.runner"),
                *(str(reach), json.dumps(stage.is_traced), *stage.arguments),
            ],
            cwd=tree.folder,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(map(str, folders)),
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        if wrong := self._answer():
            self.close()
            raise RuntimeError(f"{stage.name}: {wrong}; mend it first")

    def killer(self, mutant: Mutant) -> str:
        """Return which test notices a mutant, "" if none does.

        Raises: RuntimeError if the process ends: no test said anything.
        """
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):  # then there is no answer either
            print(json.dumps(asdict(mutant)), file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            self.close()
            status = self._process.returncode
            raise RuntimeError(
                f"{self._stage.name}: its process ended with {status}; run it again"
            )
        return str(json.loads(line))

    def close(self) -> None:
        """End it."""
        assert self._process.stdin and self._process.stdout
        with contextlib.suppress(BrokenPipeError):  # what it did not read
            self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()
