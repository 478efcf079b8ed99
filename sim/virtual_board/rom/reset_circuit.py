"""The two transistors between DTR, RTS and a board's EN and IO0 pins.

Input    on_lines(now_ms, dtr, rts) with True = asserted; on_timer(now_ms)
Effects  out.hold_reset(), out.release(download), out.set_timer(at_ms), out.cancel_timer()
Bounds   three bits of state and at most one timer
Source   ESP32-DevKitC schematic, "auto program"; esptool documentation, "Boot Mode Selection"

RTS alone pulls EN low, DTR alone pulls IO0 low, both together pull neither. EN rises slowly (its
capacitor), so a host has time to set IO0 after it lets go of EN: tools that set one line at a time
pass through "both asserted" on the way. A late `on_timer` only keeps the board in reset longer; a
lost one keeps it there until the lines change.
"""

from typing import Protocol

# Far longer than the RC delay of a real board (about 1 ms): a host behind a network may take a
# while between its two line changes, and a tool that means to hold both lines holds them longer.
SETTLE_MS = 1000


class ResetOut(Protocol):
    """Carry out what the circuit does to the chip."""

    def hold_reset(self) -> None:
        """Stop the chip: EN went low."""

    def release(self, download: bool) -> None:
        """Start the chip: EN went high, with IO0 low if `download`."""

    def set_timer(self, at_ms: int) -> None:
        """Call `on_timer` at this instant; there is one timer, a new instant replaces the old."""

    def cancel_timer(self) -> None:
        """Do not call `on_timer` any more."""


class ResetCircuit:
    """Turn line changes into resets; both lines together, as opening a port sets them, do none."""

    def __init__(self, out: ResetOut) -> None:
        self._out = out
        self._lines = (False, False)
        self._in_reset = False
        self._waiting = False

    def on_lines(self, now_ms: int, dtr: bool, rts: bool) -> None:
        """Take new levels; a repeated level changes nothing (tools write DTR again after RTS)."""
        if (dtr, rts) == self._lines:
            return
        self._lines = (dtr, rts)
        if self._waiting:
            self._waiting = False
            self._out.cancel_timer()
        if rts and not dtr:
            if not self._in_reset:
                self._in_reset = True
                self._out.hold_reset()
        elif self._in_reset and dtr and rts:
            self._waiting = True
            self._out.set_timer(now_ms + SETTLE_MS)
        elif self._in_reset:
            self._release(download=dtr)

    def on_timer(self, now_ms: int) -> None:
        """Start the chip although both lines are still asserted: IO0 is high then."""
        if self._waiting:
            self._waiting = False
            self._release(download=False)

    def _release(self, download: bool) -> None:
        self._in_reset = False
        self._out.release(download)
