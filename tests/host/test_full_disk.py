"""A disk that takes no more is told in one sentence, and costs nothing on the board."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.stock_board import make_stock
from support.virtual import VirtualBoards

BLOCKS = [8, 1000, 6000]  # of 1 KiB: the user image, the store and the backup do not fit, in turn


@pytest.mark.parametrize("blocks", BLOCKS)
def test_a_full_disk_is_no_bug_and_the_board_is_as_it_was(
    blocks: int, tmp_path: Path, virtual_boards: VirtualBoards
) -> None:
    board = make_stock(virtual_boards, "old")
    virtual_boards.client.wait_for("old", "prompt", 20.0, since=0)
    before = Path(board.image).read_bytes()
    limit = min(blocks, board_kib(before) - 1)
    done = subprocess.run(
        ["bash", "-c", f'ulimit -f {limit} && exec "$@"', "bash", sys.executable, "-m",
         "cma_toolkit.host_tools.cli.main", "adopt", "virtual://old", "--yes"],
        cwd=tmp_path,
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )  # fmt: skip
    assert done.returncode == 4, done.stderr
    assert "Make room" in done.stderr
    assert "Traceback" not in done.stderr
    assert Path(board.image).read_bytes() == before
    assert not [path for path in tmp_path.rglob("*.bin") if path.stat().st_size]


def board_kib(flash: bytes) -> int:
    """Return the size of a whole backup: a limit below it lets everything else through."""
    return len(flash) // 1024
