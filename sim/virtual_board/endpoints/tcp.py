"""A board's serial port on the network, for unmodified tools: `rfc2217://127.0.0.1:PORT`."""

import asyncio
import contextlib
import socket
from collections.abc import Callable

from cma_toolkit.sim.virtual_board.endpoints.line import Line
from cma_toolkit.sim.virtual_board.endpoints.outbox import Outbox
from cma_toolkit.sim.virtual_board.endpoints.telnet import ComPortServer, Data, Lines, escape

HOST = "127.0.0.1"
# Small, so that a Ctrl-C is not seen long after the output that came before it.
_SEND_BUFFER_BYTES = 16 * 1024
_READ_BYTES_MAX = 64 * 1024


class TcpEndpoint:
    """Listen for one client at a time; a second one is told who has the port, and closed."""

    def __init__(self, loop: asyncio.AbstractEventLoop, line: Line, name: str) -> None:
        self._loop = loop
        self._line = line
        self._name = name
        self._server: socket.socket | None = None
        self._client: _Client | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """Return what pyserial opens."""
        return f"rfc2217://{HOST}:{self.port}" if self.port else ""

    def open(self, wanted_port: int) -> None:
        """Listen on the wanted port, or on another if that is taken."""
        server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind((HOST, wanted_port))
            server.listen(8)
        except OSError:
            server.bind((HOST, 0))
            server.listen(8)
        server.setblocking(False)
        self._server = server
        self.port = server.getsockname()[1]
        self._loop.add_reader(server, self._on_connection)

    def close(self) -> None:
        """Stop listening and drop the client."""
        if self._client:
            self._client.close()
        if self._server:
            self._loop.remove_reader(self._server)
            self._server.close()
            self._server = None
        self.port = 0

    def _on_connection(self) -> None:
        assert self._server
        try:
            connection, address = self._server.accept()
        except (BlockingIOError, ConnectionError):
            return
        connection.setblocking(False)
        # A client that left may still be on its way out in this very turn of the loop.
        if self._client:
            self._client.on_readable()
        if not self._line.claim(f"rfc2217 client {address[0]}:{address[1]}"):
            reason = f"virtual board {self._name} is busy: {self._line.holder} has it open\r\n"
            with contextlib.suppress(OSError), connection:
                connection.send(reason.encode())
            return
        self._client = _Client(self._loop, self._line, connection, self._on_client_gone)

    def _on_client_gone(self) -> None:
        self._client = None
        self._line.release()


class _Client:
    """One connection that speaks RFC 2217."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        line: Line,
        connection: socket.socket,
        on_gone: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._line = line
        self._connection = connection
        self._on_gone = on_gone
        self._telnet = ComPortServer()
        self._open = True
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        self._outbox = Outbox(connection.fileno(), self._want_writable, line.on_level)
        line.attach(self._outbox, escape)
        loop.add_reader(connection, self.on_readable)
        self._outbox.send(self._telnet.take_reply())

    def close(self) -> None:
        """Drop the connection."""
        if not self._open:
            return
        self._open = False
        self._line.detach(self._outbox)
        self._loop.remove_reader(self._connection)
        self._loop.remove_writer(self._connection)
        self._connection.close()
        self._on_gone()

    def on_readable(self) -> None:
        """Take what the client sent; nothing at all means that it left."""
        try:
            received = self._connection.recv(_READ_BYTES_MAX)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        if not received:
            self.close()
            return
        for event in self._telnet.feed(received):
            if isinstance(event, Data):
                self._line.from_host(event.payload)
            elif isinstance(event, Lines):
                self._line.set_lines(event.dtr, event.rts)
        # The answer follows what it acknowledges: a reset is done when the client hears of it.
        self._outbox.send(self._telnet.take_reply())

    def _want_writable(self, wanted: bool) -> None:
        if not self._open:
            return
        if wanted:
            self._loop.add_writer(self._connection, self._outbox.flush)
        else:
            self._loop.remove_writer(self._connection)
