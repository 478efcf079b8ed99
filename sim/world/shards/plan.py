"""Who belongs to which shard of a world, and who hears whom beyond a border. CPython only."""

from collections.abc import Iterable

from cma_toolkit.sim.world.fleet import Fleet
from cma_toolkit.sim.world.medium.border import HOPS_MAX
from cma_toolkit.sim.world.medium.places import Places

SHARDS_MAX = 64


def divide(places: Places, shards: int) -> bytearray:
    """Return each agent's shard: strips of equal count across the longer side of the place."""
    points = places.positions_cm
    spans = [max(column) - min(column) for column in zip(*points, strict=True)]
    axis = spans.index(max(spans))
    in_order = sorted(range(len(points)), key=lambda index: (points[index][axis], index))
    shard_of = bytearray(len(points))
    for place, index in enumerate(in_order):
        shard_of[index] = place * shards // len(points)
    return shard_of


def heard_in(fleet: Fleet, shard_of: bytearray) -> dict[int, list[int]]:
    """Return the other shards that hear the radio of an agent, for those of whom there are any."""
    found = {}
    for agent in fleet.own:
        shards = {shard_of[other] for other in fleet.radio.reach.around(agent)}
        others = sorted(shards - {shard_of[agent]})
        if others:
            found[agent] = others
    return found


def hops_from(fleet: Fleet, edge: Iterable[int]) -> bytearray:
    """Return by how many hops each agent of a shard is away from those at its edge."""
    hops = bytearray([HOPS_MAX]) * len(fleet.names)
    ring = list(edge)
    for agent in ring:
        hops[agent] = 0
    for distance in range(1, HOPS_MAX):
        further = []
        for agent in ring:
            for other in fleet.radio.in_reach(agent):
                if hops[other] == HOPS_MAX:
                    hops[other] = distance
                    further.append(other)
        ring = further
    return hops
