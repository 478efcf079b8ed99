"""Hunt in a process of its own, and judge what was gathered: lines, heap, both runtimes."""

import json
import os
import re
import struct
import subprocess
import sys
from binascii import crc32
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

from fuzz.catalogue import Parser

from cma_toolkit.sim.world import micropython

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CASES = HERE / "cases.txt"
_HEAP = "512K"  # of MicroPython: a board has a tenth, and half the width of a word
_SECONDS_MAX = 10  # for one run
_MEMORY_MB_MAX = 1_024
_RUNS = re.compile(r"^#(\d+)\s|^stat::number_of_executed_units: (\d+)")


@dataclass(frozen=True)
class Hunt:
    """What came of it: `found` is the input that broke the parser, `text` what it broke."""

    runs: int
    found: bytes | None
    text: str


@dataclass(frozen=True)
class Verdict:
    """What a folder of inputs reaches.

    Units: `lines` of `lines_of` of the parser's code; `heap_permille` of what it may allocate.
    """

    inputs: int
    lines: int
    lines_of: int
    heap_permille: int
    faults: Sequence[str]


def cases(name: str) -> list[bytes]:
    """Return the inputs that once broke a parser."""
    rows = (line.split() for line in CASES.read_text().splitlines() if line[:1] not in ("", "#"))
    return [bytes.fromhex(row[1]) if len(row) > 1 else b"" for row in rows if row[0] == name]


def sow(parser: Parser, folder: Path) -> None:
    """Put what to begin with into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for data in [*import_module(parser.module).seeds(), *cases(parser.name)]:
        (folder / sha256(data).hexdigest()[:16]).write_bytes(data)


def hunt(
    parser: Parser, folder: Path, options: Sequence[str], on_runs: Callable[[int], object]
) -> Hunt:
    """Fuzz a parser from what is in a folder; `on_runs` is told how many runs there were."""
    with TemporaryDirectory(prefix="cma-fuzz-") as found:
        command = [
            sys.executable, str(HERE / "hunt.py"), parser.module, parser.package, str(folder),
            *options,
            f"-max_len={parser.bytes_max}", f"-timeout={_SECONDS_MAX}",
            f"-rss_limit_mb={_MEMORY_MB_MAX}", f"-artifact_prefix={found}/",
            "-print_final_stats=1",
        ]  # fmt: skip
        runs, said = 0, []
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        ) as child:
            assert child.stdout
            for line in child.stdout:
                match = _RUNS.match(line)
                if match:
                    runs = int(match[1] or match[2])
                    on_runs(runs)
                else:
                    said.append(line)
        left = sorted(Path(found).iterdir())
        broken = left[0].read_bytes() if left else None
        text = "" if not left and not child.returncode else _told(said)
        return Hunt(runs, broken, text)


def _told(said: list[str]) -> str:
    starts = [at for at, line in enumerate(said) if "Traceback" in line or "ERROR" in line]
    return "".join(said[starts[0] :] if starts else said)[-3_000:]


def judge(parser: Parser, folder: Path) -> Verdict:
    """Replay all that is in a folder."""
    command = [sys.executable, str(HERE / "measured.py"), parser.module, str(folder)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        return Verdict(0, 0, 0, 0, [ended.stderr[-3_000:]])
    told = json.loads(ended.stdout)
    inputs = [path.read_bytes() for path in sorted(folder.iterdir())]
    most, faults = 0, []
    for data, taken in zip(inputs, told["heap_bytes"], strict=True):
        may = parser.heap_bytes + parser.heap_per_byte * len(data)
        most = max(most, 1_000 * taken // may)
        if taken > may:
            faults.append(f"takes {taken} bytes, {may} are allowed: {data.hex()}")
    if not parser.is_host:
        faults += differing(parser, inputs)
    return Verdict(len(inputs), told["lines"], told["lines_of"], most, faults)


def differing(parser: Parser, inputs: Sequence[bytes]) -> list[str]:
    """Return what MicroPython makes of inputs that CPython does not."""
    take = import_module(parser.module).take
    with TemporaryDirectory(prefix="cma-fuzz-") as name:
        paths = [Path(name) / "inputs", Path(name) / "results"]
        paths[0].write_bytes(b"".join(struct.pack(">I", len(each)) + each for each in inputs))
        ended = subprocess.run(
            [*micropython.interpreter(), "-X", f"heapsize={_HEAP}", str(HERE / "replay.py"),
             parser.module, *map(str, paths)],
            env={**os.environ, "MICROPYPATH": f"{ROOT / 'firmware'}:{ROOT / 'tests'}:.frozen"},
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
        results = paths[1].read_bytes() if paths[1].exists() else b""
    said = (ended.stdout + ended.stderr)[-2_000:]
    faults = []
    for at, data in enumerate(inputs):
        crc = results[4 * at : 4 * at + 4]
        if len(crc) < 4:
            return [*faults, f"MicroPython stops at {data.hex()}: {said}"]
        if crc != struct.pack(">I", crc32(take(data))):
            faults.append(f"MicroPython differs: {data.hex()}")
    return faults + ([f"MicroPython says {said}"] if said else [])
