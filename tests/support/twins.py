"""Run generated traces on CPython and on MicroPython, and compare what the agent did in each."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from cma_toolkit.firmware.kernel.codec import frame
from cma_toolkit.firmware.kernel.effects import Effects
from cma_toolkit.firmware.kernel.errors import DROP_NAMES, EVENT_NAMES
from cma_toolkit.host_tools.image.kept import keep
from cma_toolkit.host_tools.image.mpy import compile_files, read_sources
from cma_toolkit.host_tools.image.shrink.firmware import shrink
from cma_toolkit.sim.world import micropython

ROOT = Path(__file__).parents[2]
APPLICATION = "trace_application.py"  # a user's: no name in it is changed
TRACES = ("agent_trace.py", "trace_frames.py", "trace_surroundings.py", APPLICATION)
SUPPORT = "support/nor_sectors.py"
CPYTHON, MICROPYTHON = "cpython", "micropython"
HEAP = "8M"
TIMEOUT_S = 1200
NEVER_SENT = {frame.KIND_PING}  # only tools ping
CAUSES = range(1, 8)


@dataclass
class Outcome:
    """What some traces came to."""

    traces: int = 0
    events_min: int = 1 << 30
    effects: int = 0
    differing: list[int] = field(default_factory=list)  # seeds
    seen: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Outcome") -> None:
        """Take in what other traces came to."""
        self.traces += other.traces
        self.events_min = min(self.events_min, other.events_min)
        self.effects += other.effects
        self.differing += other.differing
        self.seen += other.seen


@contextmanager
def import_root(changed: Mapping[str, bytes] | None = None) -> Iterator[Path]:
    """Make what both run: CPython the sources, MicroPython what `cma build` makes of them.

    Copies, so that both run the same code to the end even if the tree changes meanwhile. `changed`
    are sources that MicroPython alone gets.
    """
    sources = read_sources(ROOT / "firmware", ("kernel",))
    sources.update({name: (ROOT / "tests" / "twin" / name).read_bytes() for name in TRACES})
    sources[SUPPORT] = (ROOT / "tests" / SUPPORT).read_bytes()
    application = {APPLICATION: sources.pop(APPLICATION)}
    shipped = keep({**sources, **(changed or {})}, shrink)
    with TemporaryDirectory(prefix="cma-twin-") as name:
        root = Path(name)
        _write(root / CPYTHON, {**sources, **application})
        _write(root / MICROPYTHON, compile_files({**shipped, **application}))
        yield root


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def run_both(root: Path, first: int, count: int, events: int, *more: str) -> tuple[str, str]:
    """Return what the traces print on CPython and on MicroPython; both run at once."""
    arguments = ["-m", "agent_trace", str(first), str(count), str(events), *more]
    commands = (
        [sys.executable, *arguments],
        [*micropython.interpreter(), "-X", f"heapsize={HEAP}", *arguments],
    )
    environment = {
        **os.environ,
        "PYTHONPATH": str(root / CPYTHON),
        "MICROPYPATH": f"{root / MICROPYTHON}:.frozen",
    }
    running = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        for command in commands
    ]
    try:
        printed = [process.communicate(timeout=TIMEOUT_S)[0] for process in running]
    finally:
        for process in running:
            process.kill()
            process.wait()
    return printed[0], printed[1]


def compare(root: Path, first: int, count: int, events: int) -> Outcome:
    """Run traces on both runtimes.

    Raises: AssertionError if a runtime did not run them to their end.
    """
    printed = run_both(root, first, count, events)
    here, there = (text.splitlines() for text in printed)
    assert len(here) == len(there) == count + 1, printed[0][-2000:] + printed[1][-2000:]
    outcome = Outcome()
    for one, other in zip(here[:-1], there[:-1], strict=True):
        seed, done, effects, _digest = one.split()
        outcome.traces += 1
        outcome.events_min = min(outcome.events_min, int(done))
        outcome.effects += int(effects)
        if one != other:
            outcome.differing.append(int(seed))
    outcome.seen = Counter(json.loads(here[-1].removeprefix("seen ")))
    if not outcome.differing:
        assert outcome.seen == Counter(json.loads(there[-1].removeprefix("seen ")))
    return outcome


def first_difference(root: Path, seed: int, events: int) -> str:
    """Run one trace on both runtimes and tell where they part, "" if they do not."""
    # The last line counts what was seen, in any order.
    here, there = (text.splitlines()[:-1] for text in run_both(root, seed, 1, events, "log"))
    happened = ""
    for index in range(max(len(here), len(there))):
        one = here[index] if index < len(here) else "nothing"
        other = there[index] if index < len(there) else "nothing"
        if one != other:
            return (
                f"trace {seed}: after event {happened or 'none'}\n"
                f"  CPython      {one}\n  MicroPython  {other}\n"
                f"replay it with: .venv/bin/python tests/twin/replay.py {seed} {events}"
            )
        if one[:1].isdigit():
            happened = one
    return ""


def missing(seen: Counter[str]) -> list[str]:
    """Return what traces have to cover and did not."""
    kinds = range(1, frame.KIND_LAST + 1)
    needed = [f"frame kind {kind}" for kind in kinds]
    needed += [f"sent kind {kind}" for kind in kinds if kind not in NEVER_SENT]
    needed += [f"frame {how}" for how in ("random", "replayed", "mutated", "truncated")]
    needed += [f"cause {cause}" for cause in CAUSES]
    needed += [f"snapshot {how}" for how in ("whole", "lost", "truncated", "flipped", "older")]
    needed += ["effect program", "effect erase", "effect snapshot", "effect sleep 1"]
    needed += ["effect sleep 2", "effect radio on", "effect radio off"]
    needed += ["power cut", "power cut at start", "flash failed", "safe mode"]
    needed += ["answer good", "answer deadline", "table spoilt"]
    needed += [f"dropped {name}" for name in DROP_NAMES.split("\n")[1:]]
    needed += [f"event {number}" for number in range(len(EVENT_NAMES.splitlines()))]
    absent = [what for what in needed if not seen[what]]
    for name in vars(Effects):
        if not name.startswith("_") and not any(key.startswith(f"effect {name}") for key in seen):
            absent.append(f"effect {name}")
    return absent
