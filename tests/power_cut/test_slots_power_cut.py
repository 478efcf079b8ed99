"""Power lost in any flash operation of an update, a confirmation, a way back or a recovery.

Every operation in nine ways, and in the start after each of these cuts some operations again in
nine: the board runs the old release or the new one, byte for byte. Some of them are followed on,
until the story has reached its end. `make figure NAME=ota_power_cut` cuts every operation of those
starts, and follows each first cut and each eighth of the second ones.
"""

import pytest

from support.slot_cuts import Depth, cut_life, lives

FIRST_TO_END, SECOND_TO_END = 4, 61
DEPTH = Depth(second=19, first_to_end=FIRST_TO_END, second_to_end=SECOND_TO_END)
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
    assert report.cases // SECOND_TO_END <= report.to_end <= report.cases // FIRST_TO_END


def test_enough_is_cut() -> None:
    assert sum(CASES.values()) >= CASES_MIN
