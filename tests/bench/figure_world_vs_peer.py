"""The speed of a world beside the same workload in SimPy, and in Mesa, written as their users do.

Their agents are a few lines that count what they hear; ours are the kernel of a board, deleted and
rebuilt at each sleep. What an agent costs for each rebuild, and which part of ours takes it, is
told by `say`.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from support import world_load

UNIT = "times the speed of SimPy"
AT_LEAST = 0.08  # it was 0.16 to 0.25: what is lower says that our own speed has halved
AGENTS, PERIOD_S, SETTLE_S, SPAN_S = 1_000, 60, 1_800, 600
PROFILED = {"agents": 200, "period_s": PERIOD_S, "settle_s": SETTLE_S, "span_s": 300}
PEERS = {"simpy": "simpy==4.1.2", "mesa": "mesa==3.3.1"}
SHOWN = 10
ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "peers"


def _python(say: Callable[[str], None]) -> Path:
    """Return the interpreter of an environment that has the peers; make it once."""
    python = FOLDER / "bin" / "python"
    if not (FOLDER / ".installed").exists():
        say("installing " + " and ".join(PEERS.values()))
        subprocess.run([sys.executable, "-m", "venv", FOLDER], check=True)
        subprocess.run([python, "-m", "pip", "install", "-qq", *PEERS.values()], check=True)
        (FOLDER / ".installed").touch()
    return python


def _peer(python: Path, name: str) -> float:
    """Return the simulated seconds per CPU second of one peer."""
    program = ROOT / "tests" / "support" / f"peer_{name}.py"
    ended = subprocess.run(
        [python, program, str(AGENTS), str(PERIOD_S), str(SPAN_S)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    speed, heard = (float(text) for text in ended.stdout.split())
    if heard < AGENTS * (SPAN_S // PERIOD_S - 1):
        raise RuntimeError(f"in {name} hardly anybody hears anybody")
    return speed


def measure(say: Callable[[str], None]) -> float:
    """Return our speed in that of SimPy."""
    python = _python(say)
    speeds = {name: _peer(python, name) for name in PEERS}
    plan = {"agents": AGENTS, "period_s": PERIOD_S, "settle_s": SETTLE_S, "span_s": SPAN_S}
    speeds["ours"] = world_load.measure(compiled=True, **plan)["speed"]
    for name, speed in speeds.items():
        each_us = 1_000_000 / (speed * AGENTS / PERIOD_S)
        say(f"{name}: {speed:.0f} simulated s per CPU s, {each_us:.0f} µs for each wake")
    say("where ours goes, of the files as they are:")
    shares = world_load.measure(compiled=False, profiled=True, **PROFILED)["shares"]
    for name in sorted(shares, key=lambda name: -shares[name])[:SHOWN]:
        say(f"  {100 * shares[name]:4.1f} % {name}")
    return speeds["ours"] / speeds["simpy"]
