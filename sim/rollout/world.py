"""A world in which a fleet updates: clusters of sleepers, an edge in each, the air between them.

Flash, loader, slots and updater are the kernel's own, on emulated NOR flash and the world's radio.
Between sessions agents run an application, or only their schedule is emulated, which takes a third
of the time. For CPython only.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cma_toolkit.sim.rollout.board import Board
from cma_toolkit.sim.rollout.edge import Edge
from cma_toolkit.sim.world.board import AIR, BOOT, UNDELIVERED, WAKE
from cma_toolkit.sim.world.clock import Clock
from cma_toolkit.sim.world.medium.medium import Medium
from cma_toolkit.sim.world.medium.places import make_places
from cma_toolkit.sim.world.medium.reach import Paths

_CLUSTER_M = 1_000  # from one to the next: out of each other's reach
_RANGE_M = 100
_SIDE_M = 20  # of a cluster
_ROW = 40  # clusters in a row
_MINUTE_MS = 60_000
_NOTHING_COMES = 1_000
_TICK = 8  # an event of the whole world, after all those of boards


@dataclass(frozen=True)
class Member:
    """One board as it is known: of which cluster, how often it wakes, what its battery has.

    Units: `power_cut_in` operations of flash from the start of its first session on, 0: none;
    `currents_ua` by the names of power states; `settings` are those of an agent that runs;
    of a thousand frames `edge_permille` get lost on the way to and from the edge, -1: as many as
    everywhere. Shape: `deaf_to` are the nodes of its cluster that are out of its reach.
    """

    node: int
    cluster: str
    wake_period_ms: int = 60_000
    battery_mv: int = 0
    power_cut_in: int = 0
    currents_ua: Mapping[str, int] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)
    edge_permille: int = -1
    deaf_to: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Conditions:
    """What holds for all: the release that runs, the air, and what the next release does.

    Shape: `image`, `papers` and `root` are what lies in slot A and in the loader. `fate` is what
    becomes of a board that runs `bad_sequence`: "crash" or "mute". `setup` is an application's;
    without one, boards live by their schedule.
    """

    image: bytes
    papers: bytes
    root: bytes
    class_id: bytes
    mpy: int
    sequence: int
    loss_permille: int = 0
    listen_ms: int = 200
    fate: str = ""
    bad_sequence: int = 0
    setup: Callable[[Any], object] | None = None


class World:
    """Boards and edges in virtual time; the world's Medium sees it as the fleet that it serves."""

    def __init__(
        self,
        members: Sequence[Member],
        conditions: Conditions,
        make_edge: Callable[[int, int], Any],
        seed: int = 1,
    ) -> None:
        """Place the boards; `make_edge(number, node)` returns the machine of a cluster's edge."""
        self.clock = Clock()
        self.seed = seed
        self.conditions = conditions
        clusters = list(dict.fromkeys(member.cluster for member in members))
        self.names = [str(member.node) for member in members] + clusters
        self.watchers: tuple[()] = ()
        self.active_faults: tuple[()] = ()
        self.own = range(len(self.names))
        self.is_own = bytearray(b"\x01" * len(self.names))
        rows = _places([clusters.index(member.cluster) for member in members], len(clusters))
        self.places = make_places({"kind": "positions", "rows": rows}, len(rows), seed)
        fleet: Any = self
        radio = {
            "range_m": _RANGE_M,
            "loss_permille": conditions.loss_permille,
            "edge_loss_permille": 0,
        }
        self.medium = Medium(fleet, radio)
        self.radio = self.medium.radio
        self._limit_reach(members)
        self.members = [
            Board(self, index, member, clusters.index(member.cluster))
            for index, member in enumerate(members)
        ]
        edge_nodes = [_edge_node(number, members) for number in range(len(clusters))]
        self.edges = [
            Edge(self, len(members) + number, make_edge(number, node))
            for number, node in enumerate(edge_nodes)
        ]
        self.boards: list[Any] = [*self.members, *self.edges]
        nodes = [*(member.node for member in members), *edge_nodes]
        for index, node in enumerate(nodes):
            self.medium.connect(node, index)

    def run(self, minutes: int, on_minute: Callable[[int], bool]) -> int:
        """Let time pass; `on_minute(now_ms)` controls the edges, and returns whether to go on.

        Returns: for how long it went, in milliseconds.
        """
        for board in self.boards:
            board.start()
        for minute in range(minutes):
            if not on_minute(self.clock.now_ms):
                break
            self._run_until((minute + 1) * _MINUTE_MS)
        return self.clock.now_ms

    def _limit_reach(self, members: Sequence[Member]) -> None:
        """Have nothing come from whom boards are deaf to, and lose what is lost to the edge."""
        reach, count = self.radio.reach, len(members)
        for source in self.own:
            paths = reach.paths(source)
            kept = []
            for place, target in enumerate(paths.agents):
                loss, nearer = paths.loss_permille[place], min(source, target)
                if max(source, target) < count:
                    if members[source].node in members[target].deaf_to:
                        continue
                elif nearer < count and members[nearer].edge_permille >= 0:
                    loss = members[nearer].edge_permille
                if loss < _NOTHING_COMES:
                    kept.append((target, paths.dbm[place], loss))
            reach.put(source, Paths(*([row[at] for row in kept] for at in range(3))))

    def _run_until(self, until_ms: int) -> None:
        clock = self.clock
        while True:
            event = clock.take(until_ms)
            if event is None:
                return
            kind, index, data = event
            if kind == AIR:
                self.medium.turn()
            elif kind in (WAKE, BOOT):
                self.boards[index].on_event(kind, data)
            else:
                assert kind == UNDELIVERED  # no machine here asks whether a frame was taken


def _places(cluster_of: Sequence[int], clusters: int) -> list[tuple[int, int]]:
    """Return where boards stand, then the edges: each cluster on a grid around its edge."""
    counts = [0] * clusters
    rows = []
    for cluster in cluster_of:
        x, y = _centre(cluster)
        number, counts[cluster] = counts[cluster], counts[cluster] + 1
        rows.append((x + number % _SIDE_M, y + number // _SIDE_M % _SIDE_M))
    return rows + [_centre(cluster) for cluster in range(clusters)]


def _centre(cluster: int) -> tuple[int, int]:
    return cluster % _ROW * _CLUSTER_M, cluster // _ROW * _CLUSTER_M


def _edge_node(number: int, members: Sequence[Member]) -> int:
    taken = {member.node for member in members}
    node = number + 1
    while node in taken:
        node += len(members) + 1
    return node
