"""The codec gives the same bytes, values and refusals on both runtimes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cma_toolkit.sim.world import micropython

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ROUNDS = 600


def digest_of(command: list[str], seed: int, path: str) -> str:
    ended = subprocess.run(
        [*command, str(HERE / "codec_trace.py"), str(seed), str(ROUNDS)],
        env={**os.environ, "MICROPYPATH": path, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return ended.stdout


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_one_seed_gives_one_digest(seed: int) -> None:
    path = str(ROOT / "firmware")
    here = digest_of([sys.executable], seed, path)
    assert len(here.strip()) == 64
    assert digest_of(micropython.interpreter(), seed, f"{path}:.frozen") == here
