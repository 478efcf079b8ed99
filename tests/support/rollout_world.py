"""Roll-outs in emulated fleets, as a test and a figure measure them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cma_toolkit.firmware.kernel.prng import Prng, seed_from
from cma_toolkit.firmware.kernel.release import papers
from cma_toolkit.firmware.kernel.release.index import index_of
from cma_toolkit.host_tools.cli.rollout_world import EmulatedRollout, Ended
from cma_toolkit.host_tools.rollout.desk import node_of
from cma_toolkit.host_tools.rollout.records import Member as OfRollout
from cma_toolkit.host_tools.rollout.records import Rollout, Terms
from cma_toolkit.host_tools.rollout.waves import USUAL
from cma_toolkit.sim.rollout.world import Conditions, Member
from support.release_board import FIRST
from support.release_signers import CLASS_ID, MPY
from support.rollouts import NEW, OLD, START_S, begin, mac_of, opened
from support.updating import changed, image, part_of, published

CLUSTER_BOARDS = 30
FLASH_OPERATIONS = 45  # of an update
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
    The `far` last ones hear no edge.
    """

    boards: int
    loss_permille: int = 200
    cut_permille: int = 50
    fate: str = ""
    seed: int = 1
    soak_s: int = 600
    has_agents: bool = True
    far: int = 0


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


def _world(store: Any, fleet: Fleet) -> EmulatedRollout:
    old = image(1)
    release = published(part_of(changed(old), NEW), [old])
    conditions = Conditions(
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
    rng = Prng(seed_from(fleet.seed, "power cuts"))
    members = []
    for number in range(fleet.boards):
        is_cut, operation = rng.below(1000) < fleet.cut_permille, 1 + rng.below(FLASH_OPERATIONS)
        cluster = f"cluster-{number // CLUSTER_BOARDS}"
        node = node_of(mac_of(number))
        cut_in = operation if is_cut else 0
        member = Member(node, cluster, PERIOD_MS, 0, cut_in, CURRENTS_UA)
        if number >= fleet.boards - fleet.far:
            member = replace(member, edge_permille=1_000)
        members.append(member)
    return EmulatedRollout(store, release, members, conditions, seed=fleet.seed, start_s=START_S)


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
