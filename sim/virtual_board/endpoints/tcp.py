"""A board's serial port on the network, for unmodified tools: `rfc2217://127.0.0.1:PORT`."""

import asyncio
import socket
from collections.abc import Callable

from cma_toolkit.sim.virtual_board.endpoints.line import Line
from cma_toolkit.sim.virtual_board.endpoints.outbox import Outbox
from cma_toolkit.sim.virtual_board.endpoints.telnet import ComPortServer, Data, Lines, escape
from cma_toolkit.sim.virtual_board.supervisor.errors import VirtualBoardError

HOST = "127.0.0.1"
# Small, so that a Ctrl-C is not seen long after the output that came before it.
_SEND_BUFFER_BYTES = 16 * 1024
_READ_BYTES_MAX = 64 * 1024
_ATTEMPTS = 8


class TcpEndpoint:
    """Listen while nobody has the board; then a connection is refused by the system, at once.

    pyserial reports exactly that as a port which is busy or absent. A server that accepts a
    second client and closes it ends esptool without a word.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, line: Line) -> None:
        self._loop = loop
        self._line = line
        self._server: socket.socket | None = None
        self._client: _Client | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """Return what pyserial opens."""
        return f"rfc2217://{HOST}:{self.port}" if self.port else ""

    def open(self, wanted_port: int) -> None:
        """Listen on the wanted port, or on another if that is taken."""
        self._server = _bound(wanted_port)
        self.port = self._server.getsockname()[1]
        self._line.on_holder = self._listen_or_not
        self._listen_or_not()

    def close(self) -> None:
        """Stop listening and drop the client."""
        if self._client:
            self._client.close()
        if self._server:
            self._loop.remove_reader(self._server)
            self._server.close()
            self._server = None
        self.port = 0

    def _listen_or_not(self) -> None:
        if not self._server:
            return
        if not self._line.holder:
            self._server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._server.listen(8)
            self._loop.add_reader(self._server, self._on_connection)
            return
        self._loop.remove_reader(self._server)
        # Linux: a listener that is shut down keeps its port and may listen again. Meanwhile nobody
        # may share the port, as those who reuse addresses may with one that does not listen.
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)

    def _on_connection(self) -> None:
        assert self._server
        try:
            connection, address = self._server.accept()
        except (BlockingIOError, ConnectionError):
            return
        connection.setblocking(False)
        if not self._line.claim(f"rfc2217 client {address[0]}:{address[1]}"):
            connection.close()
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


def _bound(wanted_port: int) -> socket.socket:
    """Return a socket bound to the wanted port, or to a free one if that is taken."""
    for port in (wanted_port, *(0,) * _ATTEMPTS):
        server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        server.setblocking(False)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            # Only a port that was asked for by number outlives the end of listening.
            server.bind((HOST, port or _free_port()))
            server.listen(8)
        except OSError:
            server.close()
            continue
        return server
    raise VirtualBoardError("No TCP port is free on this computer: stop some virtual boards.")


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as finder:
        finder.bind((HOST, 0))
        port: int = finder.getsockname()[1]
        return port
