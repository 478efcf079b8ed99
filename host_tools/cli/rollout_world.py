"""A roll-out in an emulated fleet: its desk decides, edges offer, boards take it or not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cma_toolkit.firmware.kernel.identity import Identity
from cma_toolkit.firmware.kernel.prng import Prng, seed_from
from cma_toolkit.host_tools.release.edge import Edge, Offered, Report
from cma_toolkit.host_tools.release.listening import Heard
from cma_toolkit.host_tools.release.published import Published
from cma_toolkit.host_tools.rollout.desk import Desk
from cma_toolkit.host_tools.rollout.heard import report_of
from cma_toolkit.host_tools.rollout.records import OPEN_STATES, RUNNING, Rollout
from cma_toolkit.host_tools.rollout.records import Member as OfRollout
from cma_toolkit.host_tools.rollout.stages import OVER
from cma_toolkit.host_tools.rollout.store import Store
from cma_toolkit.sim.rollout.board import NETWORK
from cma_toolkit.sim.rollout.world import Conditions, Member, World

_STUCK_S = 600  # after which nothing more is to be waited for


@dataclass(frozen=True)
class Ended:
    """How a roll-out in a world ended: for how long it ran, and what became of each board.

    Units: `used_uah` for the update, by board; `asked` boards; `errors` that applications raised.
    Shape: `raised` are the nodes on which they did.
    """

    took_ms: int
    state: str
    boards: dict[int, str]
    used_uah: dict[int, int]
    asked: int
    power_cuts: int
    errors: int = 0
    raised: frozenset[int] = frozenset()


class EmulatedRollout:
    """A world with the desk of a roll-out that has begun."""

    def __init__(
        self,
        store: Store,
        release: Published,
        members: Sequence[Member],
        conditions: Conditions,
        *,
        seed: int,
        start_s: int,
        is_able: Callable[[Rollout, OfRollout], bool] | None = None,
    ) -> None:
        """Begin; of `is_able`, only boards may still change. Else it goes on while any may."""
        self._is_able = is_able or (lambda _rollout, member: member.stage not in OVER)
        self._store = store
        self._desk = Desk(store)
        self._release = release
        self._start_s = start_s
        self._seed = seed
        self._generation = -1
        self._asked: set[int] = set()
        self._edges: list[Edge] = []
        self.world = World(members, conditions, self._make_edge, seed)
        self._cluster_of = {member.node: member.cluster for member in members}
        self._clusters = list(dict.fromkeys(member.cluster for member in members))

    def run(
        self, minutes: int, on_progress: Callable[[int, int, int], Any] | None = None
    ) -> Ended:
        """Let it go until it ends or halts, for so many minutes at most.

        `on_progress` is told boards that are updated, virtual seconds, and events.
        """
        boards, clock = self.world.members, self.world.clock

        def on_minute(now_ms: int) -> bool:
            if on_progress is not None:
                done = sum(1 for board in boards if board.state == "updated")
                on_progress(done, now_ms // 1000, clock.scheduled)
            return self._on_minute(now_ms)

        took_ms = self.world.run(minutes, on_minute)
        rollout = self._store.newest()
        assert rollout is not None
        return Ended(
            took_ms,
            rollout.state,
            {board.member.node: board.state for board in boards},
            {board.member.node: board.update_uah() for board in boards},
            len(self._asked),
            sum(board.power_cuts for board in boards),
            sum(board.errors for board in boards),
            frozenset(board.member.node for board in boards if board.errors),
        )

    def take_heard(self) -> list[Heard]:
        """Return what edges heard since they were asked last."""
        return [heard for edge in self._edges for heard in edge.listening.take()]

    def _make_edge(self, number: int, node: int) -> Edge:
        rng = Prng(seed_from(self._seed, "edge", number))
        edge = Edge(Identity(f"edge-{number}", node, NETWORK, ""), rng, self._on_report)
        self._edges.append(edge)
        return edge

    def _on_minute(self, now_ms: int) -> bool:
        now_s = self._start_s + now_ms // 1000
        self._desk.on_time(now_s)
        self._offer(now_s)
        rollout = self._store.newest()
        if rollout is None or rollout.state not in OPEN_STATES:
            return False
        # A halt is the end, but for boards that still find their way back from a trial.
        is_going_back = any(board.is_on_trial for board in self.world.members)
        return is_going_back or (rollout.state == RUNNING and not self._is_stuck(rollout, now_s))

    def _is_stuck(self, rollout: Rollout, now_s: int) -> bool:
        """Tell whether only boards are left that time alone does not change, and no wave opens."""
        members = self._store.members(rollout)
        if any(
            member.wave <= rollout.wave and self._is_able(rollout, member) for member in members
        ):
            return False
        changed_s = max([rollout.changed_at_s, *(member.changed_at_s for member in members)])
        return now_s - changed_s > rollout.terms.soak_s + _STUCK_S

    def _on_report(self, heard: Report) -> None:
        now_s = self._start_s + self.world.clock.now_ms // 1000
        self._desk.on_report(report_of(heard), now_s)

    def _offer(self, now_s: int) -> None:
        for offer in self._desk.offers(now_s):
            if offer.generation == self._generation:
                return
            self._generation = offer.generation
            self._asked |= set(offer.nodes) & set(self._cluster_of)
            for edge, cluster in zip(self._edges, self._clusters, strict=True):
                own = tuple(node for node in offer.nodes if self._cluster_of.get(node) == cluster)
                edge.offer(offer.generation, [Offered(self._release, own or (0,))])
