"""Frames over a serial wire, to the UART link of a board.

Source   `kernel.codec.cobs`
"""

from typing import Any

from cma_toolkit.firmware.kernel.codec.cobs import Stuffer, Unstuffer
from cma_toolkit.host_tools.errors import no_device

_READ_BYTES = 4096


class Wire:
    """One serial port; `buffer` holds the frame that `receive` tells of."""

    def __init__(self, port: Any) -> None:
        port.timeout = 0
        self._port = port
        self._stuffer = Stuffer()
        self._unstuffer = Unstuffer()
        self._come = b""
        self.buffer = self._unstuffer.frame

    def fileno(self) -> int:
        """Return what an event loop watches."""
        number: int = self._port.fileno()
        return number

    def send(self, data: bytes | memoryview) -> bool:
        """Transmit a frame.

        Raises: CmaError 3 if the port is gone.
        """
        size = self._stuffer.stuff(data, len(data))
        try:
            self._port.write(memoryview(self._stuffer.buffer)[:size])
        except OSError as error:
            raise self._gone() from error
        return True

    def receive(self) -> int:
        """Return the length of the next whole frame, 0 if there is none.

        Raises: CmaError 3 if the port is gone.
        """
        try:
            self._come += self._port.read(_READ_BYTES)
        except OSError as error:
            raise self._gone() from error
        for at, byte in enumerate(self._come):
            length = self._unstuffer.on_byte(byte)
            if length:
                self._come = self._come[at + 1 :]
                return length
        self._come = b""
        return 0

    def close(self) -> None:
        """Close the port."""
        self._port.close()

    def _gone(self) -> Exception:
        return no_device(f"{self._port.name} is gone: plug it in again, and start again.")
