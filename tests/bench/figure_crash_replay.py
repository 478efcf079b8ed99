"""Crashes planted in applications on virtual boards: how many `cma replay` accounts for.

Each board runs the real firmware on real MicroPython until it crashes; its inputs, snapshot and
flash are then fetched over its serial line, and the crash is repeated on CPython. Accounted for
is one that is reproduced, or of which it is said that its first inputs were pushed out.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

from support.crashes import PLANTS, replayed
from support.virtual import VirtualBoards, home_of_boards

UNIT = "of 20 crashes reproduced, or said to have overflowed"
AT_LEAST = 20


def measure(say: Callable[[str], None]) -> int:
    """Crash one board after the other."""
    count = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, plant in PLANTS.items():
            with home_of_boards() as home:
                found = replayed(VirtualBoards(home), Path(folder), name, plant)
            said = found.said.get("text", found.text)
            say(f"{name}: {'; '.join([said, *found.said.get('notes', [])])}")
            count += found.is_accounted_for
    return count
