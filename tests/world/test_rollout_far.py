"""Boards that hear no edge: they update with their neighbours, or with the help of one later."""

from collections.abc import Sequence
from typing import Any

import pytest

from cma_toolkit.firmware.kernel.identity import Identity
from cma_toolkit.firmware.kernel.prng import Prng, seed_from
from cma_toolkit.firmware.kernel.release import papers
from cma_toolkit.firmware.kernel.release.index import index_of
from cma_toolkit.host_tools.release.edge import Edge, Offered
from cma_toolkit.sim.rollout.world import Conditions, Member, World
from support.release_board import FIRST
from support.release_signers import CLASS_ID, MPY
from support.updating import NETWORK, changed, image, part_of, published

OLD = image(1)
RELEASE = published(part_of(changed(OLD), 2), [OLD])
NEXT = published(part_of(OLD, 3), [changed(OLD)], version=2)
NODES = range(101, 109)
PERIOD_MS, LATER_MINUTE = 60_000, 20
NOTHING_COMES = 1_000


def setup(agent: Any) -> None:
    """Be an application without work."""


class Cluster:
    """Sleepers with agents, of whom some hear no edge."""

    def __init__(
        self, far: Sequence[int], loss_permille: int, seed: int, nodes: Sequence[int] = NODES
    ) -> None:
        conditions = Conditions(
            OLD,
            papers.to_bytes(part_of(OLD, 1).envelope, index_of(OLD), FIRST.to_bytes()),
            FIRST.to_bytes(),
            CLASS_ID,
            MPY,
            1,
            loss_permille,
            setup=setup,
        )
        members = [
            Member(node, "one", PERIOD_MS, edge_permille=NOTHING_COMES if node in far else -1)
            for node in nodes
        ]
        self._seed = seed
        self.world = World(members, conditions, self._make_edge, seed)

    def _make_edge(self, number: int, node: int) -> Edge:
        rng = Prng(seed_from(self._seed, "edge"))
        return Edge(Identity("edge", node, NETWORK, ""), rng, lambda report: None)

    def offer(self, generation: int, nodes: Sequence[int], release: Any = RELEASE) -> None:
        """Offer a release to these from now on."""
        edge: Any = self.world.edges[0].machine
        edge.offer(generation, [Offered(release, tuple(nodes))])

    def updated(self) -> set[int]:
        """Return who runs it."""
        return {board.member.node for board in self.world.members if board.sequence == 2}

    def sessions(self) -> list[int]:
        """Return how often each went to update, or to help."""
        return [board.sessions for board in self.world.members]


@pytest.mark.parametrize("seed", [1, 2])
def test_who_hears_no_edge_updates_with_its_neighbours(seed: int) -> None:
    cluster = Cluster(far=(107, 108), loss_permille=100, seed=seed)
    cluster.offer(1, NODES)
    cluster.world.run(60, lambda now_ms: cluster.updated() != set(NODES))
    assert cluster.updated() == set(NODES)


@pytest.mark.parametrize("seed", [1, 2])
def test_who_comes_when_all_others_have_it_is_helped(seed: int) -> None:
    cluster = Cluster(far=(108,), loss_permille=100, seed=seed)
    cluster.offer(1, NODES[:-1])

    def go_on(now_ms: int) -> bool:
        if now_ms == LATER_MINUTE * 60_000:
            assert cluster.updated() == set(NODES[:-1])
            cluster.offer(2, NODES[-1:])
        return 108 not in cluster.updated()

    cluster.world.run(90, go_on)
    assert cluster.updated() == set(NODES)


@pytest.mark.parametrize("seed", [2, 3])
def test_of_a_crowd_few_go_to_help(seed: int) -> None:
    nodes = range(101, 125)
    cluster = Cluster(far=nodes[-1:], loss_permille=0, seed=seed, nodes=nodes)
    cluster.offer(1, nodes[:-1])
    before: list[int] = []

    def go_on(now_ms: int) -> bool:
        if now_ms == LATER_MINUTE * 60_000:
            before.extend(cluster.sessions())
            cluster.offer(2, nodes[-1:])
        return nodes[-1] not in cluster.updated()

    cluster.world.run(90, go_on)
    went = [now - then for now, then in zip(cluster.sessions(), before, strict=True)]
    assert cluster.updated() == set(nodes)
    assert went.pop() == 2  # alone, and with help
    assert 0 < sum(went) <= 4


def test_who_has_a_release_on_trial_stays_with_it() -> None:
    cluster = Cluster(far=(), loss_permille=0, seed=1)
    on_trial: set[int] = set()

    def go_on(now_ms: int) -> bool:
        if cluster.updated() and not on_trial:
            cluster.offer(2, NODES, NEXT)
        boards = cluster.world.members
        on_trial.update(
            board.sessions for board in boards if (board.sequence, board.is_on_trial) == (2, True)
        )
        return any(board.sequence < 3 for board in boards)

    cluster.offer(1, NODES)
    cluster.world.run(60, go_on)
    assert {board.sequence for board in cluster.world.members} == {3}
    assert on_trial == {1}, "a session for each release"
