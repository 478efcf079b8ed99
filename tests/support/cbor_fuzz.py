"""Hold the kernel's general CBOR reader to cbor2: the same inputs taken, the same values read.

The profile is judged here on its own: cbor2 says what is well-formed, `Profile` walks the bytes
and says whether it is what SPEC.md, "CBOR", has. MicroPython then reads the same inputs once more.
"""

import binascii
import math
import os
import struct
import subprocess
import tracemalloc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cbor2

from cma_toolkit.firmware.kernel.codec import cbor
from cma_toolkit.sim.world import micropython
from support.cbor_inputs import Maker

ROOT = Path(__file__).parents[2]
SUPPORT = ROOT / "tests" / "support"
DEPTH_MAX = 8
BIGNUM_BYTES_MAX = 64
REFERENCES = {25, 28, 29, 256}
# To cbor2 these tags mean something; here all but 2 and 3 are handed out as they came.
MEANT = (0, 1, 4, 5, 30, 35, 36, 37, 52, 54, 100, 258, 260, 261, 1004, 43000, 55799)
AS_TAGS: dict[int, Any] = {
    number: (lambda value, immutable, number=number: cbor2.CBORTag(number, value))
    for number in MEANT
}
BATCH = 20_000
KEPT = 20  # differences that are told in full
CPYTHON_BYTES_MAX = 4096  # eight containers and an exception; a board needs a tenth


class OutsideError(Exception):
    """The item is well-formed, but not of the profile."""


