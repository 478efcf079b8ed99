"""The wire between a board's process and its owner that no serial line shows: JSON lines."""

import asyncio
import json
import socket
from collections.abc import Callable
from typing import Any

_LINE_BYTES_MAX = 65536


class Control:
    """Say and hear messages until closed."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        ours: socket.socket,
        on_message: Callable[[dict[str, Any]], None],
    ) -> None:
        self._loop = loop
        self._socket = ours
        self._on_message = on_message
        self._heard = b""
        self._open = True
        ours.setblocking(False)
        loop.add_reader(ours.fileno(), self._hear)

    def say(self, message: dict[str, object]) -> None:
        """Send one message.

        A board that does not listen for 200 KB of them is not told the rest: it gets the present
        values when it next starts.
        """
        try:
            self._socket.send(json.dumps(message).encode() + b"\n")
        except (BlockingIOError, BrokenPipeError, ConnectionResetError):
            return

    def close(self) -> None:
        """Hear nothing more."""
        if self._open:
            self._open = False
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()

    def _hear(self) -> None:
        try:
            chunk = self._socket.recv(65536)
        except (BlockingIOError, ConnectionResetError):
            return
        if not chunk:
            # The process closed its end: its exit is seen elsewhere.
            self._loop.remove_reader(self._socket.fileno())
            return
        *lines, self._heard = (self._heard + chunk)[-_LINE_BYTES_MAX:].split(b"\n")
        for line in lines:
            if self._open:
                self._on_message(json.loads(line))
