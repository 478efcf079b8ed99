"""Power lost in any flash operation of an update, a confirmation, a way back or a recovery.

Every operation in nine ways, and in the start after each of these cuts some operations again in
nine: the board runs the old release or the new one, byte for byte, and reaches the end of its
story. `make figure NAME=ota_power_cut` cuts every operation of those starts.
"""

import pytest

from support.slot_cuts import Depth, cut_life, lives

DEPTH = Depth(second=19, first_to_end=4, second_to_end=61)
# How many cases each life has at the least.
CASES = {
    "update": 5_000,
    "revert": 9_000,
    "recovery": 2_500,
    "lost journal": 1_300,
    "other keys": 2_500,
    "keys of a trial": 4_500,
}
CASES_MIN = 20_000


@pytest.mark.parametrize("name", CASES)
def test_a_cut_bricks_nothing_and_runs_nothing_unsigned(name: str) -> None:
    report = cut_life(lives()[name], DEPTH)
    assert report.wrong == []
    assert report.cases >= CASES[name]


def test_enough_is_cut() -> None:
    assert sum(CASES.values()) >= CASES_MIN
