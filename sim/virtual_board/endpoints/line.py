"""The one serial line of a board, and the host programs at its other end.

A network or unix-socket client has the line for itself. The pty is always there, so what is
typed into it joins the line, and output goes to whoever listens. Output that a program does not
read in time stops the board for a while, then is dropped and counted: a stopped reader must not
stop an agent for good.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from cma_toolkit.sim.virtual_board.endpoints.outbox import Outbox

PAUSE_ABOVE_BYTES = 64 * 1024
RESUME_BELOW_BYTES = 4 * 1024
STALL_S = 2.0
# A piece that has begun to leave cannot be dropped; doubled by escapes it must still be less than
# what lets the board go on.
_PIECE_BYTES = 1024


class BoardSide(Protocol):
    """What a board hears from its serial line."""

    def on_bytes(self, data: bytes) -> None:
        """Take bytes that a program wrote."""

    def on_lines(self, dtr: bool, rts: bool) -> None:
        """Take the levels of the reset lines; True means asserted."""

    def on_attach(self) -> None:
        """Hear that a program has opened the port."""

    def on_detach(self) -> None:
        """Hear that nobody drives the lines any more."""

    def pause_output(self) -> None:
        """Stop producing output."""

    def resume_output(self) -> None:
        """Go on producing output."""


class Line:
    """Join a board and the programs that have its port open."""

    def __init__(self, loop: asyncio.AbstractEventLoop, board: BoardSide) -> None:
        self._loop = loop
        self._board = board
        self._sinks: dict[Outbox, Callable[[bytes], bytes]] = {}
        self._stall_timer: asyncio.TimerHandle | None = None
        self._taken_at_pause: dict[Outbox, int] = {}
        self.holder = ""
        self.on_holder: Callable[[], None] = _nobody_cares
        self.dropped_bytes = 0

    @property
    def paused(self) -> bool:
        """Tell whether the board waits for a slow reader."""
        return self._stall_timer is not None

    def claim(self, holder: str) -> bool:
        """Take the line for one client; False if another has it."""
        if self.holder:
            return False
        self.holder = holder
        self.on_holder()
        self._board.on_attach()
        return True

    def release(self) -> None:
        """Give the line back: the reset lines float."""
        self.holder = ""
        self.on_holder()
        self._board.on_detach()

    def attach(self, outbox: Outbox, encode: Callable[[bytes], bytes] = bytes) -> None:
        """Send the board's output to one more program."""
        self._sinks[outbox] = encode

    def detach(self, outbox: Outbox) -> None:
        """Send it no more."""
        self._sinks.pop(outbox, None)
        self._taken_at_pause.pop(outbox, None)
        self.on_level()

    def send(self, data: bytes) -> None:
        """Give the board's output to every program that listens."""
        for outbox, encode in list(self._sinks.items()):
            for at in range(0, len(data), _PIECE_BYTES):
                outbox.send(encode(data[at : at + _PIECE_BYTES]))

    def on_level(self) -> None:
        """Stop or restart the board as the fullest outbox says."""
        fullest_bytes = max((outbox.size_bytes for outbox in self._sinks), default=0)
        if not self.paused and fullest_bytes > PAUSE_ABOVE_BYTES:
            self._watch()
            self._board.pause_output()
        elif self._stall_timer and fullest_bytes < RESUME_BELOW_BYTES:
            self._stall_timer.cancel()
            self._stall_timer = None
            self._board.resume_output()

    def close(self) -> None:
        """Forget the programs; their endpoints close themselves."""
        self._sinks.clear()
        if self._stall_timer:
            self._stall_timer.cancel()
            self._stall_timer = None

    def from_host(self, data: bytes) -> None:
        """Give a program's bytes to the board."""
        self._board.on_bytes(data)

    def set_lines(self, dtr: bool, rts: bool) -> None:
        """Give the levels of the reset lines to the board."""
        self._board.on_lines(dtr, rts)

    def _watch(self) -> None:
        self._taken_at_pause = {outbox: outbox.taken_bytes for outbox in self._sinks}
        self._stall_timer = self._loop.call_later(STALL_S, self._on_stall_timer)

    def _on_stall_timer(self) -> None:
        stalled = [
            outbox
            for outbox, taken_bytes in self._taken_at_pause.items()
            if outbox.size_bytes >= RESUME_BELOW_BYTES and outbox.taken_bytes == taken_bytes
        ]
        self._watch()
        for outbox in stalled:
            self.dropped_bytes += outbox.clear()


def _nobody_cares() -> None:
    """Take note of nothing."""
