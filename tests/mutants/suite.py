"""Run the project's tests against a mutant: each worker has a tree of its own to break."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from mutants.operators import Mutant

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("boards", "firmware", "host_tools", "sim")
TIMEOUT_S = 240.0  # an endless loop is noticed, as every test notices it that never ends

# What is cheap first: most mutants die there. Each stage sees only what outlived those before.
POWER_CUT = ("tests/power_cut/test_journal_power_cut.py", "tests/power_cut/test_journal_rot.py")
STAGES: tuple[tuple[str, ...], ...] = (
    ("tests/unit", "--ignore=tests/unit/test_units_on_micropython.py"),
    ("tests/twin/test_agent_twin.py", "tests/twin/test_cbor_reference.py"),
    POWER_CUT,
    ("tests/world", "-k", "not micropython"),
    ("tests/twin",),
)


class Tree:
    """A copy of the project in which one file at a time is a mutant's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for room in (*ROOMS, "tests"):
            shutil.copytree(
                ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__", "build")
            )
        for name in ("pyproject.toml", "setup.py", "Makefile", "README.md"):
            shutil.copy(ROOT / name, folder / name)
        package = folder / "names" / "cma_toolkit"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("")
        for room in ROOMS:
            (package / room).symlink_to(folder / room, target_is_directory=True)

    def killed_by(self, mutant: Mutant) -> str:
        """Return which stage fails with a mutant in place, "" if all pass.

        Power cuts in the journal are no test of what is not in the journal.
        """
        file = self.folder / mutant.path
        original = file.read_text()
        file.write_text(mutant.source(original))
        try:
            for stage in STAGES:
                if stage == POWER_CUT and "/state/" not in mutant.path:
                    continue
                if not self.passes(stage):
                    return stage[0]
            return ""
        finally:
            file.write_text(original)

    def passes(self, stage: tuple[str, ...]) -> bool:
        """Tell whether some tests pass in this tree as it is."""
        command = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
        try:
            ended = subprocess.run(
                [*command, *stage],
                cwd=self.folder,
                env={**os.environ, "PYTHONPATH": str(self.folder / "names")},
                capture_output=True,
                timeout=TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False
        return ended.returncode == 0