class Profile:
    """Walk well-formed bytes and find what the profile leaves out."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.offset = 0

    def _head(self) -> tuple[int, int, int]:
        first = self._data[self.offset]
        short, self.offset = first & 31, self.offset + 1
        if short < 24 or short == 31:
            return first, first >> 5, short
        size = 1 << (short - 24)
        argument = int.from_bytes(self._data[self.offset : self.offset + size], "big")
        self.offset += size
        return first, first >> 5, argument

    def walk(self, depth: int = 0) -> int:
        """Stand behind the next item; returns the size of a byte string.

        Raises: OutsideError.
        """
        first, major, argument = self._head()
        is_open = first & 31 == 31
        if major < 2 or major == 7:
            return 0
        if major > 3 or is_open:
            depth += 1
            if depth > DEPTH_MAX:
                raise OutsideError("depth")
        if major == 6:
            size = self.walk(depth)
            if argument in REFERENCES or (argument in (2, 3) and size > BIGNUM_BYTES_MAX):
                raise OutsideError("tag")
            return 0
        if major < 4 and not is_open:
            self.offset += argument
            return argument
        size = 0
        keys = set()
        while self._data[self.offset] != 0xFF if is_open else argument:
            if major == 5:
                keys.add(self._data[self.offset] >> 5)
                self.walk(depth)
            size += self.walk(depth)
            argument -= 1
        self.offset += is_open
        if keys - {0, 1, 2, 3} or keys >= {2, 3}:
            raise OutsideError("keys")
        return size


def reference(data: bytes) -> Any:
    """Return the value that cbor2 reads, tags as they came.

    Raises: cbor2.CBORError, OutsideError.
    """
    value = cbor2.loads(data, semantic_decoders=AS_TAGS, allow_duplicate_keys=False)
    profile = Profile(data)
    profile.walk()
    if profile.offset != len(data):
        raise OutsideError("bytes after the item")
    return value


def is_same(  # noqa: PLR0911 - one return per type reads best
    ours: Any, theirs: Any, is_tagged: bool = False
) -> bool:
    """Tell whether two values are equal in type and to the bit; every NaN is NaN.

    Shape: `is_tagged` under a tag, most of whose content cbor2 makes immutable.
    """
    if isinstance(ours, cbor.Tag):
        if ours.number != cbor.SIMPLE:
            return (
                type(theirs) is cbor2.CBORTag
                and theirs.tag == ours.number
                and is_same(ours.value, theirs.value, True)
            )
        if ours.value == 23:
            return theirs is cbor2.undefined
        return type(theirs) is cbor2.CBORSimpleValue and theirs.value == ours.value
    if isinstance(ours, list):
        return (
            (type(theirs) is list or (is_tagged and type(theirs) is tuple))
            and len(ours) == len(theirs)
            and all(is_same(*pair, is_tagged) for pair in zip(ours, theirs, strict=True))
        )
    if isinstance(ours, dict):
        return (
            (type(theirs) is dict or (is_tagged and isinstance(theirs, Mapping)))
            and [(type(key), key) for key in ours] == [(type(key), key) for key in theirs]
            and all(is_same(ours[key], theirs[key], is_tagged) for key in ours)
        )
    if isinstance(ours, float) and isinstance(theirs, float):
        are_nan = math.isnan(ours) and math.isnan(theirs)
        return are_nan or struct.pack(">d", ours) == struct.pack(">d", theirs)
    return type(ours) is type(theirs) and ours == theirs


@dataclass
class Report:
    """What some inputs came to."""

    inputs: int = 0
    taken: int = 0
    differences: int = 0
    told: list[str] = field(default_factory=list)

    def add(self, data: bytes, text: str) -> None:
        """Count a difference."""
        self.differences += 1
        if len(self.told) < KEPT:
            self.told.append(f"{text}: {data[:80].hex()}")


def read_by(reader: Callable[[bytes], Any], data: bytes, report: Report) -> bytes | None:
    """Return the encoding of what a reader makes of an input, None if it refuses it."""
    try:
        value = reader(data)
    except cbor.CborError:
        return None
    except Exception as error:  # noqa: BLE001 - any other exception is what is looked for
        report.add(data, f"{reader.__name__} crashes with {error!r}")
        return None
    try:
        return cbor.encode(value, 2 * len(data) + 16)
    except cbor.CborError as error:
        report.add(data, f"{reader.__name__} reads what cannot be written: {error}")
        return None


def outcome(data: bytes, report: Report) -> bytes:
    """Compare one input; returns the encoding of what was read, b"" if it was refused."""
    report.inputs += 1
    ours, strict = read_by(cbor.decode_any, data, report), read_by(cbor.decode, data, report)
    if strict != (data if ours == data else None):
        report.add(data, "the strict reader takes what is not written, or not what is")
    try:
        theirs = reference(data)
    except (cbor2.CBORError, OutsideError):
        if ours is not None:
            report.add(data, "read, but cbor2 or the profile refuses it")
        return ours or b""
    if ours is None:
        report.add(data, "refused, but cbor2 reads it")
        return b""
    report.taken += 1
    if not is_same(cbor.decode_any(data), theirs):
        report.add(data, f"read as {ours[:80].hex()}, by cbor2 as {theirs!r}")
    return ours


def write_inputs(path: Path, batch: list[bytes]) -> None:
    """Write inputs for a script that MicroPython runs."""
    path.write_bytes(b"".join(struct.pack(">I", len(data)) + data for data in batch))


def run_micropython(heap: str, script: str, *arguments: Path) -> str:
    """Return what a script printed, and what it complained of."""
    ended = subprocess.run(
        [*micropython.interpreter(), "-X", f"heapsize={heap}", str(SUPPORT / script),
         *map(str, arguments)],
        env={**os.environ, "MICROPYPATH": f"{ROOT / 'firmware'}:.frozen"},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    return ended.stdout + ended.stderr


def replay(folder: Path, batch: list[bytes], outcomes: list[bytes], report: Report) -> None:
    """Let MicroPython read a batch; what it reads must encode to the same bytes."""
    inputs, results = folder / "inputs", folder / "results"
    write_inputs(inputs, batch)
    said = run_micropython("1M", "cbor_replay.py", inputs, results)
    if said:
        report.add(b"", f"MicroPython says {said[-500:]}")
    found = results.read_bytes()
    for index, data in enumerate(batch):
        crc = found[4 * index : 4 * index + 4]
        if crc != struct.pack(">I", binascii.crc32(outcomes[index])):
            report.add(data, "MicroPython reads it differently")


def fuzz(seed: int, count: int) -> Report:
    """Compare so many inputs on both runtimes."""
    report = Report()
    batch: list[bytes] = []
    outcomes: list[bytes] = []
    with TemporaryDirectory(prefix="cma-fuzz-") as name:
        for data in Maker(seed).inputs(count):
            batch.append(data)
            outcomes.append(outcome(data, report))
            if len(batch) == BATCH:
                replay(Path(name), batch, outcomes, report)
                batch.clear()
                outcomes.clear()
        replay(Path(name), batch, outcomes, report)
    return report


def refuse_claims(seed: int, count: int) -> Report:
    """Let both runtimes refuse frames that claim more than they hold, with little heap."""
    report = Report(inputs=count)
    batch = list(Maker(seed).claims(count))
    for data in batch:
        for read in (cbor.decode, cbor.decode_any):
            tracemalloc.start()
            try:
                read(data)
                report.add(data, "read, whatever it claims")
            except cbor.CborError:
                peak = tracemalloc.get_traced_memory()[1]
                if peak > CPYTHON_BYTES_MAX:
                    report.add(data, f"refused with {peak} bytes")
            finally:
                tracemalloc.stop()
    with TemporaryDirectory(prefix="cma-fuzz-") as name:
        inputs = Path(name) / "inputs"
        write_inputs(inputs, batch)
        said = run_micropython("256K", "cbor_holes.py", inputs)
        if said != f"{2 * count}\n":
            report.add(b"", f"in holes of a frame: {said[-500:]}")
    return report
