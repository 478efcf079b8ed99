"""`virtual://NAME`: pyserial's way to a virtual board here, quick and with reset lines.

A change of DTR or RTS returns when the board has taken it, reads wait on the socket itself, and
`fileno()` serves `select`. The home is that of `CMA_VIRTUAL_HOME`.
"""

import array
import contextlib
import json
import os
import select
import socket
import sys
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from serial.serialutil import (
    PortNotOpenError,
    SerialBase,
    SerialException,
    SerialTimeoutException,
)

from cma_toolkit.sim.virtual_board.endpoints.fast import DONE, LINES, PURGE
from cma_toolkit.sim.virtual_board.supervisor.home import PORT_SOCKET, find_home, socket_address

_ANSWER_TIMEOUT_S = 30.0
_PLUG_IN = "plug it in with: cma virtual start"


class Serial(SerialBase):  # type: ignore[misc]  # pyserial has no types
    """One open virtual serial port."""

    BAUDRATES = (9600, 115200, 230400, 460800, 921600, 1500000, 2000000)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._socket: socket.socket | None = None
        self._side: socket.socket | None = None
        self.is_open = False
        super().__init__(*args, **kwargs)

    @property
    def name(self) -> str:
        """Return the port's name as esptool reads it.

        esptool toggles both reset lines by one ioctl on every port whose name does not begin
        so; a socket has no such ioctl, and this port's lines need none.
        """
        return f"rfc2217:{self._port}"

    @name.setter
    def name(self, value: str | None) -> None:
        """Take no name: pyserial's base class sets one beside the port."""

    def open(self) -> None:
        """Open the port of the board that the URL names.

        Raises: SerialException if there is no such board, it is unplugged, or it is in use.
        """
        if self._port is None:
            raise SerialException("Port must be configured before it can be used.")
        if self.is_open:
            raise SerialException("Port is already open.")
        self._socket, self._side = _connect(_board_name(self._port))
        self.is_open = True
        self._request(LINES, bool(self._dtr_state), bool(self._rts_state))

    def close(self) -> None:
        """Close the port; the reset lines float."""
        self.is_open = False
        for end in (self._socket, self._side):
            if end:
                end.close()
        self._socket = self._side = None

    def fileno(self) -> int:
        """Return the socket that becomes readable with the board's output."""
        return self._wire.fileno()

    @property
    def fd(self) -> int:
        """Return the same: mpremote's prompt waits on this attribute of a port."""
        return self.fileno()

    @property
    def in_waiting(self) -> int:
        """Return how many bytes can be read at once."""
        import fcntl
        import termios

        count = array.array("i", [0])
        fcntl.ioctl(self._wire, termios.FIONREAD, count)
        return count[0]

    @property
    def out_waiting(self) -> int:
        """Return how many bytes wait to be sent: none, the board takes them at once."""
        self._wire  # noqa: B018 - raises when the port is closed
        return 0

    def read(self, size: int = 1) -> bytes:
        """Read up to `size` bytes within the port's timeout."""
        wire = self._wire
        until = None if self._timeout is None else time.monotonic() + self._timeout
        data = bytearray()
        while len(data) < size:
            left_s = None if until is None else max(0.0, until - time.monotonic())
            if not select.select([wire], [], [], left_s)[0]:
                break
            with _told_as_gone(self._port):
                chunk = wire.recv(size - len(data))
            if not chunk:
                raise _gone(self._port)
            data += chunk
        return bytes(data)

    def write(self, data: Any) -> int:
        """Write all of `data` within the write timeout.

        Raises: SerialTimeoutException if the board does not take it in time.
        """
        wire = self._wire
        view = memoryview(data).cast("B")
        until = None if self._write_timeout is None else time.monotonic() + self._write_timeout
        sent = 0
        while sent < len(view):
            left_s = None if until is None else max(0.0, until - time.monotonic())
            if not select.select([], [wire], [], left_s)[1]:
                raise SerialTimeoutException("Write timeout")
            with _told_as_gone(self._port), contextlib.suppress(BlockingIOError):
                sent += wire.send(view[sent:], socket.MSG_DONTWAIT)
        return sent

    def flush(self) -> None:
        """Return when all is written: it is, once `write` has returned."""
        self._wire  # noqa: B018 - raises when the port is closed

    def reset_input_buffer(self) -> None:
        """Drop what the board has sent so far."""
        self._request(PURGE)
        while waiting := self.in_waiting:
            self._wire.recv(waiting)

    def reset_output_buffer(self) -> None:
        """Drop what waits to be sent: nothing ever does."""
        self._wire  # noqa: B018 - raises when the port is closed

    @property
    def cts(self) -> bool:
        """Tell that the board takes bytes."""
        return self.is_open

    @property
    def dsr(self) -> bool:
        """Tell that the board is plugged in."""
        return self.is_open

    @property
    def ri(self) -> bool:
        """Tell that nobody rings."""
        return False

    @property
    def cd(self) -> bool:
        """Tell that the board is plugged in."""
        return self.is_open

    @property
    def _wire(self) -> socket.socket:
        if self._socket is None:
            raise PortNotOpenError()
        return self._socket

    def _update_rts_state(self) -> None:
        self._request(LINES, bool(self._dtr_state), bool(self._rts_state))

    def _update_dtr_state(self) -> None:
        self._request(LINES, bool(self._dtr_state), bool(self._rts_state))

    def _update_break_state(self) -> None:
        """Take a break: it means nothing to a board."""

    def _reconfigure_port(self, force_update: bool = False) -> None:
        """Take any speed: the wire has none."""

    def _request(self, kind: bytes, dtr: bool = False, rts: bool = False) -> None:
        """Ask the supervisor for something on the side channel and wait until it is done."""
        if self._side is None:
            raise PortNotOpenError()
        with _told_as_gone(self._port):
            self._side.sendall(kind + bytes((dtr, rts)))
            if self._side.recv(1) != DONE:
                raise _gone(self._port)


