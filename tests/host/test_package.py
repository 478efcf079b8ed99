"""What a user installs: one top-level name, every file that runs, a command that starts."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("package")  # one wheel for all
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = tmp_path_factory.mktemp("source") / "tree"
    # A copy: building leaves a build/ folder, which must not reach a second build.
    subprocess.run(
        f"mkdir {source} && git ls-files -z --cached --others --exclude-standard"
        f' | xargs -0 sh -c \'for f; do test -e "$f" && printf "%s\\0" "$f"; done\' _'
        f" | tar --null -T - -cf - | tar -xf - -C {source}",
        shell=True,
        cwd=ROOT,
        check=True,
    )
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "-qq", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "-w", str(target), str(source)], check=True)
    return next(target.glob("*.whl"))


def test_a_wheel_installs_one_top_level_name(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {"cma_toolkit"}


def test_a_wheel_carries_every_file_that_the_tree_has(wheel: Path) -> None:
    listing = subprocess.run(
        ["git", "ls-files", "boards", "firmware", "host_tools", "sim"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    tree = {line for line in listing.stdout.splitlines() if (ROOT / line).exists()}
    carried = {name.removeprefix("cma_toolkit/") for name in zipfile.ZipFile(wheel).namelist()}
    assert tree
    assert tree - carried == set()


def test_the_installed_command_starts_outside_the_tree(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    program = (
        "import sys;"
        "sys.meta_path = [f for f in sys.meta_path if 'editable' not in str(f).lower()];"
        "from cma_toolkit.host_tools.cli import main; print(main.__file__); main.main(['--help'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(tmp_path) in done.stdout.splitlines()[0]
    assert "provision" in done.stdout
