"""The unit tests of the kernel, once more in real MicroPython, against what an image holds."""

import os
import subprocess
from pathlib import Path

import pytest

from cma_toolkit.sim.world import micropython
from support.shrunk_kernel import shrunk_kernel

ROOT = Path(__file__).parents[2]
SUPPORT = ROOT / "tests" / "support"
RUNNER = SUPPORT / "run_micropython.py"
FILES = sorted(
    path
    for path in (ROOT / "tests" / "unit").glob("test_*.py")
    if path.name != "test_units_on_micropython.py"
)
HEAP = "2M"  # for what tests record
pytestmark = pytest.mark.xdist_group("shrunk-kernel")  # one kernel for all


@pytest.fixture(scope="module")
def import_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("shrunk")
    for path, data in shrunk_kernel([*FILES, *SUPPORT.glob("*.py")]).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    (root / "support").symlink_to(SUPPORT)
    return root


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_shrunk_kernel_passes(path: Path, import_root: Path) -> None:
    done = subprocess.run(
        [*micropython.interpreter(), "-X", f"heapsize={HEAP}", str(RUNNER), str(path)],
        env={**os.environ, "MICROPYPATH": f"{import_root}:.frozen"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed " in done.stdout