def _board_name(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "virtual" or not parts.netloc:
        raise SerialException(f"{url!r} is no virtual board: write virtual://NAME.")
    return parts.netloc


def _connect(name: str) -> tuple[socket.socket, socket.socket]:
    if sys.platform != "linux":
        raise SerialException("Virtual boards need Linux or WSL2: run this command there.")
    wire = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    side, far_side = socket.socketpair()
    try:
        with far_side:
            try:
                with socket_address(find_home(), PORT_SOCKET) as address:
                    wire.connect(address)
            except OSError as error:
                raise SerialException(
                    f"No virtual board is running, {name} neither: {_PLUG_IN} {name}"
                ) from error
            program = os.path.basename(sys.argv[0]) or "a program"
            hello = {"open": name, "program": program, "pid": os.getpid()}
            socket.send_fds(wire, [json.dumps(hello).encode() + b"\n"], [far_side.fileno()])
        _check_answer(wire, name)
        side.settimeout(_ANSWER_TIMEOUT_S)
    except BaseException:
        wire.close()
        side.close()
        raise
    return wire, side


def _check_answer(wire: socket.socket, name: str) -> None:
    wire.settimeout(_ANSWER_TIMEOUT_S)
    answer = b""
    # Byte by byte: what follows the line is the board's output already.
    while not answer.endswith(b"\n"):
        with _told_as_gone(name):
            byte = wire.recv(1)
        if not byte:
            raise _gone(name)
        answer += byte
    wire.settimeout(None)
    fields = json.loads(answer)
    if not fields["ok"]:
        raise SerialException(fields["message"])


@contextlib.contextmanager
def _told_as_gone(port: str) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise SerialException(f"{port}: the supervisor of virtual boards is stuck") from error
    except ConnectionError as error:
        raise _gone(port) from error


def _gone(port: str) -> SerialException:
    return SerialException(f"{port}: the virtual board was unplugged")
