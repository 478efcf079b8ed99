"""Boards that update, an edge, and the air between them, in virtual time."""

import heapq
import random
from collections.abc import Callable, Sequence
from typing import Any

from cma_toolkit.firmware.kernel.identity import Identity
from cma_toolkit.firmware.kernel.prng import Prng, seed_from
from cma_toolkit.firmware.kernel.release import layout, papers
from cma_toolkit.firmware.kernel.release.budget import Budget
from cma_toolkit.firmware.kernel.release.index import index_of
from cma_toolkit.firmware.kernel.release.installation import Installation
from cma_toolkit.firmware.kernel.release.manifest import Board, Manifest, to_bytes
from cma_toolkit.firmware.kernel.release.region import Region
from cma_toolkit.firmware.kernel.release.slots import COST_ORDERLY
from cma_toolkit.firmware.kernel.release.update import Update
from cma_toolkit.firmware.kernel.release.updater import Updater
from cma_toolkit.firmware.kernel.state.journal import Journal
from cma_toolkit.firmware.kernel.state.table import JournalTable
from cma_toolkit.firmware.kernel.ticks import ticks_add, ticks_diff
from cma_toolkit.host_tools.release import documents
from cma_toolkit.host_tools.release.artefact import Part
from cma_toolkit.host_tools.release.edge import Edge, Offered, Report
from cma_toolkit.host_tools.release.published import Published, inflate
from cma_toolkit.sim.world.hardware.flash import NorFlash
from support.release_board import FIRST, RELEASE, TIMESTAMP
from support.release_signers import CLASS_ID, LATER_S, MPY, NOW_S, signed

NETWORK = 1
EDGE_NODE = 99
SECTORS = layout.PARTITION_BYTES // layout.SECTOR_BYTES


class RomfsFlash(NorFlash):
    """The partition of a board."""

    sector_count = SECTORS


