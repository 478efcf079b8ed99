"""An edge that has releases: offers them to who is awake, and hands them on.

A machine as boards are: told the time, hands out frames, and collects what boards report. A board
that sleeps is offered what is for it when it is heard.

Input    on_frame(now, link, buffer, length, rssi, out), on_time(now, out), offer(offers)
Effects  out.send
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from cma_toolkit.firmware.kernel.codec.frame import (
    BROADCAST,
    KIND_ANNOUNCE,
    KIND_OFFER,
    KIND_PIECE,
    KIND_REPORT,
    KIND_WANT,
    VERSION,
    read_source,
    read_target,
)
from cma_toolkit.firmware.kernel.effects import LINK_ALL
from cma_toolkit.firmware.kernel.identity import Identity
from cma_toolkit.firmware.kernel.limits import HEADER_BYTES
from cma_toolkit.firmware.kernel.prng import Prng
from cma_toolkit.firmware.kernel.release import talk
from cma_toolkit.firmware.kernel.release.serving import Serving
from cma_toolkit.firmware.kernel.ticks import ticks_add, ticks_diff
from cma_toolkit.host_tools.release.listening import Listening
from cma_toolkit.host_tools.release.published import Published

OFFER_MS = 2_000  # from one round of offers to the next, when nobody is heard
AWAKE_MS = 20  # from hearing who wakes to an offer
LEAD_MS, DRAW_MS = 4, 4


class Sink(Protocol):
    """What carries frames."""

    def send(self, link: int, buffer: bytearray, length: int, /) -> object:
        """Transmit a frame."""


@dataclass(frozen=True)
class Offered:
    """A release for these boards, for all who hear of it if none is named."""

    release: Published
    nodes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Report:
    """What a board says of itself: `stage` is one of talk.STAGE_… of release `target`.

    Units: `used_uah` for `target` in all its sessions, 0: not known.
    """

    node: int
    sequence: int
    stage: int
    target: int
    done_permille: int
    battery_mv: int
    reason: int
    used_uah: int = 0


class Edge:
    """One edge on the air of a cluster."""

    def __init__(
        self,
        identity: Identity,
        rng: Prng,
        on_report: Callable[[Report], object],
        listening: Listening | None = None,
    ) -> None:
        self.listening = listening or Listening()
        self._identity = identity
        self._rng = rng
        self._on_report = on_report
        self._serving = Serving(rng, LEAD_MS, DRAW_MS)
        self._sources: list[Published] = []
        self._frames: list[list[Any]] = []  # one round of offers
        self._waiting: list[list[Any]] = []  # of this round
        self._round_at_ms = 0
        self._sequence = rng.below(1 << 16)

    def start(self, now_ms: int, out: Sink) -> None:
        """Begin with a round of offers."""
        self._round_at_ms = now_ms

    def offer(self, generation: int, offers: Sequence[Offered]) -> None:
        """Offer these from now on, and nothing else; generations only grow."""
        self._sources = [offered.release for offered in offers]
        self._frames = []
        for offered in offers:
            for at in range(0, max(1, len(offered.nodes)), talk.NODES_MAX):
                nodes = list(offered.nodes[at : at + talk.NODES_MAX])
                self._frames.append(_fields(generation, offered.release, nodes))
        self._waiting = []

    def next_wake_at_ms(self) -> int:
        """Return when `on_time` has something to do."""
        serving_at_ms = self._serving.next_at_ms
        if serving_at_ms >= 0 and ticks_diff(serving_at_ms, self._round_at_ms) < 0:
            return serving_at_ms
        return self._round_at_ms

    def on_frame(  # noqa: PLR0917 - as an agent's
        self, now_ms: int, link: int, buffer: bytes, length: int, rssi_dbm: int, out: Sink
    ) -> None:
        """Take in a frame; what is not of this kind is passed over."""
        if not HEADER_BYTES < length <= len(buffer) or buffer[0] >> 4 != VERSION:
            return
        source, network = read_source(buffer), buffer[2] << 8 | buffer[3]
        if network != self._identity.network or source in {0, self._identity.node}:
            return
        kind, target = buffer[1], read_target(buffer)
        self.listening.on_frame(kind, buffer, length, source, target)
        if kind == KIND_ANNOUNCE:
            self._offer_soon(now_ms)
            return
        fields = talk.read(kind, memoryview(buffer)[HEADER_BYTES:length])
        if fields is None or target not in {BROADCAST, self._identity.node}:
            return
        if kind == KIND_WANT:
            is_for_us = target != BROADCAST
            self._serving.on_want(now_ms, self._sources, fields, is_for_us)
        elif kind == KIND_PIECE:
            self._serving.on_piece(now_ms, fields)
        elif kind == KIND_REPORT:
            self._on_report(Report(source, *fields))
            self._offer_soon(now_ms)

    def on_time(self, now_ms: int, out: Sink) -> None:
        """Send the next piece, and the next offer."""
        piece = self._serving.on_time(now_ms)
        if piece is not None:
            self._send(KIND_PIECE, piece, out)
        if ticks_diff(now_ms, self._round_at_ms) < 0:
            return
        if not self._waiting:
            self._waiting = list(self._frames)
        if self._waiting:
            self._send(KIND_OFFER, self._waiting.pop(0), out)
        span_ms = AWAKE_MS if self._waiting else OFFER_MS
        self._round_at_ms = ticks_add(now_ms, span_ms)

    def _offer_soon(self, now_ms: int) -> None:
        soon_ms = ticks_add(now_ms, AWAKE_MS)
        if ticks_diff(soon_ms, self._round_at_ms) < 0:
            self._round_at_ms = soon_ms

    def _send(self, kind: int, fields: list[Any], out: Sink) -> None:
        frame = talk.write(self._identity, kind, fields, self._sequence)
        self._sequence = (self._sequence + 1) & 0xFFFF
        out.send(LINK_ALL, frame, len(frame))


def _fields(generation: int, release: Published, nodes: list[int]) -> list[Any]:
    manifest = release.part.manifest
    return [
        generation,
        manifest.sequence,
        release.digest,
        release.class_tag,
        release.root,
        release.bases,
        nodes,
    ]
