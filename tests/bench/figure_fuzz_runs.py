"""Runs of all parsers that face the air or a cable, guided by coverage, without a finding.

A finding is an exception that is not documented, a run of more than ten seconds, heap beyond the
stated multiple of the input, a reading that does not come back as it was written, a machine that
takes nothing good afterwards, or another answer on MicroPython. The runs of a parser with one do
not count.
"""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from fuzz.all_parsers import told
from fuzz.catalogue import PARSERS
from fuzz.hunting import hunt, judge, sow

UNIT = "runs"
AT_LEAST = 1_000_000
SEED = 1


def measure(say: Callable[[str], None]) -> int:
    """Hunt in each parser, from its seeds on."""
    good = 0
    for parser in PARSERS.values():
        with TemporaryDirectory(prefix="cma-fuzz-") as name:
            folder = Path(name)
            sow(parser, folder)
            found = hunt(
                parser, folder, [f"-runs={parser.runs}", f"-seed={SEED}"], lambda count: None
            )
            verdict = judge(parser, folder)
        for line in told(parser, found, verdict):
            say(line)
        if not found.text and not verdict.faults:
            good += found.runs
    return good
