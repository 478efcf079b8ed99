"""mpremote's raw REPL over any port of ours, with reads that wait instead of polling.

Imported only by `session`, inside functions: mpremote is not needed to show a help text.
"""

import time
from collections.abc import Callable
from typing import Any

from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport

from cma_toolkit.host_tools.ports.serial_port import open_serial

# One port time-out for all reads: changing it costs 50-150 ms each time over RFC 2217.
TICK_S = 0.02
STALL_S = 10.0


class BufferedPort:
    """A serial port that can take bytes back, as mpremote expects a port to look."""

    def __init__(self, port: Any) -> None:
        self._port = port
        self._held = b""

    def inWaiting(self) -> int:  # noqa: N802 - pyserial's old name, which mpremote calls
        """Return how many bytes can be read at once."""
        return len(self._held) + int(self._port.in_waiting)

    def read(self, size: int = 1) -> bytes:
        """Return `size` bytes, fewer only if the board stalls for 10 s."""
        data = b""
        deadline_s = time.monotonic() + STALL_S
        while len(data) < size and time.monotonic() < deadline_s:
            data += self.read_some(TICK_S)
        self._held = data[size:] + self._held
        return data[:size]

    def read_some(self, timeout_s: float) -> bytes:
        """Return what there is, after at most `timeout_s`; empty if the board is quiet."""
        if self._held:
            data, self._held = self._held, b""
            return data
        deadline_s = time.monotonic() + timeout_s
        while True:
            data = bytes(self._port.read(max(1, self._port.in_waiting)))
            if data or time.monotonic() >= deadline_s:
                return data

    def unread(self, data: bytes) -> None:
        """Put bytes back in front."""
        self._held = data + self._held

    def write(self, data: bytes) -> None:
        """Send all of `data`."""
        view = memoryview(data)
        while view:
            view = view[self._port.write(view) or len(view) :]

    def close(self) -> None:
        """Let both lines go in the order that resets no board, and close."""
        try:
            self._port.rts = False
            self._port.dtr = False
        except OSError:
            pass  # a pty has no modem lines; a port that went away has none left
        self._port.close()


class BoardTransport(SerialTransport):  # type: ignore[misc]
    """mpremote's transport on a port that `open_serial` opened."""

    def __init__(self, url: str) -> None:
        self.device_name = url
        self.in_raw_repl = False
        self.use_raw_paste = True
        self.mounted = False
        self.is_pty = False
        self.serial = BufferedPort(open_serial(url, timeout_s=TICK_S))

    def close(self) -> None:
        """Close the port."""
        self.serial.close()

    def read_until(
        self,
        min_num_bytes: int,
        ending: bytes,
        timeout: float | None = STALL_S,
        data_consumer: Callable[[bytes], None] | None = None,
        timeout_overall: float | None = None,
    ) -> bytes:
        """Read up to and with `ending`; return what came, without it if a time-out struck."""
        data = b""
        began_s = heard_s = time.monotonic()
        while ending not in data:
            chunk = self.serial.read_some(TICK_S)
            now_s = time.monotonic()
            if chunk:
                heard_s = now_s
                data = self._consume(chunk, ending, data, data_consumer)
                continue
            quiet = timeout is not None and now_s >= heard_s + timeout
            late = timeout_overall is not None and now_s >= began_s + timeout_overall
            if quiet or late:
                break
        return data

    def _consume(
        self, chunk: bytes, ending: bytes, data: bytes, consumer: Callable[[bytes], None] | None
    ) -> bytes:
        joined = chunk if consumer else data + chunk
        head, found, rest = joined.partition(ending)
        self.serial.unread(rest)
        if consumer:
            consumer(head + found)
        return head + found


__all__ = ["BoardTransport", "BufferedPort", "TransportError"]
