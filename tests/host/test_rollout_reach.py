"""Who is in whose reach, from what an edge heard and boards told."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from cma_toolkit.host_tools.fleet.database import Database
from cma_toolkit.host_tools.fleet.sightings import Sighting, Sightings
from cma_toolkit.host_tools.release.listening import Heard
from cma_toolkit.host_tools.rollout.desk import node_of
from cma_toolkit.host_tools.rollout.heard import remember
from cma_toolkit.host_tools.rollout.reach import NOTHING_COMES, Reach, of_cluster
from support.rollouts import START_S, mac_of, records

DAY_S = 86_400
MACS = [mac_of(number) for number in range(12)]


def reach(count: int, *seen: Sighting, links: set[tuple[str, str]] | None = None) -> list[Reach]:
    known = {each.mac: each for each in seen}
    found = of_cluster(records(count), known, links or set(), loss_permille=100, silence_s=DAY_S)
    return [found[mac] for mac in MACS[:count]]


def sighting(number: int, loss_permille: int = 300, **others: int) -> Sighting:
    return Sighting(MACS[number], others.pop("at_s", START_S), loss_permille, **others)


def test_of_whom_nothing_is_known_all_hear_all() -> None:
    assert reach(3) == [Reach(100)] * 3


def test_who_is_not_heard_where_others_are_is_out_of_an_edges_reach() -> None:
    found = reach(4, sighting(0), sighting(1), sighting(2, at_s=START_S - 2 * DAY_S))
    assert [each.edge_permille for each in found] == [100, 100, NOTHING_COMES, NOTHING_COMES]
    assert "last 48 hours" in found[2].why and "ever" in found[3].why
    assert not found[0].why
    # Who listened for a moment, or heard one of many, does not know.
    assert reach(4, sighting(0, -1), sighting(1, -1))[3].edge_permille == 100
    assert reach(4, sighting(0))[3].edge_permille == 100


def test_a_link_that_loses_more_than_those_of_others_is_weak() -> None:
    found = reach(5, *(sighting(number, 300) for number in range(4)), sighting(4, 900))
    assert [each.edge_permille for each in found[:4]] == [100] * 4  # all collide alike
    assert 820 <= found[4].edge_permille <= 880
    assert reach(2, sighting(0, 300), sighting(1, 400))[1].edge_permille == 100


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-1, 12), min_size=2, max_size=12), st.data())
def test_a_board_has_as_many_neighbours_as_it_told_and_those_that_it_spoke_to(
    told: list[int], data: st.DataObject
) -> None:
    count = len(told)
    numbers = st.integers(0, count - 1)
    pairs = data.draw(
        st.sets(st.tuples(numbers, numbers).filter(lambda p: p[0] != p[1]), max_size=3)
    )
    links = {(MACS[one], MACS[other]) for one, other in pairs}
    seen = [sighting(number, neighbours=each) for number, each in enumerate(told)]
    found = reach(count, *seen, links=links)
    for number, each in enumerate(found):
        spoke_to = {other for pair in links for other in pair if MACS[number] in pair}
        assert MACS[number] not in each.deaf_to and not each.deaf_to & spoke_to
        for other in each.deaf_to:
            assert MACS[number] in found[MACS.index(other)].deaf_to
        heard = count - 1 - len(each.deaf_to)
        if 0 <= told[number] < 8:
            assert heard <= max(told[number], len(spoke_to - {MACS[number]}))
    if all(each < 0 or each >= 8 for each in told):
        assert not any(each.deaf_to for each in found)


def test_what_is_not_known_now_stays_as_it_was_known(tmp_path: Path) -> None:
    with Database(tmp_path / "fleet.db") as database:
        for mac in MACS[:2]:
            database.saw(mac, port="")
        one, other = map(node_of, MACS[:2])
        first = Heard(one, 30, 10, neighbours=3, battery_mv=3_700, asked=frozenset((other, 99)))
        remember(database, [first, Heard(99)], START_S)
        remember(database, [Heard(one, 3)], START_S + 60)
        sightings = Sightings(database)
        assert sightings.all() == {MACS[0]: Sighting(MACS[0], START_S + 60, 250, 3, 3_700)}
        assert sightings.links() == sightings.links(START_S) == {(MACS[0], MACS[1])}
        assert not sightings.links(START_S + 1)
