"""Roll-outs in emulated fleets, as a test and a figure measure them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cma_toolkit.firmware.kernel.identity import Identity
from cma_toolkit.firmware.kernel.prng import Prng, seed_from
from cma_toolkit.firmware.kernel.release import papers
from cma_toolkit.firmware.kernel.release.index import index_of
from cma_toolkit.host_tools.cli.rollout_world import EmulatedRollout, Ended
from cma_toolkit.host_tools.fleet.database import Database
from cma_toolkit.host_tools.fleet.sightings import Sightings
from cma_toolkit.host_tools.release.edge import Edge
from cma_toolkit.host_tools.rollout.desk import node_of
from cma_toolkit.host_tools.rollout.heard import remember
from cma_toolkit.host_tools.rollout.reach import of_cluster
from cma_toolkit.host_tools.rollout.records import Member as OfRollout
from cma_toolkit.host_tools.rollout.records import Rollout, Terms
from cma_toolkit.host_tools.rollout.waves import USUAL
from cma_toolkit.sim.rollout.board import NETWORK
from cma_toolkit.sim.rollout.interrupted import USUAL_PERMILLE as INTERRUPTED_PERMILLE
from cma_toolkit.sim.rollout.interrupted import interrupted
from cma_toolkit.sim.rollout.world import Conditions, Member, World
from support.release_board import FIRST
from support.release_signers import CLASS_ID, MPY
from support.rollouts import NEW, OLD, START_S, begin, mac_of, opened, records
from support.updating import changed, image, part_of, published

CLUSTER_BOARDS = 30
USUAL_PERMILLE = 100  # of the frames are lost in a rehearsal
DAY_S = 86_400
PERIOD_MS = 60_000
CURRENTS_UA = {
    "active": 64_000,
    "wifi_rx": 95_000,
    "wifi_tx": 355_000,
    "light_sleep": 800,
    "deep_sleep": 8,
}


@dataclass(frozen=True)
class Fleet:
    """A fleet to update: in permille, frames that are lost, and boards whose power is cut.

    With `has_agents`, boards run an application between updates; else they live by a schedule.
    Of a thousand frames `far` get lost to and from the edge, by the number of a board.
    """

    boards: int
    loss_permille: int = 200
    cut_permille: int = 50
    fate: str = ""
    seed: int = 1
    soak_s: int = 600
    has_agents: bool = True
    far: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Told:
    """How it ended in the world, and what the fleet database has of it."""

    ended: Ended
    rollout: Rollout
    members: list[OfRollout]
    steps: list[str]


def update(
    fleet: Fleet, minutes: int, on_progress: Callable[[int, int, int], Any] | None = None
) -> Told:
    """Bring a release to a fleet, canaries first."""
    with _memory() as folder, opened(folder / "fleet.db") as store:
        terms = Terms(failures_max=fleet.boards // 100, soak_s=fleet.soak_s, silence_s=3_600)
        begin(store, fleet.boards, terms, USUAL, max(1, fleet.boards // 100))
        world = _world(store, fleet)
        ended = world.run(minutes, on_progress)
        rollout = store.newest()
        assert rollout
        steps = [what for _, _, what in store.steps(rollout)]
        return Told(ended, rollout, store.members(rollout), steps)


def as_seen(fleet: Fleet, minutes: int) -> Fleet:
    """Return the fleet that a rehearsal makes of what edges hear of this one in so many minutes.

    It knows neither how many frames get lost everywhere nor whose power will fail, and takes what
    is usual.
    """
    edges: list[Edge] = []

    def make_edge(number: int, node: int) -> Edge:
        rng = Prng(seed_from(fleet.seed, "edge", number))
        edges.append(Edge(Identity("edge", node, NETWORK, ""), rng, lambda report: None))
        return edges[-1]

    World(_members(fleet), _conditions(fleet), make_edge, fleet.seed).run(minutes, lambda _: True)
    with _memory() as folder, Database(folder / "fleet.db") as database:
        for number in range(fleet.boards):
            database.saw(mac_of(number), port="")
        for edge in edges:
            remember(database, edge.listening.take(), START_S)
        seen, links = Sightings(database).all(), Sightings(database).links()
    far: dict[int, int] = {}
    for first in range(0, fleet.boards, CLUSTER_BOARDS):
        own = records(fleet.boards)[first : first + CLUSTER_BOARDS]
        found = of_cluster(own, seen, links, loss_permille=USUAL_PERMILLE, silence_s=DAY_S)
        far |= {
            first + place: found[board.mac].edge_permille
            for place, board in enumerate(own)
            if found[board.mac].edge_permille != USUAL_PERMILLE
        }
    return replace(fleet, loss_permille=USUAL_PERMILLE, cut_permille=INTERRUPTED_PERMILLE, far=far)


def cuts_drawn(fleet: Fleet) -> int:
    """Return of how many boards the power is to be cut in the middle of their update."""
    return sum(1 for member in _members(fleet) if member.power_cut_in)


def _world(store: Any, fleet: Fleet) -> EmulatedRollout:
    old = image(1)
    release = published(part_of(changed(old), NEW), [old])
    members, conditions = _members(fleet), _conditions(fleet)
    return EmulatedRollout(store, release, members, conditions, seed=fleet.seed, start_s=START_S)


def _conditions(fleet: Fleet) -> Conditions:
    old = image(1)
    return Conditions(
        old,
        papers.to_bytes(part_of(old, OLD).envelope, index_of(old), FIRST.to_bytes()),
        FIRST.to_bytes(),
        CLASS_ID,
        MPY,
        OLD,
        fleet.loss_permille,
        fate=fleet.fate,
        bad_sequence=NEW if fleet.fate else 0,
        setup=_report if fleet.has_agents else None,
    )


def _members(fleet: Fleet) -> list[Member]:
    members = []
    for number in range(fleet.boards):
        cluster = f"cluster-{number // CLUSTER_BOARDS}"
        node = node_of(mac_of(number))
        member = Member(node, cluster, PERIOD_MS, currents_ua=CURRENTS_UA)
        members.append(replace(member, edge_permille=fleet.far.get(number, -1)))
    return interrupted(members, fleet.cut_permille, len(image(1)), fleet.seed)


def _report(agent: Any) -> None:
    """Set up an application that tells its cluster something each minute."""

    @agent.every(PERIOD_MS)  # type: ignore[untyped-decorator]
    def tell() -> None:
        agent.publish("alive", agent.name)


@contextmanager
def _memory() -> Iterator[Path]:
    """Return a folder whose files wait for no disk, if there is one."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)
