"""A board's serial port on a unix socket, for programs that import our pyserial handler.

One socket, `ports.sock`, serves all boards of a home. A client sends one JSON line
`{"open": NAME, "program": …, "pid": N}` and, with it, one end of a socket pair. It is answered
`{"ok": true}` or `{"ok": false, "message": …}`. From then on this connection carries the plain
bytes of the serial line, and the pair carries requests of three bytes, each acknowledged by one:
`L` dtr rts (new levels of the reset lines) and `P` 0 0 (purge what waits to be read).
"""

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path

from cma_toolkit.sim.virtual_board.endpoints.line import Line
from cma_toolkit.sim.virtual_board.endpoints.outbox import Outbox
from cma_toolkit.sim.virtual_board.supervisor.home import PORT_SOCKET, socket_address

_SEND_BUFFER_BYTES = 32 * 1024
_READ_BYTES_MAX = 64 * 1024
_HELLO_BYTES_MAX = 4096
_HELLO_TIMEOUT_S = 5.0
REQUEST_BYTES = 3
LINES, PURGE = b"L", b"P"
DONE = b"."

# Returns the line of a board that is plugged in, or the sentence that says why there is none.
FindLine = Callable[[str], Line | str]


class FastServer:
    """Accept clients for all boards of a home."""

    def __init__(self, loop: asyncio.AbstractEventLoop, home: Path, find_line: FindLine) -> None:
        self._loop = loop
        self._find_line = find_line
        self._path = home / PORT_SOCKET
        self._clients: dict[str, _Client] = {}
        self._path.unlink(missing_ok=True)
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with socket_address(home, PORT_SOCKET) as address:
            self._server.bind(address)
        self._server.listen(128)
        self._server.setblocking(False)
        loop.add_reader(self._server, self._on_connection)

    def drop(self, name: str) -> None:
        """Close the client of a board that is unplugged."""
        client = self._clients.get(name)
        if client:
            client.close()

    def close(self) -> None:
        """Drop every client and the socket."""
        for client in list(self._clients.values()):
            client.close()
        self._loop.remove_reader(self._server)
        self._server.close()
        self._path.unlink(missing_ok=True)

    def _on_connection(self) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError):
            connection, _ = self._server.accept()
            connection.setblocking(False)
            _Greeting(self._loop, connection, self._on_hello)

    def _on_hello(self, connection: socket.socket, hello: bytes, side: int) -> None:
        reason = self._admit(connection, hello, side)
        if not reason:
            return
        os.close(side)
        with contextlib.suppress(OSError), connection:
            connection.send(json.dumps({"ok": False, "message": reason}).encode() + b"\n")

    def _admit(self, connection: socket.socket, hello: bytes, side: int) -> str:
        """Join the client to its board; return why not, or nothing."""
        try:
            fields = json.loads(hello)
            name, program, pid = fields["open"], fields["program"], fields["pid"]
        except (ValueError, KeyError, TypeError):
            return "this socket speaks to cma's pyserial handler only"
        line = self._find_line(name)
        if isinstance(line, str):
            return line
        if name in self._clients:
            self._clients[name].on_readable()  # it may have left in this very turn of the loop
        if not line.claim(f"{program} (process {pid})"):
            return (
                f"virtual board {name} is busy: {line.holder} has it open; "
                "close that program and try again"
            )

        def gone() -> None:
            del self._clients[name]
            line.release()

        self._clients[name] = _Client(
            self._loop, line, connection, socket.socket(fileno=side), gone
        )
        return ""


class _Greeting:
    """Wait for a client's first line; close it if none comes in time."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        connection: socket.socket,
        on_hello: Callable[[socket.socket, bytes, int], None],
    ) -> None:
        self._loop = loop
        self._connection = connection
        self._on_hello = on_hello
        self._timer = loop.call_later(_HELLO_TIMEOUT_S, self._end)
        loop.add_reader(connection, self._on_readable)

    def _on_readable(self) -> None:
        try:
            hello, sides, _, _ = socket.recv_fds(self._connection, _HELLO_BYTES_MAX, 1)
        except OSError:
            hello, sides = b"", []
        self._loop.remove_reader(self._connection)
        self._timer.cancel()
        if hello.endswith(b"\n") and sides:
            self._on_hello(self._connection, hello, sides[0])
            return
        for side in sides:
            os.close(side)
        self._connection.close()

    def _end(self) -> None:
        self._loop.remove_reader(self._connection)
        self._connection.close()


class _Client:
    """One program that has a board's port open."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        line: Line,
        connection: socket.socket,
        side: socket.socket,
        on_gone: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._line = line
        self._connection = connection
        self._side = side
        self._on_gone = on_gone
        self._requests = b""
        self._open = True
        side.setblocking(False)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        connection.send(b'{"ok": true}\n')
        self._outbox = Outbox(connection.fileno(), self._want_writable, line.on_level)
        line.attach(self._outbox)
        loop.add_reader(connection, self.on_readable)
        loop.add_reader(side, self._on_request)

    def close(self) -> None:
        """Drop the connection."""
        if not self._open:
            return
        self._open = False
        self._line.detach(self._outbox)
        for end in (self._connection, self._side):
            self._loop.remove_reader(end)
            self._loop.remove_writer(end)
            end.close()
        self._on_gone()

    def on_readable(self) -> None:
        """Give the board all that the client has sent; nothing at all means that it left."""
        while self._open:
            try:
                received = self._connection.recv(_READ_BYTES_MAX)
            except BlockingIOError:
                return
            except OSError:
                received = b""
            if not received:
                self.close()
                return
            self._line.from_host(received)

    def _on_request(self) -> None:
        try:
            received = self._side.recv(REQUEST_BYTES * 64)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        if not received:
            self.close()
            return
        # Bytes written before a change of the lines are on the wire before it.
        self.on_readable()
        self._requests += received
        while self._open and len(self._requests) >= REQUEST_BYTES:
            request, self._requests = (
                self._requests[:REQUEST_BYTES],
                self._requests[REQUEST_BYTES:],
            )
            if request[:1] == LINES:
                self._line.set_lines(bool(request[1]), bool(request[2]))
            elif request[:1] == PURGE:
                self._outbox.clear()
            if self._open:
                self._side.send(DONE)

    def _want_writable(self, wanted: bool) -> None:
        if not self._open:
            return
        if wanted:
            self._loop.add_writer(self._connection, self._outbox.flush)
        else:
            self._loop.remove_writer(self._connection)
