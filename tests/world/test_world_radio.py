"""How strongly agents hear each other."""

import math

from cma_toolkit.firmware.kernel.prng import Prng
from cma_toolkit.sim.world.radio import Radio, strength_dbm


def test_strength_falls_by_nine_db_with_each_doubling_of_the_distance() -> None:
    assert [strength_dbm(metres * metres) for metres in (1, 2, 4, 8)] == [-40, -49, -58, -67]
    assert strength_dbm(0) == -40 and strength_dbm(10**9) == -100
    last = 0
    for square in range(1, 5_000):
        exact = -40 - 4.5 * math.log2(square)
        assert abs(strength_dbm(square) - max(-100.0, exact)) < 2
        last, before = strength_dbm(square), last
        assert last <= before


def test_both_ends_of_a_path_hear_alike() -> None:
    radio = Radio(30, Prng(4), range_m=25)
    paths = {
        (source, target): dbm
        for source in range(30)
        for target, dbm in zip(radio.in_reach(source), radio.rssi_dbm(source), strict=True)
    }
    assert len(paths) > 30 and len(set(paths.values())) > 5
    for (source, target), dbm in paths.items():
        assert paths[target, source] == dbm >= strength_dbm(625)
