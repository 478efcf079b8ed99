"""Damaged boards come back over the air, or by one command; the figure does more of them."""

from pathlib import Path

import pytest

from support import recovery
from support.recovery import BY_CABLE, OVER_THE_AIR, SEQUENCE, Bench, damage, healthy_flash
from support.virtual import VirtualBoards

PARTS = (*OVER_THE_AIR, *BY_CABLE)


def test_boards_recover_over_the_air_and_one_by_a_command(
    virtual_boards: VirtualBoards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(virtual_boards, 3)
    assert not bench.over_the_air([0, 1, 2])  # one loses the papers of what runs
    assert not bench.by_cable([0], tmp_path)
    # Who runs what it ran before, and takes nothing that is newer, has not recovered.
    monkeypatch.setattr(recovery, "WITHIN_S", 10.0)
    assert bench.over_the_air([3], offered=SEQUENCE) == [3]


@pytest.mark.parametrize("label", PARTS)
def test_damage_stays_in_its_place_and_is_the_same_again(label: str) -> None:
    whole = healthy_flash()
    begin, end = recovery._place(label)
    for seed in range(20):
        damaged = damage(whole, [label], seed)
        assert damaged == damage(whole, [label], seed)
        assert damaged[:begin] + damaged[end:] == whole[:begin] + whole[end:]
    changed = [damage(whole, [label], seed) != whole for seed in range(20)]
    assert sum(changed) >= 15, "most of it damages something"