def image(seed: int, size: int = 61_000) -> bytes:
    """Return bytes that a release can hold: half of them compressible."""
    draw = random.Random(seed)
    words = [draw.randbytes(6) for _ in range(400)]
    return b"".join(draw.choice(words) + draw.randbytes(2) for _ in range(size // 8 + 1))[:size]


def changed(data: bytes, seed: int = 1) -> bytes:
    """Return an image with a function more in its middle."""
    middle = len(data) // 2
    return data[:middle] + random.Random(seed).randbytes(200) + data[middle:]


def part_of(data: bytes, sequence: int, **others: int | bytes) -> Part:
    """Return a signed release of an image."""
    from cma_toolkit.firmware.kernel.release.index import image_digest

    manifest = Manifest(sequence, CLASS_ID, image_digest(data), len(data))
    manifest.mpy = MPY
    for name, value in others.items():
        setattr(manifest, name, value)
    return Part("", signed(to_bytes(manifest), [RELEASE]), data)


def published(part: Part, earlier: Sequence[bytes] = (), version: int = 1) -> Published:
    """Return a release as it lies in the folder of an edge, current for a while."""
    said = documents.timestamp(version, NOW_S, LATER_S, [part.digest])
    roots = {1: documents.envelope(FIRST.to_bytes())}
    return Published(part, signed(said, [TIMESTAMP]), roots, earlier)


class UpdatingBoard:
    """Flash with an installation, and a session on it."""

    def __init__(
        self,
        node: int,
        runs: bytes | None,
        sequence: int = 1,
        seed: int = 1,
        *,
        class_id: bytes = CLASS_ID,
        network: int = NETWORK,
    ) -> None:
        self.node = node
        self._class_id = class_id
        self._network = network
        self.flash = RomfsFlash()
        self.outcome = 0
        self.sent: list[bytes] = []
        self.limits: tuple[Any, ...] = ()  # of its charge: currents, of a session, of a day
        self._seed = seed
        self._sessions = 0
        if runs is not None:
            self._install(runs, sequence)

    def _install(self, data: bytes, sequence: int) -> None:
        envelope = part_of(data, sequence, class_id=self._class_id).envelope
        at = layout.slot_at(0, SECTORS) * layout.SECTOR_BYTES
        padded = data + b"\xff" * (-len(data) % layout.SECTOR_BYTES)
        for start in range(0, len(padded), layout.SECTOR_BYTES):
            self.flash.program(at + start, padded[start : start + layout.SECTOR_BYTES])
        made = papers.to_bytes(envelope, index_of(data), FIRST.to_bytes())
        papers.write(self.flash, layout.trailer_at(0, SECTORS), made)

    def boot(self, session_ms: int = 0) -> Updater:
        """Begin a session, of another length if one is given."""
        region = Region(self.flash, layout.journal_at(SECTORS), layout.JOURNAL_SECTORS)
        journal = Journal(region)
        journal.recover()
        self.installation = Installation(self.flash, JournalTable(journal), FIRST.to_bytes())
        self.installation.boot(COST_ORDERLY)
        self.kind = Board((self._class_id,), layout.image_bytes(SECTORS), MPY)
        self._sessions += 1
        self.outcome = 0
        self.session_seed = seed_from(self._seed, "updater", self.node, self._sessions)
        rng = Prng(self.session_seed)
        identity = Identity(f"board-{self.node}", self.node, self._network, "test")
        budget = Budget(self.installation.table, *self.limits)
        budget.span_ms = session_ms or budget.span_ms
        self.machine = Updater(identity, rng, self.installation, self.kind, inflate, budget)
        return self.machine

    def image(self, size: int) -> bytes:
        """Return what the slot that was filled holds."""
        update = Update(self.installation)
        slot = update.whole() if update.whole() >= 0 else update.filling()
        buffer = bytearray(size)
        self.flash.read(layout.slot_at(slot, SECTORS) * layout.SECTOR_BYTES, buffer)
        return bytes(buffer)

    def done(self, outcome: int) -> None:
        """Take the end of the session."""
        self.outcome = outcome


class EdgeStation:
    """An edge, and what it was told."""

    def __init__(self, node: int = EDGE_NODE, seed: int = 1) -> None:
        self.node = node
        self.reports: list[Report] = []
        self.outcome = 0
        identity = Identity("edge", node, NETWORK, "")
        rng = Prng(seed_from(seed, "edge", node))
        self.machine = Edge(identity, rng, self.reports.append)

    def offer(self, release: Published, *nodes: int, generation: int = 1) -> None:
        """Offer a release."""
        self.machine.offer(generation, [Offered(release, nodes)])


class Out:
    """The effects of one of them: frames go into the air."""

    def __init__(self, air: "Air", station: Any) -> None:
        self._air, self._station = air, station

    def send(self, link: int, buffer: bytearray, length: int) -> None:
        """Let a frame out."""
        self._air.send(self._station.node, bytes(buffer[:length]))

    def done(self, outcome: int) -> None:
        """End a session."""
        self._station.done(outcome)


class Air:
    """Everybody hears whom `reach` says; frames are lost one by one, none collide.

    `meddle` may change, add to or take away what arrives: it is given source, target and frame
    and returns the frames that arrive instead.
    """

    def __init__(
        self,
        stations: Sequence[Any],
        loss: float = 0.0,
        seed: int = 1,
        reach: Callable[[int, int], bool] = lambda one, other: True,
        meddle: Callable[[int, int, bytes], list[bytes]] | None = None,
    ) -> None:
        self.now_ms = 0
        self.stations = {station.node: station for station in stations}
        self.sent: list[tuple[int, int, bytes]] = []  # ms, node, frame
        self._out = {station.node: Out(self, station) for station in stations}
        self._loss, self._reach, self._meddle = loss, reach, meddle
        self._draw = random.Random(seed)
        self._arriving: list[tuple[int, int, int, bytes]] = []
        self._number = 0

    @property
    def ticks_ms(self) -> int:
        """What the machines take for the time."""
        return ticks_add(self.now_ms, 0)

    def start(self, *nodes: int) -> None:
        """Start machines that were booted, all of them if none is named."""
        for node in nodes or self.stations:
            self.stations[node].machine.start(self.ticks_ms, self._out[node])

    def send(self, source: int, frame: bytes) -> None:
        """Have a frame arrive at who is in reach 3 ms later."""
        self.sent.append((self.now_ms, source, frame))
        for target in self.stations:
            if target == source or not self._reach(source, target):
                continue
            frames = [frame] if self._meddle is None else self._meddle(source, target, frame)
            for one in frames:
                if self._draw.random() >= self._loss:
                    self._number += 1
                    entry = (self.now_ms + 3, self._number, target, one)
                    heapq.heappush(self._arriving, entry)

    def run(self, until_ms: int, until: Callable[[], bool] = lambda: False) -> None:
        """Let time pass, until all sessions have ended at the latest."""
        while self.now_ms < until_ms and not until():
            boards = [one for one in self.stations.values() if isinstance(one, UpdatingBoard)]
            if boards and all(board.outcome for board in boards) and not self._arriving:
                return
            next_ms = self._arriving[0][0] if self._arriving else until_ms
            for station in self.stations.values():
                if not station.outcome:
                    wait_ms = ticks_diff(station.machine.next_wake_at_ms(), self.ticks_ms)
                    next_ms = min(next_ms, self.now_ms + max(0, wait_ms))
            self.now_ms = max(self.now_ms, next_ms)
            self._step()

    def _step(self) -> None:
        while self._arriving and self._arriving[0][0] <= self.now_ms:
            _, _, target, frame = heapq.heappop(self._arriving)
            station = self.stations[target]
            if not station.outcome:
                out = self._out[target]
                station.machine.on_frame(self.ticks_ms, 0, frame, len(frame), -50, out)
        for node, station in self.stations.items():
            if station.outcome:
                continue
            if ticks_diff(station.machine.next_wake_at_ms(), self.ticks_ms) <= 0:
                station.machine.on_time(self.ticks_ms, self._out[node])
