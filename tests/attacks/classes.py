"""The 90 classes of attacks and faults on updates, and which of them the tests here have shown.

Source   Uptane 2.1, section 4 and The Update Framework 1.0.34, section 1.5.2 (what an attacker
         wants); MCUboot's simulator and SUIT's RFC 9124 (faults); our own list of the rest
"""

import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

from attacks.attack import ROOT, STOPPED

CLASSES = """
unsigned
unknown key
valid key of another role
every bit of the manifest flipped
every bit of the signature flipped
manifest cut off at every length
trailing bytes
duplicate keys
encodings that are not canonical
lower version
same version replayed
lower security counter under a higher version
fast-forward
recovery from a fast-forward by other keys
expired: freeze
freeze with the clock unset
clock turned back
manifest of one release, image of another
modules that do not belong together
part of a bundle
another class of device
another device
data longer than declared
manifest over its size
slow retrieval
requests dropped
fewer signatures than the threshold
one key for two
chain of roots
root version skipped
new root signed by the new key only
expired root
delegation out of scope
extraneous dependency
cyclic or missing dependency
path traversal
overwriting of kernel, keys or boot.py
collision of names
unknown or downgraded algorithm
decompression bomb
delta on another base
delta corrupt at every byte
delta output longer than declared
delta that reads out of bounds
wrong encryption key
change between verifying and starting
one bad mirror of several
replay of an old order
abort that nobody signed
secrets in clear
.mpy of another version
native code where it cannot run
cut at every operation of the download
cut at every operation of applying
cut at every operation of confirming
cut at every operation of going back
second cut in the recovery
five cuts
torn programming
torn erasing
bad blocks
bit rot
leftovers of an older update
full flash
oversize image
slow erase and the watchdog
brown-out loop
crash at import
hang
a network that is gone
crash after confirming
deep sleep before confirming
reset between choosing and booting
memory error in verifying
stored state moved on
stored state of a newer version
lost confirmation
the same bad update for ever
low battery
both slots bad
lost pieces
pieces out of order
pieces twice
corrupt piece
piece of another image
two updates at once
sender that vanishes
malicious peer
storm of broadcasts
roll-out of a bad release"""
TITLES = dict(enumerate(CLASSES.strip().splitlines(), 1))
COUNT = len(TITLES)

_TEST = re.compile(r"test_attack_(\d\d)_\w+\[(.+)\]")


def numbers_shown(
    passed: Iterable[str], failed: Iterable[str], names: re.Pattern[str] = _TEST
) -> set[int]:
    """Return which classes are shown by these tests: stopped, and not without a check.

    One test that fails spoils its class. `names` has the number and the way of a test.
    """
    ways: dict[int, set[str]] = defaultdict(set)
    for name in passed:
        if match := names.fullmatch(name):
            ways[int(match[1])].add(match[2])
    spoilt = {int(match[1]) for name in failed if (match := names.fullmatch(name))}
    return {number for number, seen in ways.items() if STOPPED in seen and len(seen) > 1} - spoilt


def run() -> tuple[list[str], list[str]]:
    """Run every attack; return the names of the tests that passed and of the others."""
    passed, failed = run_files(["tests/attacks"])
    return [name for _, name in passed], [name for _, name in failed]


def run_files(paths: Iterable[str]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Run tests; return file and name of those that passed and of the others."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", *paths, f"--junit-xml={report}"],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            check=False,
        )
        passed: list[tuple[str, str]] = []
        failed: list[tuple[str, str]] = []
        for case in ElementTree.parse(report).getroot().iter("testcase"):
            test = case.attrib["classname"].rpartition(".")[2], case.attrib["name"]
            (failed if len(case) else passed).append(test)
        return passed, failed
