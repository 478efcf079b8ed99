"""A board's serial port as a pseudo-terminal, for tools that open only paths.

A pty has no carrier, so whether anyone has it open is asked for when there is output: the master
polls as hung up while nobody does, and then output is dropped. All masters share one
edge-triggered epoll, which tells of input, of room for output and of the last close without a
timer and without inotify, whose instances are few.
"""

import asyncio
import contextlib
import errno
import os
import select
from pathlib import Path

from cma_toolkit.sim.virtual_board.endpoints.line import Line
from cma_toolkit.sim.virtual_board.endpoints.outbox import Outbox

LINK_NAME = "tty"
_READ_BYTES_MAX = 64 * 1024
_READS_MAX = 64


class PtyWatcher:
    """Watch the masters of all boards through one descriptor."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._epoll = select.epoll()
        self._endpoints: dict[int, PtyEndpoint] = {}
        loop.add_reader(self._epoll.fileno(), self._on_events)

    def add(self, master: int, endpoint: "PtyEndpoint") -> None:
        """Tell an endpoint of what happens to its master."""
        self._endpoints[master] = endpoint
        self._epoll.register(master, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)

    def remove(self, master: int) -> None:
        """Tell it no more."""
        self._endpoints.pop(master, None)
        self._epoll.unregister(master)

    def again(self, endpoint: "PtyEndpoint") -> None:
        """Let an endpoint read on after the other boards had their turn: no edge will tell it."""
        self._loop.call_soon(endpoint.on_events, select.EPOLLIN)

    def close(self) -> None:
        """Stop watching."""
        self._loop.remove_reader(self._epoll.fileno())
        self._epoll.close()

    def _on_events(self) -> None:
        for master, events in self._epoll.poll(0):
            endpoint = self._endpoints.get(master)
            if endpoint:
                endpoint.on_events(events)


class PtyEndpoint:
    """Keep one pty open for a board, and a link with a stable name to it."""

    def __init__(self, watcher: PtyWatcher, line: Line, folder: Path) -> None:
        self._watcher = watcher
        self._line = line
        self._link = folder / LINK_NAME
        self._master = -1
        self._outbox: Outbox | None = None
        self._written = False
        self.path = ""

    def open(self) -> None:
        """Make the pty; until somebody opens it, output is dropped."""
        import tty

        self._master, slave = os.openpty()
        self.path = os.ttyname(slave)
        tty.setraw(slave)
        # Only a terminal that was closed once polls as hung up.
        os.close(slave)
        os.set_blocking(self._master, False)
        self._outbox = Outbox(self._master, _no_need, self._line.on_level)
        self._line.attach(self._outbox, self._unless_closed)
        self._watcher.add(self._master, self)
        self._link.unlink(missing_ok=True)
        self._link.symlink_to(self.path)

    def close(self) -> None:
        """Hang up."""
        if self._master < 0:
            return
        assert self._outbox
        self._watcher.remove(self._master)
        self._line.detach(self._outbox)
        os.close(self._master)
        self._master = -1
        self.path = ""
        self._link.unlink(missing_ok=True)

    @property
    def is_open(self) -> bool:
        """Tell whether a program has the terminal open now."""
        poller = select.poll()
        poller.register(self._master, 0)
        return not any(events & select.POLLHUP for _, events in poller.poll(0))

    def on_events(self, events: int) -> None:
        """Move bytes both ways; after the last close, forget what nobody will read."""
        assert self._outbox
        if self._master >= 0 and events & select.EPOLLIN:
            self._read()
        if self._master >= 0 and events & select.EPOLLHUP:
            self._outbox.clear()
            self._flush_terminal()
        elif self._master >= 0 and events & select.EPOLLOUT:
            self._outbox.flush()

    def _unless_closed(self, data: bytes) -> bytes:
        if not self.is_open:
            return b""
        self._written = True
        return data

    def _read(self) -> None:
        for _ in range(_READS_MAX):
            try:
                data = os.read(self._master, _READ_BYTES_MAX)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                return  # hung up: nobody has the terminal open
            self._line.from_host(data)
            if self._master < 0:
                return
        self._watcher.again(self)

    def _flush_terminal(self) -> None:
        """Empty the terminal's own buffer and make it raw again for whoever comes next.

        All that lies there was written for the program that has left, since nothing else writes.
        """
        if not self._written:
            return
        import termios
        import tty

        self._written = False
        with contextlib.suppress(OSError):
            slave = os.open(self.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
            try:
                tty.setraw(slave)
                termios.tcflush(slave, termios.TCIFLUSH)
            finally:
                os.close(slave)


def _no_need(wanted: bool) -> None:
    """Ask for nothing: the watcher tells whenever there is room again."""
