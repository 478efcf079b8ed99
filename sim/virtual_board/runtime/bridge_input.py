"""What a host types, on its way into a board's UART: Ctrl-C is an interrupt, or it is data.

An ESP32's UART interrupt handler compares every byte with the interrupt character, which is set
while Python code runs and not set at the prompt or during `kbd_intr(-1)`. So Ctrl-C overtakes
everything that was typed before it, unless it is data.

Input    feed(data), interruptible() asked once for each run of 0x03
Effects  write(data) in order; interrupt()
Bounds   nothing is kept
Source   MicroPython ports/esp32/uart.c (uart_irq_handler), shared/runtime/interrupt_char.c
"""

import re
from collections.abc import Callable

CTRL_C = b"\x03"
_RUNS = re.compile(rb"\x03+|[^\x03]+")


class InputBridge:
    """Split a host's bytes into data and interrupts."""

    def __init__(self, write: Callable[[bytes], None], interrupt: Callable[[], bool]) -> None:
        """Keep two ports: `interrupt` returns False if no code runs that it could interrupt."""
        self._write = write
        self._interrupt = interrupt

    def feed(self, data: bytes) -> None:
        """Pass bytes on; several Ctrl-C in a row are one interrupt, as on a board."""
        for run in _RUNS.findall(data):
            if run.startswith(CTRL_C) and self._interrupt():
                continue
            self._write(run)
