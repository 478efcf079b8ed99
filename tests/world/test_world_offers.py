"""Agents that sleep between windows hear of a release from an edge, or from each other."""

from typing import Any

import pytest

from cma_toolkit.firmware.kernel.codec.frame import KIND_OFFER, KIND_REPORT
from cma_toolkit.firmware.kernel.identity import Identity
from cma_toolkit.firmware.kernel.prng import Prng
from cma_toolkit.host_tools.release.edge import Edge, Offered, Report
from cma_toolkit.sim.world import trace
from cma_toolkit.sim.world.fleet import Fleet, node_of
from cma_toolkit.sim.world.watcher import Watcher
from support.updating import changed, image, part_of, published

PERIOD_MS = 60_000
OLD = image(1)
RELEASE = published(part_of(changed(OLD), 2), [OLD])


class EdgeGuest:
    """What a board of the world takes for its agent: an edge that is always awake."""

    snapshot_bytes = 0

    def __init__(self, nodes: tuple[int, ...]) -> None:
        self._nodes = nodes
        self.reports: list[Report] = []
        self.keeper = self.state = self

    def make_agent(
        self, fleet: Fleet, board: Any, identity: Identity, seed: int, parts: object
    ) -> Any:
        """Begin to offer."""
        self._edge = Edge(identity, Prng(seed), self.reports.append)
        self._edge.offer(1, [Offered(RELEASE, self._nodes)])
        self.on_frame, self.on_time = self._edge.on_frame, self._edge.on_time
        self.next_wake_at_ms = self._edge.next_wake_at_ms
        return self

    def start(self, now_ms: int, cause: int, snapshot: object, out: Any) -> None:
        """Have power."""
        self._edge.start(now_ms, out)

    def set_up(self, now_ms: int, setup: object, out: object) -> bool:
        """Run no application."""
        return True

    def on_battery(self, millivolts: int) -> None:
        """Be on mains."""

    def as_dict(self) -> dict[str, object]:
        """Have no state."""
        return {}

    def status(self) -> dict[str, object]:
        """Have none."""
        return {}


class Reboots(Watcher):
    """Note who asked for a reboot, and the frames about releases, by sender."""

    def __init__(self) -> None:
        self.at_ms: dict[int, list[int]] = {}
        self.said: list[tuple[int, int]] = []

    def effect(self, fleet: Fleet, index: int, kind: int, content: bytes) -> None:
        """Note what an agent asked for."""
        if kind == trace.REBOOT:
            self.at_ms.setdefault(index, []).append(fleet.clock.now_ms)
        if kind == trace.SEND and content[1] in {KIND_OFFER, KIND_REPORT}:
            self.said.append((index, content[1]))


def live(agents: int, minutes: int, nodes: tuple[int, ...] = (), **others: Any) -> Any:
    """Return what happened to sleeping agents with an edge among them, the last one."""
    seen, guest = Reboots(), EdgeGuest(nodes)
    guests: Any = {agents: guest}
    settings = {"wake_period_ms": PERIOD_MS}
    fleet = Fleet(
        lambda agent: None,
        agents + 1,
        3,
        settings=settings,
        watchers=[seen],
        guests=guests,
        **others,
    )
    fleet.run(60 * minutes)
    return seen, guest


@pytest.fixture(autouse=True)
def runs_release(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Fleet, "release", (1, RELEASE.class_tag, 3))


def test_a_cluster_of_sleepers_goes_to_update_in_one_window() -> None:
    seen, _ = live(10, 20, loss_permille=100)
    first = {index: at_ms[0] for index, at_ms in seen.at_ms.items()}
    assert set(first) == set(range(10))
    # Whoever was in the window of the others went with them.
    ordered = sorted(first.values())
    assert ordered[7] - ordered[0] < 2 * PERIOD_MS
    # Nothing came of it here, and nobody goes again at each window.
    assert all(len(at_ms) <= 3 for at_ms in seen.at_ms.values())


def test_agents_that_hear_no_edge_hear_of_it_from_their_neighbours() -> None:
    places = {"kind": "positions", "rows": [[50, 0], [100, 0], [150, 0], [0, 0]]}
    seen, _ = live(3, 40, places=places, radio={"range_m": 60, "edge_loss_permille": 0})
    assert set(seen.at_ms) == {0, 1, 2}
    assert (1, KIND_OFFER) in seen.said


def test_who_is_not_meant_stays_and_says_what_it_runs() -> None:
    seen, guest = live(4, 10, (node_of(2),))
    assert set(seen.at_ms) == {2}
    told = {report.node: (report.sequence, report.stage) for report in guest.reports}
    assert {node_of(index): (1, 3) for index in (0, 1, 3)}.items() <= told.items()
