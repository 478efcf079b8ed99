"""Where agents are, and who hears whom there."""

import math
import tracemalloc
from itertools import pairwise
from typing import Any

import pytest

from cma_toolkit.sim.world.medium.places import (
    Places,
    check_places,
    make_places,
    positions_from_csv,
)
from cma_toolkit.sim.world.medium.reach import Reach, longer, strength_dbm


def test_strength_falls_by_nine_db_with_each_doubling_of_the_distance() -> None:
    assert [strength_dbm(metres * metres) for metres in (1, 2, 4, 8)] == [-40, -49, -58, -67]
    assert strength_dbm(0) == -40 and strength_dbm(10**9) == -100
    last = 0
    for square in range(1, 5_000):
        exact = -40 - 4.5 * math.log2(square)
        assert abs(strength_dbm(square) - max(-100.0, exact)) < 2
        last, before = strength_dbm(square), last
        assert last <= before


def test_a_wall_weakens_as_distance_would() -> None:
    for attenuation_db in range(60):
        exact = 10**8 * 2 ** (2 * attenuation_db / 9)
        assert abs(longer(10**8, attenuation_db) / exact - 1) < 0.003


def test_both_ends_of_a_path_hear_alike() -> None:
    reach = Reach(make_places(None, 30, 4), 25, 0, 0)
    paths = {
        (source, target): dbm
        for source in range(30)
        for target, dbm in zip(reach.paths(source).agents, reach.paths(source).dbm, strict=True)
    }
    assert len(paths) > 30 and len(set(paths.values())) > 5
    for (source, target), dbm in paths.items():
        assert paths[target, source] == dbm >= strength_dbm(625)
        assert reach.paths(source).dbm[reach.place(source, target)] == dbm
    for source in range(30):
        heard_by = [target for target in range(30) if reach.place(source, target) >= 0]
        assert heard_by == list(reach.paths(source).agents)


def test_where_all_hear_all_a_path_takes_a_few_bytes() -> None:
    count = 300
    reach = Reach(make_places(None, count, 4), 0, 0, 0)
    tracemalloc.start()
    try:
        for source in range(count):
            assert reach.place(source, source) == -1
            assert reach.place(source, count - 1 - source) >= 0
        held_bytes, _peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held_bytes < 12 * count * count


@pytest.mark.parametrize(
    "plain",
    [
        None,
        {"kind": "plane", "width_m": 300, "depth_m": 3},
        {"kind": "grid", "columns": 7, "step_m": 12.5},
        {"kind": "building", "floors": 4, "wall_db": 3, "floor_db": 9},
        {"kind": "positions", "rows": [[-i * 9, i * i % 70, i % 5] for i in range(120)]},
    ],
    ids=lambda plain: plain["kind"] if plain else "none",
)
def test_who_is_in_reach_is_found_without_looking_at_all(plain: dict[str, Any] | None) -> None:
    places = make_places(plain, 120, 3)
    reach = Reach(places, 20, 0, 0)
    found = [list(reach.paths(source).agents) for source in range(120)]
    for one in range(120):
        looked_at = [
            other
            for other in range(120)
            if other != one
            and longer(places.square_cm2(one, other), places.attenuation_db(one, other))
            <= 2_000**2
        ]
        assert found[one] == looked_at
    assert sum(map(len, found)) > 120


def test_without_a_range_all_hear_all() -> None:
    reach = Reach(make_places({"kind": "grid", "step_m": 5_000}, 9, 1), 0, 0, 300)
    assert list(reach.paths(4).agents) == [0, 1, 2, 3, 5, 6, 7, 8]
    assert set(reach.paths(4).loss_permille) == {0}


def test_frames_fade_more_and_more_toward_the_end_of_the_range() -> None:
    places = make_places({"kind": "positions", "rows": [[x, 0] for x in range(0, 101, 10)]}, 11, 1)
    losses = list(Reach(places, 100, 0, 300).paths(0).loss_permille)
    assert losses == sorted(losses) and losses[0] == 0 and losses[-1] == 300
    assert 15 <= losses[4] <= 20  # half way: a sixteenth of it
    both = list(Reach(places, 100, 500, 300).paths(0).loss_permille)
    assert both[0] == 500 and both[-1] == 650


def test_a_grid_goes_row_by_row() -> None:
    places = make_places({"kind": "grid", "columns": 3, "step_m": 2.5}, 7, 1)
    assert places.positions_cm[:4] == [(0, 0, 0), (250, 0, 0), (500, 0, 0), (0, 250, 0)]
    square = make_places({"kind": "grid"}, 9, 1)
    assert square.positions_cm[-1] == (2_000, 2_000, 0)


