"""Percentage of damages that a journal notices, with the last good copy of each key used.

Every bit of every live record and of the newest header, before a start and while in use, of a
young table and of one that went round its ring; and five kinds of bad block and an erase that
stops half way without a word, in each sector and in pairs of them, at twenty moments.
"""

from collections.abc import Callable

from support.journal_cuts import Report
from support.journal_rot import KINDS, flip_header, flip_records, histories, spoil_blocks

UNIT = "percent"
AT_LEAST = 100
CASES_MIN = 12_000


def measure(say: Callable[[str], None]) -> float:
    """Damage everything."""
    total = Report()
    for history in histories():
        flip_records(total, history)
        flip_header(total, history)
    say(f"{total.cases} bits flipped, {len(total.wrong)} of them with harm")
    for kind in KINDS:
        report = Report()
        spoil_blocks(report, kind)
        say(f"{kind}: {report.cases} cases, {len(report.wrong)} with harm")
        total.cases += report.cases
        total.wrong += report.wrong
    for problem in total.wrong[:5]:
        say(problem)
    if total.cases < CASES_MIN:
        raise RuntimeError("too few cases")
    return 100 * (total.cases - len(total.wrong)) / total.cases
