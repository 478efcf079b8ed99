"""Run the long forms for hours: each round has a new seed, the first failure stops and names it.

A round is the whole suite with more examples per property, then the figures that count survivors.
`CMA_SEED` reaches the figures, `--hypothesis-seed` the properties: either replays a failure.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SURVIVOR_FIGURES = [
    "power_cut_survival",
    "connect_while_booting",
    "twin_digest",
    "cbor_fuzz",
    "journal_power_cut",
    "journal_corruption",
    "ota_power_cut",
    "world_swarm",
]
SWARM_SEEDS = 10_000


def steps(seed: int) -> list[list[str]]:
    """Return the command lines of one round."""
    python = sys.executable
    suite = [python, "-m", "pytest", "-q", "-x", "-n", "4", "--dist", "loadgroup"]
    figures = [[python, str(HERE / "run.py"), name] for name in SURVIVOR_FIGURES]
    return [[*suite, f"--hypothesis-seed={seed}", "--hypothesis-profile=soak"], *figures]


def main() -> int:
    """Run rounds until the hours are over; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=1, help="seed of the first round")
    options = parser.parse_args()
    started_at_s, seed = time.monotonic(), options.seed
    while time.monotonic() - started_at_s < options.hours * 3600:
        for command in steps(seed):
            longer = {"CMA_SEED": str(seed), "CMA_SWARM_SEEDS": str(SWARM_SEEDS)}
            done = subprocess.run(command, cwd=ROOT, env={**os.environ, **longer}, check=False)
            if done.returncode:
                print(f"failed: CMA_SEED={seed} {' '.join(command)}")
                return 1
        hours = (time.monotonic() - started_at_s) / 3600
        print(f"round with seed {seed} passed, {hours:.2f} of {options.hours:g} hours", flush=True)
        seed += 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