def test_a_plane_has_the_size_asked_for_and_is_strewn_by_the_seed() -> None:
    plain = {"kind": "plane", "width_m": 200, "depth_m": 10}
    xs, ys, zs = zip(*make_places(plain, 300, 1).positions_cm, strict=True)
    assert 19_000 < max(xs) < 20_000 and 900 < max(ys) < 1_000 and set(zs) == {0}
    assert make_places(plain, 300, 1).positions_cm == make_places(plain, 300, 1).positions_cm
    assert make_places(plain, 300, 1).positions_cm != make_places(plain, 300, 2).positions_cm


def building(rows: list[tuple[int, int, int]], **changes: int) -> Places:
    places = make_places({"kind": "building", **changes}, len(rows), 1)
    places.positions_cm = rows
    return places


def test_walls_and_floors_of_a_building_are_counted() -> None:
    places = building(
        [(100, 100, 0), (400, 400, 0), (600, 100, 0), (1_100, 600, 0), (100, 100, 600)],
        room_m=5,
        floors=3,
    )
    assert [places.walls_between(0, other) for other in range(5)] == [0, 0, 1, 3, 0]
    assert [places.floors_between(0, other) for other in range(5)] == [0, 0, 0, 0, 2]
    assert [places.attenuation_db(0, other) for other in range(5)] == [0, 0, 4, 12, 30]


def test_a_building_has_its_agents_on_every_floor() -> None:
    places = make_places({"kind": "building", "floors": 3, "floor_height_m": 4}, 90, 1)
    heights = [z for _x, _y, z in places.positions_cm]
    assert {z: heights.count(z) for z in heights} == {0: 30, 400: 30, 800: 30}


def test_a_ceiling_ends_the_reach_that_a_room_has_not() -> None:
    rows = [(100, 100, 0), (900, 100, 0), (100, 100, 300)]
    assert list(Reach(building(rows, room_m=20), 10, 0, 0).paths(0).agents) == [1, 2]
    walled = building(rows, room_m=2, wall_db=9, floor_db=30)
    assert list(Reach(walled, 10, 0, 0).paths(0).agents) == []


def test_positions_come_from_a_csv_file() -> None:
    rows = positions_from_csv("x_m,y_m\n1,2\n0.29,-0.29\n\n")
    places = make_places({"kind": "positions", "rows": rows}, 2, 1)
    assert places.positions_cm == [(100, 200, 0), (29, -29, 0)]
    assert positions_from_csv("1, 2, 3\r\n") == [[1, 2, 3]]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "write x,y"),
        ("x,y\n", "write x,y"),
        ("1,2\nhere,there\n", "line 2: 'here,there' is not x,y"),
        ("1,2\n3\n", "line 2"),
        ("1,2,3,4\n", "line 1"),
    ],
)
def test_a_bad_csv_file_names_its_line(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        positions_from_csv(text)


@pytest.mark.parametrize(
    ("plain", "says"),
    [
        ({}, "write kind as one of plane, grid, building, positions"),
        ({"kind": "moon"}, "write kind as one of"),
        ([], "write kind as one of"),
        ({"kind": "grid", "colums": 3}, "no key colums; it has kind, columns, step_m"),
        ({"kind": "grid", "columns": 0}, "columns is a whole number from 1 to 100000, not 0"),
        ({"kind": "grid", "columns": 2.0}, "whole number"),
        ({"kind": "grid", "step_m": -1}, "step_m is a number from 0.1 to 100000, not -1"),
        ({"kind": "plane", "width_m": "wide"}, "not 'wide'"),
        ({"kind": "plane", "width_m": True}, "not True"),
        ({"kind": "plane", "depth_m": math.nan}, "not nan"),
        ({"kind": "building", "floors": 0}, "floors is a whole number from 1"),
        ({"kind": "building", "wall_db": -3}, "wall_db is a whole number from 0 to 100, not -3"),
        ({"kind": "positions"}, "give rows of x and y in metres, one per agent"),
        ({"kind": "positions", "rows": [[1, 2]]}, "1 rows for 2 agents; give one per agent"),
        ({"kind": "positions", "rows": [[1, 2], [3]]}, "row 2 is not x, y or x, y, z"),
        ({"kind": "positions", "rows": [[1, 2], [3, "x"]]}, "row 2 has 'x'; write metres"),
        ({"kind": "positions", "rows": [[1, 2], [3, math.inf]]}, "row 2 has inf"),
    ],
)
def test_an_impossible_place_is_refused_in_a_sentence(plain: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        check_places(plain, 2)
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


def test_neighbours_on_a_grid_are_those_within_range() -> None:
    reach = Reach(make_places({"kind": "grid", "columns": 5, "step_m": 10}, 25, 1), 10, 0, 0)
    assert [len(reach.paths(agent).agents) for agent in (0, 2, 12)] == [2, 3, 4]
    for one, other in pairwise(range(5)):
        assert other in reach.paths(one).agents
