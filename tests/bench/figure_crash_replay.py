"""Crashes planted in applications on virtual boards: how many `cma replay` reproduces.

Each board runs the real firmware on real MicroPython until it crashes; its inputs, snapshot and
flash are then fetched over its serial line, and the crash is repeated on CPython. All are planted
where the ring still holds every input; one more, planted so late that it cannot, is to say so,
and counts for nothing.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

from support.crashes import LATE, PLANTS, Plant, Replayed, replayed
from support.virtual import VirtualBoards, home_of_boards

UNIT = "of 20 crashes reproduced"
AT_LEAST = 20


def measure(say: Callable[[str], None]) -> int:
    """Crash one board after the other."""
    assert len(PLANTS) == AT_LEAST
    with tempfile.TemporaryDirectory() as folder:
        found = []
        for name, plant in PLANTS.items():
            found.append(_replayed(Path(folder), name, plant))
            told = [found[-1].said.get("text", found[-1].text), *found[-1].said.get("notes", [])]
            say(f"{name}: {'; '.join(told)}")
        late = _replayed(Path(folder), "late", LATE)
    reproduced = sum(each.is_reproduced for each in found)
    overflowed = sum(each.has_overflowed for each in found)
    say(f"{reproduced} reproduced, {overflowed} of {len(found)} overflowed")
    say(f"late, beyond the ring: {late.said.get('text', late.text)}")
    assert late.has_overflowed
    return reproduced


def _replayed(folder: Path, name: str, plant: Plant) -> Replayed:
    with home_of_boards() as home:
        return replayed(VirtualBoards(home), folder, name, plant)
