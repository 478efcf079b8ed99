"""An edge as a process: releases over UDP and serial wires, to the boards of one network.

What is offered to whom is a roll-out's to say, or it is offered to all who hear. What boards
report goes to the roll-out before anything else is sent.
"""

import select
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from cma_toolkit.firmware.kernel.identity import Identity
from cma_toolkit.firmware.kernel.prng import Prng, seed_from
from cma_toolkit.firmware.kernel.ticks import TICKS_PERIOD, ticks_diff
from cma_toolkit.host_tools.release.edge import Edge, Offered, Report
from cma_toolkit.host_tools.release.listening import Listening

_FRAMES_PER_TURN = 64
_WAIT_MS_MAX = 250  # so that a signal, and the roll-out, are heeded
_ASK_MS = 2_000  # from one look at the roll-out to the next


class Offers(Protocol):
    """Who says what is offered: a roll-out, or a person."""

    def now(self) -> tuple[int, Sequence[Offered]]:
        """Return the generation and what is offered in it."""

    def on_report(self, report: Report) -> None:
        """Take what a board told."""

    def hear(self, listening: Listening, *, is_last: bool = False) -> None:
        """Look whether what the edge hears is worth to be kept by now."""


class Link(Protocol):
    """What carries frames: a network or a wire; `buffer` holds the one that came."""

    @property
    def buffer(self) -> bytearray:
        """Return the frame."""

    def fileno(self) -> int:
        """Return what is waited for."""

    def send(self, data: memoryview, /) -> bool:
        """Transmit a frame."""

    def receive(self) -> int:
        """Return the length of a frame, 0 if none came."""


class Server:
    """One edge on some links of this computer."""

    def __init__(
        self,
        links: Sequence[Link],
        identity: Identity,
        offers: Offers,
        on_report: Callable[[Report], None],
    ) -> None:
        self._links = links
        self._offers = offers
        self._on_report = on_report
        self._offered: tuple[int, Sequence[Offered]] = (-1, ())
        self._ask_at_ms = now_ms()
        rng = Prng(seed_from("edge", identity.node, time.time_ns()))
        self._edge = Edge(identity, rng, self._take)

    def run(self, seconds: float | None = None) -> None:
        """Serve for so long, for ever if None."""
        end_s = None if seconds is None else time.monotonic() + seconds
        self._edge.start(now_ms(), self)
        try:
            while end_s is None or time.monotonic() < end_s:
                self._turn()
        finally:  # Ctrl-C ends it
            self._offers.hear(self._edge.listening, is_last=True)

    def send(self, link: int, buffer: bytearray, length: int) -> None:
        """Transmit a frame on every link."""
        for each in self._links:
            each.send(memoryview(buffer)[:length])

    def _turn(self) -> None:
        if ticks_diff(now_ms(), self._ask_at_ms) >= 0:
            self._ask()
        wait_ms = ticks_diff(self._edge.next_wake_at_ms(), now_ms())
        select.select(self._links, [], [], max(0, min(wait_ms, _WAIT_MS_MAX)) / 1000)
        for link in self._links:
            self._receive(link)
        self._edge.on_time(now_ms(), self)

    def _receive(self, link: Link) -> None:
        for _ in range(_FRAMES_PER_TURN):
            length = link.receive()
            if not length:
                return
            self._edge.on_frame(now_ms(), 0, bytes(link.buffer[:length]), length, 0, self)

    def _take(self, report: Report) -> None:
        self._offers.on_report(report)
        self._on_report(report)
        self._ask_at_ms = now_ms()  # it may change what is offered

    def _ask(self) -> None:
        generation, offers = self._offers.now()
        if (generation, offers) != self._offered:  # of one generation documents may be newer
            self._offered = generation, offers
            self._edge.offer(generation, offers)
        self._offers.hear(self._edge.listening)
        self._ask_at_ms = (now_ms() + _ASK_MS) % TICKS_PERIOD


def now_ms() -> int:
    """Return the edge's clock: this computer's monotonic one."""
    return time.monotonic_ns() // 1_000_000 % TICKS_PERIOD
