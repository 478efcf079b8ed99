"""A cluster of sleeping boards that takes one release from one edge, in the emulated world."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cma_toolkit.firmware.kernel.identity import Identity
from cma_toolkit.firmware.kernel.prng import Prng, seed_from
from cma_toolkit.firmware.kernel.release import papers
from cma_toolkit.firmware.kernel.release.index import index_of
from cma_toolkit.host_tools.release.edge import Edge, Offered, Report
from cma_toolkit.sim.rollout.world import Conditions, Member, World
from cma_toolkit.sim.world.medium.airtime import frame_us
from support.release_board import FIRST
from support.release_signers import CLASS_ID, MPY
from support.updating import NETWORK, part_of, published

OLD_SEQUENCE, NEW_SEQUENCE = 1, 2
PERIOD_MS = 60_000
_LIMIT_MINUTES = 120
_AROUND_BYTES = 43  # of MAC header, vendor frame and check sequence


@dataclass(frozen=True)
class Used:
    """What it took: bytes that all stations had on the air, and charge by board.

    Shape: `told` is the charge that each board told an edge last.
    """

    minutes: float
    air_bytes: int
    uah: list[int]
    told: list[int]
    updated: int


def update(  # noqa: PLR0917 - what varies
    old: bytes,
    new: bytes,
    boards: int,
    loss_permille: int = 100,
    seed: int = 1,
    currents_ua: Mapping[str, int] | None = None,
) -> Used:
    """Have all boards take the release, or as many as do in two hours."""
    release = published(part_of(new, NEW_SEQUENCE), [old])
    conditions = Conditions(
        old,
        papers.to_bytes(part_of(old, OLD_SEQUENCE).envelope, index_of(old), FIRST.to_bytes()),
        FIRST.to_bytes(),
        CLASS_ID,
        MPY,
        OLD_SEQUENCE,
        loss_permille,
    )
    members = [
        Member(100 + number, "one", PERIOD_MS, currents_ua=currents_ua or {})
        for number in range(boards)
    ]

    told: dict[int, int] = {}

    def on_report(report: Report) -> None:
        told[report.node] = max(report.used_uah, told.get(report.node, 0))

    def make_edge(number: int, node: int) -> Edge:
        rng = Prng(seed_from(seed, "edge"))
        edge = Edge(Identity("edge", node, NETWORK, ""), rng, on_report)
        edge.offer(1, [Offered(release)])
        return edge

    world = World(members, conditions, make_edge, seed)
    took_ms = world.run(_LIMIT_MINUTES, lambda now_ms: not _all_have_it(world))
    updated = sum(board.sequence == NEW_SEQUENCE for board in world.members)
    uah = [board.update_uah() for board in world.members]
    said = [told.get(member.node, 0) for member in members]
    return Used(took_ms / 60_000, _air_bytes(world), uah, said, updated)


def _all_have_it(world: Any) -> bool:
    return all(board.sequence == NEW_SEQUENCE for board in world.members)


def _air_bytes(world: Any) -> int:
    """Return the bytes of all frames as they are on the air, headers of the link among them."""
    counts = [world.radio.counts(index) for index in world.own]
    frames = sum(each["frames"] + each["retries"] for each in counts)
    preambles_us = frames * (frame_us(0) - 8 * _AROUND_BYTES)
    return (sum(each["air_us"] for each in counts) - preambles_us) // 8
