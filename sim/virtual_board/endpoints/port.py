"""The serial port of one board: its line, its pty and its TCP port, opened and closed together."""

import asyncio
from pathlib import Path

from cma_toolkit.sim.virtual_board.endpoints.line import BoardSide, Line
from cma_toolkit.sim.virtual_board.endpoints.pty import PtyEndpoint, PtyWatcher
from cma_toolkit.sim.virtual_board.endpoints.tcp import TcpEndpoint


class BoardPort:
    """What a USB plug is to a real board."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        board: BoardSide,
        folder: Path,
        ptys: PtyWatcher,
    ) -> None:
        self.line = Line(loop, board)
        self._tcp = TcpEndpoint(loop, self.line)
        self._pty = PtyEndpoint(ptys, self.line, folder)

    @property
    def url(self) -> str:
        """Return the RFC 2217 URL, empty while unplugged."""
        return self._tcp.url

    @property
    def tcp_port(self) -> int:
        """Return the TCP port, 0 while unplugged."""
        return self._tcp.port

    @property
    def pty(self) -> str:
        """Return the path of the terminal, empty while unplugged."""
        return self._pty.path

    def open(self, wanted_tcp_port: int) -> None:
        """Plug in."""
        self._tcp.open(wanted_tcp_port)
        self._pty.open()

    def close(self) -> None:
        """Unplug: every client is dropped."""
        self._tcp.close()
        self._pty.close()
        self.line.close()
