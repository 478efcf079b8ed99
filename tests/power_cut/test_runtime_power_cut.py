"""Power lost in any flash operation while a board gets, tries, keeps or gives up a MicroPython.

Every operation in nine ways, and operations of the starts after it again in nine: the bootloader
always finds one to start, and the life reaches its end.
"""

import pytest

from support.runtime_cuts import RuntimeLife, cut_runtime_life
from support.runtimes import micropython

# How many cases each life has at the least.
CASES = {"update": 1_600, "revert": 2_400}


def life_of(name: str) -> RuntimeLife:
    is_good = name == "update"
    return RuntimeLife(
        name, [micropython(5, 4_100), micropython(7, 900, is_good=is_good), micropython(9, 4_096)]
    )


@pytest.mark.parametrize("name", CASES)
def test_a_cut_leaves_something_that_starts_and_nothing_unsigned(name: str) -> None:
    report = cut_runtime_life(life_of(name), second=23, to_end=29)
    assert report.wrong == []
    assert report.cases >= CASES[name]
