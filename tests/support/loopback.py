"""A serial port whose board is a loopback plug: what it gets comes back."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

from cma_toolkit.sim.virtual_board.endpoints.fast import FastServer
from cma_toolkit.sim.virtual_board.endpoints.line import Line
from cma_toolkit.sim.virtual_board.endpoints.port import BoardPort
from cma_toolkit.sim.virtual_board.endpoints.pty import PtyWatcher

Result = TypeVar("Result")
DETACHED = "detached"


class Loopback:
    """Run the endpoints of one such board in a thread of their own."""

    def __init__(self, home: Path, name: str = "plug") -> None:
        self.name = name
        self.log: list[object] = []
        self.paused = threading.Event()
        self.resumed = threading.Event()
        self.detached = threading.Event()
        (home / name).mkdir()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.port = self.call(lambda: self._open(home))

    @property
    def line(self) -> Line:
        """Return the serial line."""
        return self.port.line

    def send(self, data: bytes) -> None:
        """Let the board say something of its own."""
        self.call(lambda: self.line.send(data))

    def call(self, function: Callable[[], Result]) -> Result:
        """Run a function in the loop's thread and return what it returns."""
        future: Future[Result] = Future()
        self._loop.call_soon_threadsafe(lambda: future.set_result(function()))
        return future.result(10)

    def close(self) -> None:
        """End the thread."""
        self.call(self._close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # What the line says to its board.

    def on_bytes(self, data: bytes) -> None:
        """Send it back."""
        self.line.send(data)

    def on_lines(self, dtr: bool, rts: bool) -> None:
        """Note the levels."""
        self.log.append((dtr, rts))

    def on_attach(self) -> None:
        """Do nothing: the plug has no USB of its own."""

    def on_detach(self) -> None:
        """Note that the lines float."""
        self.log.append(DETACHED)
        self.detached.set()

    def pause_output(self) -> None:
        """Note that a reader is slow."""
        self.paused.set()

    def resume_output(self) -> None:
        """Note that it has caught up."""
        self.resumed.set()

    def _open(self, home: Path) -> BoardPort:
        self._watcher = PtyWatcher(self._loop)
        port = BoardPort(self._loop, self, home / self.name, self._watcher)
        port.open(0)
        self._fast = FastServer(self._loop, home, self._find)
        return port

    def _find(self, name: str) -> Line | str:
        return self.line if name == self.name else f"there is no board {name}"

    def _close(self) -> None:
        self._fast.close()
        self.port.close()
        self._watcher.close()
