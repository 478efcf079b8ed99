"""Join the pure reset circuit to the event loop: its clock, its timer, its effects."""

import asyncio
from collections.abc import Callable

from cma_toolkit.sim.virtual_board.rom.reset_circuit import ResetCircuit


class ResetButton:
    """Drive one board's reset circuit from the lines of its serial port."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        on_hold: Callable[[], None],
        on_release: Callable[[bool], None],
    ) -> None:
        self._loop = loop
        self._on_hold = on_hold
        self._on_release = on_release
        self._timer: asyncio.TimerHandle | None = None
        self.held = False
        self._circuit = ResetCircuit(self)

    def on_lines(self, dtr: bool, rts: bool) -> None:
        """Take new levels; True means asserted."""
        self._circuit.on_lines(self._now_ms(), dtr, rts)

    def on_detach(self) -> None:
        """Let the lines float: what was held in reset starts, what runs goes on."""
        self.cancel_timer()
        self._circuit = ResetCircuit(self)
        if self.held:
            self.release(False)

    # The circuit's effects.

    def hold_reset(self) -> None:
        """Pull EN low."""
        self.held = True
        self._on_hold()

    def release(self, download: bool) -> None:
        """Let EN rise, with IO0 low for the ROM loader."""
        self.held = False
        self._on_release(download)

    def set_timer(self, at_ms: int) -> None:
        """Tell the circuit when the time has come."""
        self.cancel_timer()
        delay_s = max(0, at_ms - self._now_ms()) / 1000
        self._timer = self._loop.call_later(delay_s, self._on_timer)

    def cancel_timer(self) -> None:
        """Tell it no more."""
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _on_timer(self) -> None:
        self._timer = None
        self._circuit.on_timer(self._now_ms())

    def _now_ms(self) -> int:
        return int(self._loop.time() * 1000)
